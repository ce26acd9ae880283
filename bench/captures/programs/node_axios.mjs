// Sends a plan with axios and the package form-data.
import axios from "axios";
import FormData from "form-data";
import { readPlan } from "./plan.mjs";

const plan = readPlan();
const { url, headers } = plan;
if (plan.mode === "urlencoded") await axios.post(url, new URLSearchParams(plan.texts));
else if (plan.mode === "json") await axios.post(url, plan.object);
else if (plan.mode === "query") await axios.request({ url, method: plan.method, params: plan.object });
else if (plan.mode === "raw") await axios.post(url, plan.raw, { headers });
else {
  const form = new FormData();
  for (const [name, value] of plan.texts) form.append(name, value);
  for (const file of plan.files) {
    const options = file.filename ? { filename: file.filename, contentType: file.type } : { contentType: file.type };
    form.append(file.name, file.content, options);
  }
  if (plan.mode === "chunked") await axios.post(url, form, { headers: form.getHeaders() });
  else await axios.post(url, form.getBuffer(), { headers: { ...form.getHeaders(), ...headers } });
}
