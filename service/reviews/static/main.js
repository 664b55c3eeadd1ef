// The reviewers' page: sign in with a key, enrol this browser, claim a review, decide it.

import { text } from "/capture/static/base64url.js";
import { all, byId } from "/capture/static/dom.js";
import { lockWhenIdle } from "/kiosk/static/idle.js";
import * as texts from "/capture/static/texts.js";
import * as cases from "/review/static/case.js";
import * as decision from "/review/static/decision.js";
import * as keys from "/review/static/keys.js";
import * as queue from "/review/static/queue.js";
import { ask, Refused, useKey } from "/review/static/service.js";

const INTERVAL_MS = 15000; // between two looks at the queue; chosen by hand
let me = null; // the officer's enrolment
let own = null; // this browser's key, if it is the enrolled one
let open = null; // the review that is shown
let ends = null; // when it goes back to the queue, in milliseconds since 1970

function showView(name) {
  document.body.dataset.view = name;
  for (const section of all("[data-of]")) section.hidden = section.dataset.of !== name;
  all(`[data-of="${name}"] h1`)[0]?.focus();
}

async function attempt(work) {
  texts.setText(byId("problem"), null);
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { code } = error;
    const key = texts.has(`problem.${code}`) ? `problem.${code}` : "problem.other";
    texts.setText(byId("problem"), key, { code });
    if (code === "unauthenticated") leave(false);
    if (["review_not_claimed", "not_found", "review_unavailable", "registration_closed"].includes(code)) await closeCase();
    return undefined;
  }
}

async function enter() {
  me = await ask("GET", "/v1/reviewers/me").catch((error) => {
    if (error.code === "not_found") return null;
    throw error;
  });
  byId("leave").hidden = false;
  if (me === null) return showView("enrol");
  byId("who").textContent = me.officer;
  const stored = await keys.load(me.client);
  own = stored && (await keys.fingerprint(stored.point)) === me.fingerprint ? stored : null;
  if (me.state === "pending") return showPending(stored);
  showOwnKey();
  showView("board");
  return queue.load(choose);
}

async function showPending(stored) {
  byId("fingerprint").textContent = stored ? await keys.fingerprint(stored.point) : (me.fingerprint ?? "–");
  byId("pending-id").textContent = me.id;
  showView("pending");
}

function showOwnKey() {
  const other = me.fingerprint !== null && own === null;
  texts.setText(byId("own-key"), own ? "key.own" : other ? "key.other" : "key.none");
  byId("new-key").hidden = own !== null;
}

async function enrol(officer, client) {
  const before = client ?? "new";
  const point = await keys.make(before);
  const made = await ask("POST", "/v1/reviewers", { officer, public_key: text(point) });
  if (made.client !== before) await keys.rename(before, made.client);
  await enter();
}

async function choose(entry) {
  await attempt(async () => {
    await ask("POST", `/v1/reviews/${entry.id}/claim`, {});
    await showCase(entry.id);
    await queue.load(choose);
  });
}

async function showCase(id) {
  const found = await ask("GET", `/v1/reviews/${id}`);
  if (me === null) return; // signed out meanwhile
  if (open?.id !== id) cases.clear();
  open = found;
  noteEnd(found.claim_ends_at);
  cases.show(found);
  byId("pictures-open").hidden ||= own === null;
  decision.offer(found, me.officer);
  texts.setText(byId("done"), null);
  byId("case").hidden = false;
  document.body.classList.add("has-case");
  queue.mark(id);
  byId("case-title").focus();
}

/** Note when the claim ends; not where this computer's clock is wrong and says that it has. */
function noteEnd(at) {
  const end = Date.parse(at);
  ends = end > Date.now() ? end : null;
}

async function closeCase() {
  open = null;
  cases.clear();
  byId("case").hidden = true;
  document.body.classList.remove("has-case");
  queue.mark(null);
  if (me) await queue.load(choose).catch(() => undefined);
}

async function decide() {
  const answer = await decision.send(open, me.officer);
  const outcome = answer.outcome?.decision;
  await closeCase();
  const values = outcome ? { decision: texts.format(`decision.${outcome}`) } : {};
  texts.setText(byId("done"), outcome ? "done.decided" : "done.second", values);
  byId("queue-title").focus();
}

function leave(told = true) {
  useKey(null);
  me = own = open = ends = null;
  cases.clear();
  byId("queue").replaceChildren();
  byId("case").hidden = byId("leave").hidden = true;
  byId("who").textContent = "";
  document.body.classList.remove("has-case");
  if (told) texts.setText(byId("problem"), null);
  showView("enter");
}

/** Sign out an officer who left the page open: whoever comes next neither reads nor decides with the officer's key. */
function lock() {
  leave();
  texts.setText(byId("problem"), "problem.idle");
}

function on(id, event, work) {
  byId(id).addEventListener(event, (happened) => {
    happened.preventDefault();
    attempt(() => work(happened));
  });
}

on("enter", "submit", () => {
  useKey(byId("key").value.trim());
  byId("key").value = "";
  return enter();
});
on("enrol", "submit", () => enrol(byId("officer").value.trim(), null));
on("new-key", "click", () => enrol(me.officer, me.client));
on("pending-again", "click", enter);
on("leave", "click", () => leave());
on("reload", "click", () => queue.load(choose));
on("filters", "change", () => queue.load(choose));
on("filters", "submit", () => queue.load(choose));
on("more", "click", () => queue.load(choose, true));
on("keep", "click", async () => {
  const kept = await ask("POST", `/v1/reviews/${open.id}/claim`, {});
  open.claim_ends_at = kept.claim_ends_at;
  noteEnd(kept.claim_ends_at);
  const time = new Date(kept.claim_ends_at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  byId("case-ends").textContent = texts.format("case.ends", { time });
});
on("release", "click", async () => {
  await ask("POST", `/v1/reviews/${open.id}/release`, {});
  await closeCase();
  byId("queue-title").focus();
});
on("pictures-open", "click", async () => {
  await cases.openPictures(open, own);
  if (open === null) cases.clear(); // left meanwhile
});
on("decide", "submit", decide);
for (const button of all("[data-language]")) {
  button.addEventListener("click", () => {
    texts.setLanguage(button.dataset.language);
    attempt(async () => {
      queue.show(choose);
      if (open) await showCase(open.id);
    });
  });
}
setInterval(() => {
  if (document.body.dataset.view === "board" && !document.hidden) queue.load(choose).catch(() => undefined);
}, INTERVAL_MS);
setInterval(() => {
  if (open === null || ends === null || ends > Date.now()) return;
  ends = null;
  attempt(() => Promise.reject(new Refused(0, "review_not_claimed")));
}, 1000);
lockWhenIdle(() => me !== null, lock);
await texts.load("/review/static/texts");
