// Sends a plan with the fetch of Node itself (undici).
import { readPlan } from "./plan.mjs";

const plan = readPlan();
const { url, method, headers } = plan;
if (plan.mode === "urlencoded") await fetch(url, { method, body: new URLSearchParams(plan.texts) });
else if (plan.mode === "json")
  await fetch(url, { method, body: JSON.stringify(plan.object), headers: { "Content-Type": "application/json" } });
else if (plan.mode === "query") await fetch(`${url}?${plan.urlencoded}`, { method });
else if (plan.mode === "raw") await fetch(url, { method, body: plan.raw, headers });
else {
  const form = new FormData();
  for (const [name, value] of plan.texts) form.append(name, value);
  for (const file of plan.files) {
    // What happens where a picture is read as text: every byte that is no UTF-8 becomes U+FFFD.
    const content = plan.mode === "picture-as-text" ? file.content.toString() : file.content;
    form.append(file.name, new Blob([content], { type: file.type }), file.filename);
  }
  if (plan.mode === "chunked") {
    const made = new Request(url, { method, body: form });
    const kind = made.headers.get("content-type");
    await fetch(url, { method, body: made.body, duplex: "half", headers: { "Content-Type": kind } });
  } else await fetch(url, { method, body: form, headers });
}
