"use strict";
const findings = [...document.querySelectorAll(".finding")];
const files = [...document.querySelectorAll("section.file")];
const boxes = [...document.querySelectorAll("input[type=checkbox]")];
const search = document.getElementById("search");
const shown = document.getElementById("shown");
const words = findings.map((one) => `${one.dataset.rule} ${one.querySelector(".place").textContent}`.toLowerCase());

function filter() {
  const off = (name) => new Set(boxes.filter((box) => box.dataset[name] && !box.checked).map((box) => box.dataset[name]));
  const rules = off("rule"), severities = off("severity"), wanted = search.value.trim().toLowerCase();
  let count = 0;
  findings.forEach((one, number) => {
    const hide = rules.has(one.dataset.rule) || severities.has(one.dataset.severity) || !words[number].includes(wanted);
    if (one.hidden !== hide) one.hidden = hide;
    if (!hide) count += 1;
  });
  for (const file of files) {
    const hide = !file.querySelector(".finding:not([hidden])");
    if (file.hidden !== hide) file.hidden = hide;
  }
  shown.textContent = `${count} of ${findings.length} shown`;
}

function unfold(place) {
  const card = document.getElementById(`rule-${place.dataset.rule}`);
  if (place.open && card && !place.querySelector(".body")) place.append(card.querySelector(".body").cloneNode(true));
}

function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.matches(".finding[hidden], section.file[hidden], [hidden] *")) showAll();
  for (let one = target; one; one = one.parentElement) if (one.matches("details")) one.open = true;
  target.scrollIntoView({ block: target.matches(".node") ? "center" : "start", inline: "center" });
  const focused = target.matches(".finding, .node") ? target : target.querySelector("summary");
  focused?.focus({ preventScroll: true });
}

function showAll() {
  for (const box of boxes) box.checked = true;
  search.value = "";
  filter();
}

function step(by) {
  const left = findings.filter((one) => !one.hidden);
  if (!left.length) return;
  const now = left.indexOf(document.activeElement.closest(".finding"));
  const next = left[now < 0 ? 0 : Math.min(Math.max(now + by, 0), left.length - 1)];
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "start" });
}

function act(key) {
  const here = document.activeElement.closest(".finding");
  const box = boxes.find((one) => one.dataset.severity && one.dataset.severity[0] === key);
  if (box) box.click();
  else if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
  else if (key === "/") search.focus();
  else if (key === "0") showAll();
  else if (key === "o" && here) here.querySelector(".why")?.toggleAttribute("open");
  else if (key === "p" && here) here.querySelector("a[href^='#model-']")?.click();
  else return false;
  return true;
}

document.addEventListener("change", (event) => event.target.matches("input") && filter());
search.addEventListener("input", filter);
document.getElementById("all").addEventListener("click", showAll);
document.addEventListener("toggle", (event) => event.target.matches(".why") && unfold(event.target), true);
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (link && link.hash === location.hash) reveal();
  const rule = event.target.closest(".finding h3 a[href^='#rule-']");
  if (!rule) return;
  event.preventDefault();
  const place = rule.closest(".finding").querySelector(".why");
  if (place) place.open = !place.open;
  else location.hash = rule.hash;
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && document.activeElement === search) search.blur();
  else if (!document.activeElement.matches("input[type=search]") && act(event.key)) event.preventDefault();
});
window.addEventListener("hashchange", reveal);
filter();
reveal();
