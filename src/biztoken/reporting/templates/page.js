"use strict";
const labels = LABELS;
const language = () => document.getElementById("lang-zh").checked ? "zh" : "en";
const all = (selector) => [...document.querySelectorAll(selector)];

function speak() {
  const lang = language(), title = document.querySelector("title"), words = document.getElementById("words");
  document.documentElement.lang = lang === "zh" ? "zh-Hans" : "en";
  document.title = title.dataset[lang];
  all(".copy").forEach((button) => { button.textContent = labels.copy[lang]; });
  if (words) { words.placeholder = labels["contract.filter"][lang]; words.setAttribute("aria-label", words.placeholder); }
}

function addCopyButtons() {
  if (!navigator.clipboard) return;
  all("pre.command").forEach((pre) => {
    const button = document.createElement("button");
    button.type = "button"; button.className = "copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(pre.querySelector("code").textContent);
      button.textContent = labels.copied[language()];
      setTimeout(() => { button.textContent = labels.copy[language()]; }, 1500);
    });
    pre.prepend(button);
  });
}

function filter() {
  const wanted = document.getElementById("words").value.toLowerCase().split(/\s+/).filter(Boolean);
  const off = new Set(all(".chip input:not(:checked)").map((box) => box.id.slice(2)));
  let any = false;
  all(".part").forEach((part) => {
    let some = false;
    part.querySelectorAll(".clauses > li").forEach((row) => {
      const text = row.textContent.toLowerCase();
      row.hidden = !wanted.every((word) => text.includes(word));
      some = some || (!row.hidden && !off.has(row.dataset.v));
    });
    part.hidden = !some;
    any = any || some;
  });
  document.getElementById("nothing").hidden = any;
}

function reveal() {
  const row = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let node = row; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
}

const words = document.getElementById("words");
if (words) {
  words.hidden = false;
  words.addEventListener("input", filter);
  all(".chip input").forEach((box) => box.addEventListener("change", filter));
}
all("[name=lang]").forEach((radio) => radio.addEventListener("change", speak));
addEventListener("hashchange", reveal);
addEventListener("beforeprint", () => all("details.also, details.more").forEach((node) => { node.open = true; }));
addCopyButtons();
speak();
reveal();
