"use strict";
const labels = LABELS;
const language = () => document.getElementById("lang-zh").checked ? "zh" : "en";
const all = (selector) => [...document.querySelectorAll(selector)];

function speak() {
  const lang = language(), title = document.querySelector("title"), words = document.getElementById("words");
  document.documentElement.lang = lang === "zh" ? "zh-Hans" : "en";
  document.title = title.dataset[lang];
  all(".copy").forEach((button) => { button.textContent = labels.copy[lang]; });
  if (words) { words.placeholder = labels[words.dataset.label][lang]; words.setAttribute("aria-label", words.placeholder); }
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

function reveal() {
  const row = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let node = row; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
}

all("[name=lang]").forEach((radio) => radio.addEventListener("change", speak));
addEventListener("hashchange", reveal);
addEventListener("beforeprint", () => all("details.also, details.more").forEach((node) => { node.open = true; }));
addCopyButtons();
speak();
reveal();
