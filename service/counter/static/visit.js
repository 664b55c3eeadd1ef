// A registration that is open at the counter: why its applicant came, what was captured here, and what may be decided.

import { byId, element } from "/capture/static/dom.js";
import * as texts from "/capture/static/texts.js";

/** Show a registration as the service describes it. */
export function show(found, officer) {
  byId("visit-id").textContent = found.registration;
  const time = new Date(found.expires_at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  texts.setText(byId("visit-ends"), "visit.ends", { time });
  const earlier = found.attempts.filter(({ verification }) => verification !== found.captured);
  const last = earlier.at(-1);
  byId("why").replaceChildren(...(last?.reasons ?? []).map((code) => reason(code, found.texts)));
  byId("attempts").replaceChildren(...earlier.map(attempt));
  byId("capture").href = `/kiosk#${found.registration}`;
  showOutcome(found.capture, found.texts);
  showChoices(found.capture);
  texts.setText(byId("sure-text"), "decide.sure", { officer });
}

/** Forget everything of the registration that is shown. */
export function clear() {
  for (const id of ["why", "attempts", "outcome-why", "checks"]) byId(id).replaceChildren();
  for (const id of ["visit-id", "visit-ends", "outcome-text", "decide-why", "sure-text"]) texts.setText(byId(id), null);
  byId("capture").removeAttribute("href");
  byId("decide").reset();
}

function showOutcome(capture, said) {
  texts.setText(byId("outcome-text"), capture ? `outcome.${capture.decision}` : "outcome.none");
  byId("outcome-why").replaceChildren(...(capture?.reasons ?? []).map((code) => reason(code, said)));
  byId("checks-part").hidden = !capture;
  byId("checks").replaceChildren(...(capture?.checks ?? []).map((check) => row(check, said)));
}

/** An accept needs captures that allow it; a refusal is always possible. */
function showChoices(capture) {
  const may = Boolean(capture?.acceptable);
  byId("accept").disabled = !may;
  if (!may) byId("accept").checked = false;
  texts.setText(byId("decide-why"), may ? null : capture ? "decide.unsuitable" : "decide.first");
}

function reason(code, said) {
  const item = element("li");
  item.append(element("span", said[code] ?? ""), document.createTextNode(" "), element("code", code));
  return item;
}

function row({ name, outcome, reason: code, required }, said) {
  const made = element("tr");
  const head = element("th");
  head.scope = "row";
  head.append(element("span", name.replaceAll("_", " ")));
  if (code) head.append(element("small", said[code] ?? code));
  else if (!required) head.append(element("small", texts.format("checks.optional")));
  const cell = element("td");
  cell.append(element("span", texts.format(`check.${outcome ?? "unassessed"}`), `outcome ${outcome ?? ""}`));
  made.append(head, cell);
  return made;
}

function attempt({ decision, at }) {
  const item = element("li");
  const when = new Date(at).toLocaleString(texts.language === "en" ? "en-GB" : "zh-HK", { dateStyle: "medium", timeStyle: "short" });
  item.append(element("strong", texts.format(`verdict.${decision}`)), document.createTextNode(` · ${when}`));
  return item;
}
