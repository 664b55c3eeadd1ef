// One view at a time: its visibility, the focus, and what a screen reader announces.

import { all, byId, component, emit, page } from "./dom.js";
import { vibrate } from "./haptics.js";
import * as speech from "./speech.js";
import * as texts from "./texts.js";

const ANNOUNCEMENT_MS = 1500; // from one to the next; chosen by hand
const TOAST_MS = 4000; // long enough to be read; chosen by hand
/** Sentences that are spoken with a view, by its name; others say their title and their text. The instructions of
 * `capture` are spoken as they change. The first screen waits to be asked, since nobody may stand there. */
const SPOKEN = {
  welcome: ["welcome.title", "welcome.lead", "welcome.card.text", "welcome.face.text", "welcome.move.text"],
  notice: ["notice.title", "spoken.notice"],
  intro: ["intro.title", "spoken.intro"],
};
const announced = { at: 0, timer: 0 };

/** True on a telephone, which is then the applicant's own or a mobile team's. */
export const isPhone = () => matchMedia("(pointer: coarse)").matches && Math.min(screen.width, screen.height) < 600;

/** Show one view alone, with the focus on its heading, so that a screen reader reads it; `spoken` are the keys of what the
 * voice says. */
export function showView(name, spoken = SPOKEN[name] ?? [`${name}.title`, `${name}.text`]) {
  const before = page().dataset.view;
  page().dataset.view = name;
  for (const section of all("main > section")) section.hidden = section.dataset.of !== name;
  if (before === name) return;
  texts.refresh(); // what was hidden is drawn in typefaces that have arrived meanwhile
  scrollTo(0, 0);
  // The question whether to stop stays for whoever is thinking about it: the challenge begins only when it is started.
  for (const dialog of all("dialog[open]")) if (name !== "intro" || dialog.id !== "stop") dialog.close();
  if (name !== "capture") speech.say(spoken, { now: true, later: name === "welcome" });
  all(`section[data-of="${name}"] h1, [slot="${name}"] h1`)[0]?.focus({ preventScroll: true });
  emit("view", { view: name, before });
}

/** Say an instruction that the screen shows: by the voice if it is on, else by the screen reader, never by both. */
export function tell(key, how = {}) {
  speech.say([key], how);
  if (!speech.isOn() || texts.isReplaced(key)) announce(texts.format(key));
}

/** Announce a sentence to screen readers; of several within a moment only the last one, so that none is cut off. */
export function announce(sentence) {
  clearTimeout(announced.timer);
  const wait = Math.max(0, announced.at + ANNOUNCEMENT_MS - performance.now());
  announced.timer = setTimeout(() => {
    announced.at = performance.now();
    const region = byId("announce");
    if (region) region.textContent = sentence; // else the component was removed
  }, wait);
}

/** Show a short message at the bottom, and announce it. */
export function showToast(key, values) {
  const toast = byId("toast");
  texts.setText(toast, key, values);
  if (speech.isOn() && !values) speech.say([key]);
  else announce(toast.textContent); // a recording has no values in it
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => texts.setText(toast, null), TOAST_MS);
}

/** Open a dialog with the focus on its heading. */
export function openDialog(id) {
  const dialog = byId(id);
  if (dialog.open) return;
  dialog.showModal();
  dialog.querySelector("h2").focus();
  speech.say([`${id}.title`], { now: true });
}

/** Show why the camera cannot be used, and what to do about it. */
export function showCameraTrouble(kind) {
  byId("trouble-icon").setAttribute("href", kind === "lost" ? "#i-offline" : "#i-camera-off");
  texts.setText(byId("trouble-title"), `${kind}.title`);
  texts.setText(byId("trouble-text"), `${kind}.text`);
  const how = `refused.how${isPhone() ? ".phone" : component()?.hasAttribute("staff") ? ".kiosk" : ""}`;
  texts.setText(byId("trouble-how"), kind === "refused" ? how : null);
  texts.setText(byId("trouble-go"), kind === "lost" ? "camera.continue" : "camera.again");
  vibrate("problem");
  showView("trouble", [`${kind}.title`, `${kind}.text`, ...(kind === "refused" ? [how] : [])]);
  emit("error", { code: `camera_${kind}`, final: false });
}

/** Show that the session is over without a verdict. */
export function showEnded(code) {
  const key = texts.has(`ended.${code}`) ? `ended.${code}` : "ended.internal";
  texts.setText(byId("ended-text"), key);
  showView("ended", ["ended.title", key]);
  emit("error", { code, final: true });
}

/** Show that nothing can be done here: this kiosk, or the token of this page, was refused. */
export function showClosed(code, token) {
  const wanted = token ? "closed.token" : `closed.${code}`;
  const key = texts.has(wanted) ? wanted : "ended.internal";
  const title = token ? "closed.token.title" : "closed.title";
  texts.setText(byId("closed-title"), title);
  texts.setText(byId("closed-text"), key);
  byId("closed-go").hidden = Boolean(token);
  showView("closed", token ? [] : [title, key]);
  emit("error", { code, final: true });
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

/** Show the verdict (the `last` one where this page has one session), with reasons that a person can correct; no score, and no check that failed. */
export function showResult(verdict, last = false) {
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
  const again = !last && (says === "again" || (says === "reject" && !asked && !verdict.registration));
  byId("result-again").hidden = !again;
  byId("result-finish").className = again ? "plain" : "go";
  vibrate(says === "accept" || says === "visit" ? "done" : "problem");
  showView("result", [`${asked}${says}.title`, `${asked}${says}.text`]);
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
