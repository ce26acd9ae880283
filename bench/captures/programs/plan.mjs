// Reads a plan: lines of cells apart by tabs, each percent-encoded.
import { readFileSync } from "node:fs";

export function readPlan() {
  const plan = { texts: [], files: [], method: "POST", mode: "multipart" };
  for (const line of readFileSync(process.argv[2], "utf8").split("\n").filter(Boolean)) {
    const [kind, ...cells] = line.split("\t").map(decodeURIComponent);
    if (kind === "text") plan.texts.push(cells);
    else if (kind === "file") {
      const [name, path, filename, type] = cells;
      plan.files.push({ name, path, content: readFileSync(path), filename, type });
    } else plan[kind] = cells[0];
  }
  plan.headers = plan.content_type ? { "Content-Type": plan.content_type } : {};
  plan.raw = plan.body ? readFileSync(plan.body) : undefined;
  plan.urlencoded = new URLSearchParams(plan.texts).toString();
  plan.object = Object.fromEntries(plan.texts);
  return plan;
}
