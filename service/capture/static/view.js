// One view at a time: its visibility, the focus, and what a screen reader announces.

import { all, byId, component, page } from "./dom.js";
import * as texts from "./texts.js";

const ANNOUNCEMENT_MS = 1500; // from one to the next; chosen by hand
const TOAST_MS = 4000; // long enough to be read; chosen by hand
let announced = { at: 0, timer: 0 };

/** True on a telephone, which is then the applicant's own or a mobile team's. */
export const isPhone = () => matchMedia("(pointer: coarse)").matches && Math.min(screen.width, screen.height) < 600;

/** Show one view alone, with the focus on its heading, so that a screen reader reads it. */
export function showView(name) {
  const before = page().dataset.view;
  page().dataset.view = name;
  for (const section of all("main > section")) section.hidden = section.dataset.of !== name;
  if (before === name) return;
  scrollTo(0, 0);
  for (const dialog of all("dialog[open]")) dialog.close();
  all(`section[data-of="${name}"] h1, [slot="${name}"] h1`)[0]?.focus({ preventScroll: true });
  component()?.dispatchEvent(new CustomEvent("view", { detail: { view: name, before } }));
}

/** Announce a sentence to screen readers; of several within a moment only the last one, so that none is cut off. */
export function announce(sentence) {
  clearTimeout(announced.timer);
  const wait = Math.max(0, announced.at + ANNOUNCEMENT_MS - performance.now());
  announced.timer = setTimeout(() => {
    announced.at = performance.now();
    byId("announce").textContent = sentence;
  }, wait);
}

/** Show a short message at the bottom, and announce it. */
export function showToast(key, values) {
  const toast = byId("toast");
  texts.setText(toast, key, values);
  announce(toast.textContent);
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => texts.setText(toast, null), TOAST_MS);
}

/** Open a dialog with the focus on its heading. */
export function openDialog(id) {
  const dialog = byId(id);
  if (dialog.open) return;
  dialog.showModal();
  dialog.querySelector("h2").focus();
}

/** Show why the camera cannot be used, and what to do about it. */
export function showCameraTrouble(kind) {
  byId("trouble-icon").setAttribute("href", kind === "lost" ? "#i-offline" : "#i-camera-off");
  texts.setText(byId("trouble-title"), `${kind}.title`);
  texts.setText(byId("trouble-text"), `${kind}.text`);
  texts.setText(byId("trouble-how"), kind === "refused" ? "refused.how" : null);
  texts.setText(byId("trouble-go"), kind === "lost" ? "camera.continue" : "camera.again");
  showView("trouble");
}

/** Show that the session is over without a verdict. */
export function showEnded(code) {
  texts.setText(byId("ended-text"), texts.has(`ended.${code}`) ? `ended.${code}` : "ended.internal");
  showView("ended");
}

/** Show the steps at the bottom: those done, the current one with its progress, and those to come. */
export function showSteps(stages, stage, progress) {
  const list = byId("steps");
  const place = stages.indexOf(stage);
  while (list.children.length < stages.length) list.append(document.createElement("li"));
  while (list.children.length > stages.length) list.lastChild.remove();
  [...list.children].forEach((item, at) => {
    item.className = at < place ? "done" : at === place ? "now" : "";
    item.style.setProperty("--done", at === place ? progress : 0);
  });
  texts.setText(byId("stepped"), "step", { place: place + 1, of: stages.length });
}

const LOOKS = {
  accept: ["jade", "#i-good"],
  refer: ["", "#i-person"],
  reject: ["amber", "#i-sorry"],
  counter: ["", "#i-ticket"],
  visit: ["jade", "#i-good"],
  again: ["amber", "#i-again"],
  records: ["", "#i-person"],
};

/** True if the applicant of a registration may take pictures again here. */
export const isCapturing = ({ status, next }) => status === "needs_new_capture" || (status === "open" && next.step === "capture");

/** The key of the result screen's texts: of the next step of a registration, or else of the decision. */
function standing({ type, decision, registration }) {
  if (type === "step_up_decided" || !registration) return decision;
  if (registration.visit) return "visit"; // whatever the decision: the officer says what follows
  if (decision === "accept") return decision;
  if (registration.status === "at_counter") return "counter";
  if (isCapturing(registration)) return "again";
  return registration.next.step === "records" ? "records" : decision;
}

/** Show the verdict, with reasons that a person can correct; no score, and no check that failed. */
export function showResult(verdict) {
  const says = standing(verdict);
  const [colour, icon] = LOOKS[says];
  byId("result-icon").setAttribute("class", `picture ${colour}`);
  byId("result-use").setAttribute("href", icon);
  const asked = verdict.type === "step_up_decided" ? "step_up." : "";
  texts.setText(byId("result-title"), `${asked}${says}.title`);
  if (["counter", "again", "records"].includes(says)) texts.setServerText(byId("result-text"), verdict.registration.next.text);
  else texts.setText(byId("result-text"), `${asked}${says}.text`);
  const reasons = ["accept", "visit", "counter"].includes(says) ? [] : (verdict.reasons ?? []);
  byId("result-list").replaceChildren(...reasons.map((code) => reason(code, verdict.texts?.[code])));
  byId("result-reasons").hidden = reasons.length === 0;
  byId("result-number").textContent = "";
  texts.setText(byId("result-deleted"), verdict.sealed_copies ? "result.sealed" : "result.deleted");
  if (verdict.id && !asked) byId("result-number").append(label("result.reference"), ` ${verdict.id}`);
  const again = says === "again" || (says === "reject" && !asked && !verdict.registration);
  byId("result-again").hidden = !again;
  byId("result-finish").className = again ? "plain" : "go";
  showView("result");
}

/** Show that the applicant goes to a counter, with the ticket that is on the screen. */
export function showCounter() {
  byId("result-icon").setAttribute("class", "picture");
  byId("result-use").setAttribute("href", LOOKS.counter[1]);
  texts.setText(byId("result-title"), "counter.title");
  texts.setText(byId("result-text"), "counter.text");
  byId("result-reasons").hidden = byId("result-again").hidden = byId("guardian-offer").hidden = true;
  byId("result-finish").className = "go";
}

function reason(code, sentence) {
  const item = document.createElement("li");
  if (texts.has(`reason.${code}`)) texts.setText(item, `reason.${code}`);
  else texts.setServerText(item, sentence ?? "");
  return item;
}

function label(key) {
  const element = document.createElement("span");
  texts.setText(element, key);
  return element;
}
