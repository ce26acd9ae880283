// Sends a plan with superagent.
import superagent from "superagent";
import { readPlan } from "./plan.mjs";

const plan = readPlan();
if (plan.mode === "urlencoded") await superagent.post(plan.url).type("form").send(plan.object);
else if (plan.mode === "json") await superagent.post(plan.url).send(plan.object);
else {
  const request = superagent(plan.method, plan.url);
  for (const [name, value] of plan.texts) request.field(name, value);
  for (const file of plan.files) request.attach(file.name, file.content, { filename: file.filename, contentType: file.type });
  await request.ok(() => true);
}
