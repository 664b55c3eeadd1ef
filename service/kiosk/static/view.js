// One view at a time: what is seen, what has the focus, and what a screen reader says.

import * as words from "./words.js";

const QUIET_MS = 1500;
const REMARK_MS = 4000;
let spoken = { at: 0, timer: 0 };

export const by = (id) => document.getElementById(id);

/** Show one view alone, put the focus on its heading, so that it is read out too. */
export function show(name) {
  const before = document.body.dataset.view;
  document.body.dataset.view = name;
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.dataset.of !== name;
  if (before === name) return;
  scrollTo(0, 0);
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  document.querySelector(`section[data-of="${name}"] h1`).focus({ preventScroll: true });
}

/** Have a sentence read out; of several within a moment only the last one, so that nobody is talked over. */
export function announce(sentence) {
  clearTimeout(spoken.timer);
  const wait = Math.max(0, spoken.at + QUIET_MS - performance.now());
  spoken.timer = setTimeout(() => {
    spoken.at = performance.now();
    by("announce").textContent = sentence;
  }, wait);
}

/** A short remark at the bottom, read out as well. */
export function remark(key, values) {
  const toast = by("toast");
  words.put(toast, key, values);
  announce(toast.textContent);
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => words.put(toast, null), REMARK_MS);
}

/** Open a dialog with the focus on its heading. */
export function ask(id) {
  const dialog = by(id);
  if (dialog.open) return;
  dialog.showModal();
  dialog.querySelector("h2").focus();
}

/** The camera cannot be used: why, and what to do about it. */
export function trouble(kind) {
  by("trouble-icon").setAttribute("href", kind === "lost" ? "#i-offline" : "#i-camera-off");
  words.put(by("trouble-title"), `${kind}.title`);
  words.put(by("trouble-text"), `${kind}.text`);
  words.put(by("trouble-how"), kind === "refused" ? "refused.how" : null);
  words.put(by("trouble-go"), kind === "lost" ? "camera.continue" : "camera.again");
  show("trouble");
}

/** The session is over without a verdict. */
export function ended(code) {
  words.put(by("ended-text"), words.has(`ended.${code}`) ? `ended.${code}` : "ended.internal");
  show("ended");
}

/** The steps at the bottom: those done, this one and how far it is, those to come. */
export function steps(stages, stage, progress) {
  const list = by("steps");
  const place = stages.indexOf(stage);
  while (list.children.length < stages.length) list.append(document.createElement("li"));
  while (list.children.length > stages.length) list.lastChild.remove();
  [...list.children].forEach((item, at) => {
    item.className = at < place ? "done" : at === place ? "now" : "";
    item.style.setProperty("--done", at === place ? progress : 0);
  });
  words.put(by("stepped"), "step", { place: place + 1, of: stages.length });
}

const LOOKS = { accept: ["jade", "#i-good"], refer: ["", "#i-person"], reject: ["amber", "#i-sorry"] };

/** The verdict, with reasons that a person can do something about; no score, and not which check failed. */
export function result(verdict) {
  const [colour, icon] = LOOKS[verdict.decision];
  by("result-icon").setAttribute("class", `picture ${colour}`);
  by("result-use").setAttribute("href", icon);
  words.put(by("result-title"), `${verdict.decision}.title`);
  words.put(by("result-text"), `${verdict.decision}.text`);
  const reasons = verdict.decision === "accept" ? [] : (verdict.reasons ?? []);
  by("result-list").replaceChildren(...reasons.map((code) => reason(code, verdict.texts?.[code])));
  by("result-reasons").hidden = reasons.length === 0;
  by("result-number").textContent = "";
  if (verdict.id) by("result-number").append(label("result.reference"), ` ${verdict.id}`);
  by("result-again").hidden = verdict.decision !== "reject";
  by("result-finish").className = verdict.decision === "reject" ? "plain" : "go";
  show("result");
}

function reason(code, sentence) {
  const item = document.createElement("li");
  if (words.has(`reason.${code}`)) words.put(item, `reason.${code}`);
  else words.quote(item, sentence ?? "");
  return item;
}

function label(key) {
  const element = document.createElement("span");
  words.put(element, key);
  return element;
}
