// Sends a plan with needle.
import needle from "needle";
import { readPlan } from "./plan.mjs";

const plan = readPlan();
if (plan.mode === "urlencoded") await needle("post", plan.url, plan.object);
else if (plan.mode === "json") await needle("post", plan.url, plan.object, { json: true });
else {
  const data = { ...plan.object };
  for (const file of plan.files)
    data[file.name] = { buffer: file.content, filename: file.filename, content_type: file.type };
  await needle("post", plan.url, data, { multipart: true });
}
