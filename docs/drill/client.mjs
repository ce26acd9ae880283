// The loop of `biztoken drill --serve` around a client in Node 18 or newer: `node client.mjs http://127.0.0.1:PORT`.
// For the drills over HTTPS, which fetch trusts no authority for but those of NODE_EXTRA_CA_CERTS, none is given here.
import { createHmac, randomInt, randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";

function sign(key, secret) {
  const now = Math.floor(Date.now() / 1000);
  const random = String(randomInt(10 ** 10)).padStart(10, "0");
  const raw = `a=${key}&b=${now + 600}&c=${now}&d=${random}`;
  return Buffer.concat([createHmac("sha1", secret).update(raw).digest(), Buffer.from(raw)]).toString("base64");
}

// Your own client stands here: it returns a biz_token or throws with the reason.
async function getBizToken(url, key, secret) {
  for (let attempt = 0; ; attempt++) {
    const form = new FormData();
    const fields = {
      sign: sign(key, secret), sign_version: "hmac_sha1", liveness_type: "meglive", comparison_type: "1",
      idcard_name: "张三", idcard_number: "990101199003071237", biz_no: randomUUID(), verbose: "1",
    };
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    const reply = await fetch(url, { method: "POST", body: form, signal: AbortSignal.timeout(10000) });
    const text = await reply.text();
    let said = {};
    try {
      said = JSON.parse(text);
    } catch {
      throw new Error(`HTTP ${reply.status}: ${text.slice(0, 200)}`);
    }
    if (reply.status === 200 && said.biz_token) return said.biz_token;
    if (!["INTERNAL_ERROR", "CONCURRENCY_LIMIT_EXCEEDED"].includes(said.error) || attempt === 2) {
      throw new Error(`HTTP ${reply.status}: ${said.error}`);
    }
    await wait(300 * 2 ** attempt);
  }
}

const server = process.argv[2];
const drill = async (verb, said) =>
  (await fetch(`${server}/${verb}`, { method: "POST", body: JSON.stringify(said) })).json();

const begun = await drill("start", {});
let said = {};
for (;;) {
  const now = await drill("next", said);
  if (now.done) break;
  try {
    await getBizToken(now.url, begun.api_key, begun.api_secret);
    said = { outcome: "success", output: "" };
  } catch (problem) {
    said = { outcome: "failure", output: `${problem.message} ${problem.cause ?? ""}` };
  }
}
const report = await drill("report", {});
console.log(report.verdict, "see", `${report.directory}/index.html`);
process.exit(report.exit_code);
