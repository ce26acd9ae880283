// The journal as it comes. Whatever a client sent is put on the page as text, never as markup.

const api = async (path, body) => {
  const options = body === undefined ? {} : {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)};
  const reply = await fetch(`api/${path}`, options);
  const told = await reply.json();
  if (!reply.ok) throw Object.assign(new Error(told.error), {told: told.message});
  return told;
};
const $ = (id) => document.getElementById(id);
const el = (tag, props = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
};

const TEXTS = await (await fetch("texts.json")).json();
const query = new URLSearchParams(location.search).get("lang");
const remembered = (() => { try { return localStorage.getItem("lang"); } catch { return null; } })();
let lang = [query, remembered].find((name) => name === "en" || name === "zh") ?? (navigator.language.startsWith("zh") ? "zh" : "en");
const t = (key, count) => (TEXTS[key]?.[lang] ?? key).replace("{count}", count);
const told = (message) => message?.[lang] ?? message?.en ?? "";
const number = (value) => value.toLocaleString("en-US");

const rows = new Map();     // id -> summary
const shown = new Map();    // id -> list item
const fresh = new Set();
let selected = null, detail = null, choosable = null, group = "all", answers = {next: [], always: null}, url = "", judges = true;

// --- what stays on the page

function setLanguage(name) {
  lang = name;
  try { localStorage.setItem("lang", name); } catch { /* a browser that keeps nothing */ }
  document.documentElement.lang = name === "zh" ? "zh-Hans" : "en";
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = t(node.dataset.text);
  for (const node of document.querySelectorAll("[data-label]")) { node.setAttribute("aria-label", t(node.dataset.label)); node.placeholder = t(node.dataset.label); }
  for (const node of document.querySelectorAll("[data-lang]")) node.setAttribute("aria-pressed", node.dataset.lang === name);
  $("url").title = t("copy");
  setLive($("live").classList.contains("on"));
  shown.clear();
  $("list").replaceChildren();
  drawAnswers(); drawChooser(); drawList(); drawDetail();
}

function setLive(on) {
  $("live").classList.toggle("on", on);
  $("live").textContent = t(on ? "live" : "lost");
}

async function copy(text, button) {
  try { await navigator.clipboard.writeText(text); } catch { return; }
  const before = button.textContent;
  button.textContent = t("copied");
  setTimeout(() => { button.textContent = before; }, 1200);
}

// --- answers

function drawAnswers() {
  $("queue").replaceChildren(...answers.next.map(({name}) => el("li", {class: "chip set", title: name}, name)));
  $("then").hidden = !answers.next.length;
  $("always").textContent = answers.always?.name ?? t("usual");
  $("always").classList.toggle("set", Boolean(answers.always));
  $("reset").hidden = !answers.next.length && !answers.always;
  $("open").textContent = t($("chooser").hidden ? "choose" : "done");
}

function drawChooser() {
  if ($("chooser").hidden || !choosable) return;
  const names = ["all", ...new Set(choosable.map((entry) => entry.group))];
  const counted = (name) => choosable.filter((entry) => name === "all" || entry.group === name).length;
  $("groups").replaceChildren(...names.map((name) => el("button", {
    type: "button", "aria-pressed": String(name === group), onclick: () => { group = name; drawChooser(); },
  }, t(`group_${name}`), el("i", {}, counted(name)))));
  const wanted = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (entry) => {
    const text = `${entry.name} ${entry.status ?? ""} ${entry.clause ?? ""} ${told(entry.message)}`.toLowerCase();
    return (group === "all" || entry.group === group) && wanted.every((word) => text.includes(word));
  };
  const found = choosable.filter(fits);
  $("choices").replaceChildren(...(found.length ? found.map(choice) : [el("li", {class: "none"}, t("no_choice"))]));
}

function choice(entry) {
  const does = (verb, text) => el("button", {type: "button", "data-verb": verb, onclick: () => choose(verb, entry.name)}, text);
  return el("li", {"data-name": entry.name},
    entry.status ? pill(entry.status) : el("span", {class: "pill"}, t(`group_${entry.group}`).slice(0, lang === "zh" ? 2 : 5)),
    el("b", {}, entry.name), el("span", {class: "what"}, told(entry.message)),
    el("span", {class: "does"}, does("next", t("as_next")), does("always", t("as_always"))));
}

async function choose(verb, answer) {
  try {
    $("problem").hidden = true;
    answers = verb === "next" ? await api("answers/next", {answers: [answer]}) : await api("answers/always", {answer});
    drawAnswers();
  } catch (problem) {
    $("problem").textContent = told(problem.told) || problem.message;
    $("problem").hidden = false;
  }
}

// --- the list

const pill = (status, end) => el("span", {class: `pill s${String(status ?? "").charAt(0)}`}, status ? String(status) : end === "gone" ? "✕" : end === "cut" ? "✂" : "…");
const clock = (at) => new Date(at).toLocaleTimeString("en-GB", {hour12: false}) + "." + at.slice(20, 23);
const headline = (row) => row.error || (row.status === 200 ? "biz_token" : !row.method ? t("broken_head") : t(row.end ?? "under_way"));

function drawRow(row) {
  const kinds = [row.liveness_type, row.comparison_type === "1" ? "KYC" : null].filter(Boolean).join(" · ");
  const path = row.target.split("/").pop();
  const usual = row.method === "POST" && url.endsWith(row.target);
  const more = [`#${row.id}`, clock(row.at).slice(0, 8), usual ? null : `${row.method} ${path}`, kinds, row.chosen ? t("chosen") : null, row.ms !== null ? `${row.ms < 10 ? row.ms.toFixed(1) : Math.round(row.ms)} ${t("ms")}` : null];
  const marks = row.findings ? Object.entries(row.findings).filter(([, count]) => count) : [];
  const node = el("button", {type: "button", "data-id": row.id, class: fresh.delete(row.id) ? "new" : null, onclick: () => { $("follow").checked = false; select(row.id); }},
    pill(row.status, row.end), el("span", {class: "told"}, headline(row)),
    el("span", {class: "marks"},
      marks.map(([level, count]) => el("span", {class: `mark ${level}`, title: `${count} × ${t(`level_${level}`)}`}, count)),
      row.findings && !marks.length ? el("span", {class: "mark fine"}, "✓") : null),
    el("span", {class: "more"}, more.filter(Boolean).join("  ·  ")));
  if (row.id === selected) node.setAttribute("aria-current", "true");
  return node;
}

function drawList() {
  for (const [id, row] of rows) {
    if (row.isDrawn && shown.has(id)) continue;
    const item = shown.get(id) ?? el("li");
    item.replaceChildren(drawRow(row));
    row.isDrawn = true;
    if (!shown.has(id)) {
      shown.set(id, item);
      const after = [...$("list").children].find((other) => Number(other.firstChild.dataset.id) < id);
      $("list").insertBefore(item, after ?? null);
    }
  }
  $("count").textContent = rows.size ? number(rows.size) : "";
  if (!detail) drawDetail();
}

function select(id) {
  selected = id;
  for (const node of $("list").querySelectorAll("[aria-current]")) node.removeAttribute("aria-current");
  shown.get(id)?.firstChild.setAttribute("aria-current", "true");
  if (id !== null && location.hash !== `#${id}`) history.replaceState(null, "", `#${id}`);
  load();
}

let loading = 0;
async function load() {
  const turn = ++loading;
  try {
    const found = selected === null ? null : await api(`entries/${selected}`);
    // What is the same stays as it is, with what is marked or opened in it.
    if (turn === loading && JSON.stringify(found) !== JSON.stringify(detail)) { detail = found; drawDetail(); }
  } catch {
    if (turn === loading) { detail = null; drawDetail(); }
  }
}

// --- one request

const card = (name, title, ...inside) => el("section", {class: "card", "data-card": name}, el("h3", {}, title), el("div", {class: "inside"}, inside));
const fold = (name, title, note, ...inside) => el("details", {class: "card", "data-card": name, open: opened.has(name)}, el("summary", {}, title, " ", el("span", {class: "note"}, note)), el("div", {class: "inside"}, inside));
const opened = new Set(["answer"]);
const shell = (text) => el("div", {class: "shell"}, el("pre", {}, text), el("button", {type: "button", onclick: (event) => copy(text, event.target)}, t("copy")));

function drawDetail() {
  if (!detail) { $("detail").replaceChildren(rows.size ? el("p", {class: "hint"}, t("pick")) : drawWelcome()); return; }
  const {request, answer} = detail;
  for (const node of $("detail").querySelectorAll("details")) opened[node.open ? "add" : "delete"](node.dataset.card);
  $("detail").replaceChildren(
    drawHead(request, answer), drawFindings(), drawFields(request), request.sign ? drawSign(request.sign) : "",
    drawStructure(request), drawHeaders(request), drawAnswer(answer), drawRepeat());
}

function drawWelcome() {
  const sound = "curl -F sign=\"$(biztoken sign)\" -F sign_version=hmac_sha1 -F liveness_type=meglive -F comparison_type=1 -F idcard_name=张三 -F idcard_number=990101199003071237";
  return el("div", {class: "empty"}, el("b", {}, t("waiting")), t("waiting_hint"), el("h3", {}, t("try")), shell(`curl -F sign=junk ${url}`), shell(`${sound} ${url}`));
}

function drawHead(request, answer) {
  const row = rows.get(detail.id);
  const fact = (text, alarm) => el("span", {class: alarm ? "alarm" : null}, text);
  return el("div", {class: "head"}, pill(answer?.status, answer?.end), el("strong", {}, row ? headline(row) : ""),
    el("div", {class: "facts"},
      fact(`#${request.id}`), fact(`${request.at.slice(0, 10)} ${clock(request.at)}`), fact(`${number(request.bytes)} ${t("bytes")}`),
      fact(`${t("connection")} ${request.connection}`),
      answer?.ms !== undefined && answer?.ms !== null ? fact(`${answer.ms.toFixed(1)} ${t("ms")}`) : null,
      fact(t(answer?.end ?? "under_way"), answer?.end === "gone" || answer?.end === "cut"),
      request.is_whole ? null : fact(t("not_whole"), true),
      answer?.chosen ? fact(`${t("chosen")}: ${answer.chosen}`) : null));
}

function drawFindings() {
  const {findings, answer} = detail;
  if (!findings) return card("findings", t("findings"), el("p", {class: "note"}, t(judges && !answer ? "judging" : "not_judged")));
  if (!findings.length) return card("findings", t("findings"), el("p", {}, el("span", {class: "mark fine"}, "✓"), " ", t("nothing_found")));
  return card("findings", t("findings"), findings.map((finding) => el("div", {class: `finding ${finding.level}`, "data-finding": finding.id},
    el("div", {class: "name"}, el("span", {class: `mark ${finding.level}`}, t(`level_${finding.level}`)), el("b", {}, finding.id),
      finding.field ? el("span", {class: "note"}, finding.field) : null, finding.clause ? el("span", {class: "note"}, finding.clause) : null),
    ["sent", "says", "why", "fix"].some((part) => finding[part])
      ? el("dl", {}, ["sent", "says", "why", "fix"].filter((part) => finding[part]).flatMap((part) => [el("dt", {}, t(part)), el("dd", {class: `is-${part}`}, told(finding[part]))]))
      : el("p", {}, told(finding.message)))));
}

function drawFields(request) {
  const fields = [...request.parts.map((part) => [part, null]), ...request.query.map((part) => [part, t("in_query")])];
  const table = fields.length ? el("table", {},
    el("thead", {}, el("tr", {}, el("th", {}, t("field")), el("th", {}, t("value")), el("th", {}, t("size")))),
    el("tbody", {}, fields.map(([part, note]) => el("tr", {"data-field": part.name ?? ""},
      el("td", {class: "name"}, part.name ?? "—", part.is_known ? null : el("span", {class: "tag"}, t("unknown_field")), note ? el("span", {class: "tag"}, note) : null),
      el("td", {class: "value"}, drawValue(part)), el("td", {class: "size"}, part.bytes === undefined ? "" : number(part.bytes)))))) : null;
  const notes = [
    request.body.kind === "multipart" ? null : el("p", {class: "odd"}, t(`body_${request.body.kind}`)),
    fields.length ? null : el("p", {class: "note"}, t("no_fields")),
    request.more_parts ? el("p", {class: "note"}, t("more_parts", request.more_parts)) : null,
  ].filter(Boolean);
  return el("section", {class: "card", "data-card": "fields"}, el("h3", {}, t("fields")), notes.length ? el("div", {class: "inside"}, notes) : null, table);
}

function drawValue(part) {
  if (part.picture) {
    const {format, width, height, sha256} = part.picture;
    const told = format ? `${format} ${width} × ${height}` : t("no_picture");
    return [el("span", {class: format ? null : "hidden"}, told), part.filename === null ? null : ` · ${JSON.stringify(part.filename)}`, sha256 ? el("span", {class: "note", title: sha256}, ` · sha256 ${sha256.slice(0, 12)}…`) : null];
  }
  if (part.value === "") return [el("span", {class: "hidden"}, t("empty_value"))];
  if (part.value !== null) return [part.value];
  return [el("span", {class: "hidden"}, part.characters === null ? t("hidden_bytes") : t("hidden", part.characters))];
}

function drawSign(sign) {
  const row = (letter, label, ...value) => [el("dt", {}, letter), el("span", {class: "label"}, label), el("dd", {}, value)];
  const tag = (text, kind) => el("span", {class: `tag ${kind}`}, text);
  const fields = sign.fields;
  const moment = (iso) => (iso ? el("span", {class: "note"}, ` ${iso.replace("T", " ").replace("Z", " UTC")}`) : null);
  const good = {valid: "good", "single-use": "quiet"};
  return card("sign", t("sign"),
    sign.is_readable ? null : el("p", {class: "odd"}, t("sign_unreadable")),
    el("dl", {class: "sign"},
      fields.a === undefined ? [] : row("a", t("sign_a"), el("code", {}, fields.a), sign.key ? tag(t(`key_${sign.key}`), sign.key === "known" ? "good" : "bad") : null),
      fields.b === undefined ? [] : row("b", t("sign_b"), el("code", {}, fields.b), moment(sign.expires), sign.state ? tag(t(`state_${sign.state}`), good[sign.state] ?? "bad") : null),
      fields.c === undefined ? [] : row("c", t("sign_c"), el("code", {}, fields.c), moment(sign.made)),
      fields.d === undefined ? [] : row("d", t("sign_d"), el("code", {}, fields.d)),
      sign.seconds === null ? [] : row("", t("sign_valid"), t("seconds", number(sign.seconds))),
      row("", t("sign_digest"), tag(t(`digest_${sign.digest}`), {right: "good", unknown: "quiet"}[sign.digest] ?? "bad"))));
}

function drawStructure(request) {
  if (request.body.kind !== "multipart") return "";
  const problems = request.problems.map((slug) => el("p", {class: "odd"}, el("code", {}, slug), " ", t(`problem_${slug}`)));
  const note = problems.length ? request.problems.join(", ") : t("no_problems");
  return fold("structure", t("structure"), note, problems, el("ol", {class: "parts"}, request.parts.map((part, at) => el("li", {},
    el("div", {class: "of"}, t("part", at + 1), " · ", number(part.bytes), " ", t("bytes")),
    el("pre", {}, part.headers.map(([name, value]) => `${name}: ${value}`).join("\n") || "—")))));
}

function drawHeaders(request) {
  const lines = [`${request.method} ${request.target}`, ...request.headers.map(([name, value]) => `${name}: ${value}`)];
  return fold("headers", t("headers"), `${request.method} ${request.target}`, el("pre", {}, lines.join("\n")));
}

function drawAnswer(answer) {
  if (!answer || (answer.status === null && !answer.body)) return fold("answer", t("answer"), t("no_answer"), "");
  let body = answer.body;
  try { body = JSON.stringify(JSON.parse(body), null, 2); } catch { /* shown as it is */ }
  const lines = answer.headers.map(([name, value]) => `${name}: ${value}`);
  return fold("answer", t("answer"), `${answer.status} · ${number(answer.bytes)} ${t("bytes")}`, el("pre", {}, [`HTTP/1.1 ${answer.status}`, ...lines, "", body].join("\n")));
}

function drawRepeat() {
  const {curl, has_bytes: hasBytes, id} = detail;
  return card("repeat", t("repeat"),
    curl.again ? [el("p", {class: "note"}, t("again")), shell(curl.again)] : el("p", {class: "note"}, t("bytes_gone")),
    curl.anew ? [el("p", {class: "note"}, t("anew")), shell(curl.anew)] : null,
    hasBytes ? el("a", {href: `api/entries/${id}/raw`, download: `${id}.http`}, t("raw")) : null);
}

// --- as it comes

let pending = false;
function later() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => { pending = false; drawList(); });
}

let seen = false;
function entered(row) {
  if (!rows.has(row.id) && seen) fresh.add(row.id);
  const isNewest = row.id >= Math.max(0, ...rows.keys());
  rows.set(row.id, row);
  while (rows.size > 500) { const oldest = Math.min(...rows.keys()); rows.delete(oldest); shown.get(oldest)?.remove(); shown.delete(oldest); }
  later();
  if (row.id === selected) load();
  else if (isNewest && $("follow").checked) requestAnimationFrame(() => select(row.id));
}

function listen() {
  const source = new EventSource("api/events");
  const on = (name, handle) => source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  source.onopen = () => setLive(true);
  source.onerror = () => setLive(false);
  on("entry", entered);
  on("answers", (now) => { answers = now; seen = true; drawAnswers(); });
  on("cleared", () => { rows.clear(); shown.clear(); $("list").replaceChildren(); select(null); later(); });
}

for (const node of document.querySelectorAll("[data-lang]")) node.addEventListener("click", () => setLanguage(node.dataset.lang));
$("open").addEventListener("click", async () => {
  choosable ??= (await api("answers")).choosable;
  $("chooser").hidden = !$("chooser").hidden;
  $("open").setAttribute("aria-expanded", String(!$("chooser").hidden));
  drawAnswers(); drawChooser();
  if (!$("chooser").hidden) $("filter").focus();
});
$("filter").addEventListener("input", drawChooser);
$("reset").addEventListener("click", async () => { answers = await api("clear", {what: ["answers"]}); drawAnswers(); });
$("clear").addEventListener("click", () => api("clear", {what: ["entries"]}));
$("follow").addEventListener("change", () => { if ($("follow").checked && rows.size) select(Math.max(...rows.keys())); });
$("url").addEventListener("click", () => copy(url, $("url")));
$("custom").addEventListener("submit", (event) => {
  event.preventDefault();
  let changes = null;
  try { changes = JSON.parse($("changes").value); } catch { /* told below */ }
  if (changes && typeof changes === "object" && !Array.isArray(changes)) choose(event.submitter.value, changes);
  else { $("problem").textContent = t("no_json"); $("problem").hidden = false; }
});

const status = await api("status");
({url, judges} = status);
$("url").textContent = url;
if (/^#\d+$/.test(location.hash)) { $("follow").checked = false; selected = Number(location.hash.slice(1)); load(); }
setLanguage(lang);
listen();
