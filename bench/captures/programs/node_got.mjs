// Sends a plan with got.
import got from "got";
import { readPlan } from "./plan.mjs";

const plan = readPlan();
const { url, method, headers } = plan;
const once = { method, retry: { limit: 0 }, throwHttpErrors: false };
if (plan.mode === "urlencoded") await got(url, { ...once, form: plan.object });
else if (plan.mode === "json") await got(url, { ...once, json: plan.object });
else if (plan.mode === "query") await got(url, { ...once, searchParams: plan.object });
else if (plan.mode === "raw") await got(url, { ...once, body: plan.raw, headers });
else {
  const form = new FormData();
  for (const [name, value] of plan.texts) form.append(name, value);
  for (const file of plan.files) form.append(file.name, new File([file.content], file.filename, { type: file.type }));
  await got(url, { ...once, body: form, headers });
}
