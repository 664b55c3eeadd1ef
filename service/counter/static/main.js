// The officers' page at a counter: sign in, open a registration by its ticket, look at what was captured, decide.

import { show, clear } from "/counter/static/visit.js";
import { hearKiosk } from "/capture/static/counter_visit.js";
import { all, byId } from "/capture/static/dom.js";
import { lockWhenIdle } from "/kiosk/static/idle.js";
import { ask, Refused, useKey } from "/review/static/service.js";
import * as texts from "/capture/static/texts.js";

const CODE = /^[0-9A-TV-Z]{10}$/; // docs/after-refer.md; what cannot be a code is not sent, since wrong ones are counted
/** Problems after which the registration is not open here any more. */
const OVER = new Set(["counter_code_invalid", "registration_closed", "visit_over"]);
let officer = null;
let visit = null; // {code, found}: the registration that is open here

function showView(name) {
  document.body.dataset.view = name;
  for (const section of all("[data-of]")) section.hidden = section.dataset.of !== name;
  byId("lock").hidden = byId("leave").hidden = officer === null;
  byId("who").textContent = officer ?? "";
  all(`[data-of="${name}"] h1`)[0].focus();
}

async function attempt(work) {
  texts.setText(byId("problem"), null);
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { code } = error;
    if (["unauthenticated", "forbidden"].includes(code)) lock();
    else if (visit && OVER.has(code)) closeVisit();
    texts.setText(byId("problem"), texts.has(`problem.${code}`) ? `problem.${code}` : "problem.other", { code });
  }
}

/** Sign in; nothing is asked of the service before there is a code, so a wrong key shows with the first one. */
async function enter() {
  useKey(byId("key").value.trim());
  officer = byId("officer").value.trim();
  byId("key").value = "";
  if (visit) await look();
  else showView("code");
  if (visit) showView("visit");
}

async function openVisit() {
  const code = byId("code").value.normalize("NFKC").toUpperCase().replace(/[\s-]/g, ""); // an input method may type full-width letters
  if (!CODE.test(code)) return texts.setText(byId("problem"), "problem.code_form");
  texts.setText(byId("done"), null);
  visit = { code, found: await request(code) };
  byId("code").value = "";
  byId("sure").checked = false;
  if (officer === null) return undefined; // locked meanwhile: shown to whoever signs in
  refresh();
  return showView("visit");
}

const request = (code) => ask("POST", `/v1/counter/${code}`, {});

/** Look whether card and face were taken meanwhile. */
async function look() {
  if (new Date(visit.found.expires_at) < new Date()) throw new Refused(0, "visit_over"); // a code that is over counts as wrong
  const before = visit.found.captured;
  const looked = visit;
  const found = await request(looked.code);
  looked.found = found;
  if (officer === null || visit !== looked) return; // locked or closed meanwhile
  refresh();
  if (visit.found.captured !== before) byId("outcome-title").focus();
}

function refresh() {
  show(visit.found, officer);
}

async function decide() {
  const decision = byId("accept").checked ? "accept" : "refuse";
  const decided = await ask("POST", `/v1/counter/${visit.code}/decision`, { decision, officer });
  closeVisit();
  texts.setText(byId("done"), `done.${decided.status}`);
}

function closeVisit() {
  visit = null;
  clear();
  showView(officer === null ? "enter" : "code"); // the page may have been locked meanwhile
}

/** Forget the key; the registration stays open here for whoever signs in again. */
function lock() {
  useKey(null);
  officer = null;
  byId("code").value = "";
  clear();
  texts.setText(byId("done"), null);
  texts.setText(byId("enter-text"), visit ? "enter.locked" : "enter.text");
  showView("enter");
}

function leave() {
  visit = null;
  lock();
}

function on(id, event, work) {
  byId(id).addEventListener(event, (happened) => {
    happened.preventDefault();
    attempt(work);
  });
}

on("enter", "submit", enter);
on("code-form", "submit", openVisit);
on("look", "click", look);
on("close", "click", closeVisit);
on("decide", "submit", decide);
on("lock", "click", lock);
on("leave", "click", leave);
for (const kind of ["click", "auxclick"]) {
  byId("capture").addEventListener(kind, () => {
    if (byId("shared").checked) setTimeout(lock); // after the browser has followed the link
  });
}
hearKiosk((registration) => {
  if (officer && registration === visit?.found.registration) attempt(look);
});
for (const button of all("[data-language]")) {
  button.addEventListener("click", () => {
    texts.setLanguage(button.dataset.language);
    if (officer && visit) attempt(look);
  });
}
lockWhenIdle(() => officer !== null, lock);
await texts.load("/counter/static/texts");
texts.setText(byId("enter-text"), "enter.text");
