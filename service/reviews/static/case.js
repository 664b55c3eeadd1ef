// One claimed review: reasons, fields, checks against their limits, attempts, pictures if there are any.

import { byId, element } from "/capture/static/dom.js";
import * as texts from "/capture/static/texts.js";
import * as keys from "/review/static/keys.js";
import { scale } from "/review/static/scale.js";
import { ask, Refused } from "/review/static/service.js";

const ORDER = { fail: 0, doubt: 1, null: 2, pass: 3 };
const ROLES = ["card_front", "card_tilt_left", "card_tilt_right", "selfie"];
/** @type {[string, number[]][]} */
const FIRST_BYTES = [["image/jpeg", [0xff, 0xd8, 0xff]], ["image/png", [0x89, 0x50, 0x4e, 0x47]]];
let addresses = [];

/** Show a review and everything of its verdict. */
export function show(found) {
  byId("case-id").textContent = `${found.registration} · ${found.verification}`;
  const { claim_ends_at: ends, first_officer: second } = found;
  const until = ends && new Date(ends).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  byId("case-ends").textContent = until ? texts.format("case.ends", { time: until }) : "";
  byId("case-second").textContent = second ? texts.format("case.second", { officer: second }) : "";
  byId("why").replaceChildren(...found.reasons.map((code) => reason(code, found.texts)));
  showFields(found.verdict);
  showChecks(found.verdict, found.texts);
  byId("attempts").replaceChildren(...found.attempts.map(attempt));
  showPictures(found);
}

/** Take the sealed pictures, open them with this browser's key, and show them until the case is left. */
export async function openPictures(found, own) {
  const sealed = await ask("POST", `/v1/reviews/${found.id}/pictures`, {});
  const opened = await keys.open(own, found.verification, sealed).catch(() => {
    throw new Refused(0, "unreadable");
  });
  byId("pictures").replaceChildren(...ROLES.filter((role) => opened[role]).map((role) => figure(role, opened[role])));
  byId("pictures-open").hidden = true;
  texts.setText(byId("pictures-text"), "pictures.shown");
}

/** Forget everything of the case that is shown. */
export function clear() {
  for (const address of addresses) URL.revokeObjectURL(address);
  addresses = [];
  for (const id of ["why", "fields", "checks", "attempts", "pictures"]) byId(id).replaceChildren();
  for (const id of ["case-id", "case-ends", "case-second", "fields-text"]) byId(id).textContent = "";
  byId("comment").value = "";
}

function reason(code, said) {
  const item = element("li");
  item.append(element("span", said[code] ?? ""), document.createTextNode(" "), element("code", code));
  return item;
}

function showFields({ fields, form }) {
  texts.setText(byId("fields-text"), fields ? null : "fields.encrypted");
  const rows = Object.entries(fields ?? {}).filter(([, reading]) => reading.text);
  byId("fields").replaceChildren(...rows.map(([name, reading]) => field(name, reading)));
  if (form?.number && !fields?.number) byId("fields").append(field("number", { text: form.number, certain: true }));
}

function field(name, { text, certain }) {
  const entry = element("div", "", certain ? "" : "unsure");
  const label = texts.has(`field.${name}`) ? texts.format(`field.${name}`) : name.replaceAll("_", " ");
  entry.append(element("dt", label), element("dd", text));
  if (!certain) entry.append(element("dd", texts.format("fields.unsure"), "note"));
  return entry;
}

function showChecks({ checks, required }, said) {
  const sorted = [...checks].sort((a, b) => ORDER[a.outcome] - ORDER[b.outcome]);
  byId("checks").replaceChildren(...sorted.map((check) => checkRow(check, (required ?? []).includes(check.name), said)));
}

function checkRow(check, isRequired, said) {
  const row = element("tr");
  const name = element("th");
  name.scope = "row";
  name.append(element("span", check.name.replaceAll("_", " ")));
  if (check.reason) name.append(element("small", said[check.reason] ?? check.reason));
  else if (!isRequired) name.append(element("small", texts.format("checks.optional")));
  const words = texts.format(`outcome.${check.outcome ?? "unassessed"}`);
  const outcome = element("td");
  outcome.append(element("span", words, `outcome ${check.outcome ?? ""}`));
  const drawing = element("td");
  const [value, limit] = [number(check.value), number(check.limit)];
  const drawn = scale(check, texts.format("checks.sentence", { value, limit, outcome: words }));
  if (drawn) drawing.append(drawn);
  const unit = value === "–" || !check.unit ? "" : ` ${check.unit}`;
  row.append(name, outcome, drawing, element("td", value + unit, "number"), element("td", limit, "number"));
  return row;
}

function number(value) {
  return value === null || value === undefined ? "–" : String(Number(value.toPrecision(4)));
}

function attempt({ decision, reasons, at }) {
  const item = element("li");
  const when = new Date(at).toLocaleString(texts.language === "en" ? "en-GB" : "zh-HK");
  item.append(element("strong", texts.format(`verdict.${decision}`)), document.createTextNode(` · ${when} `));
  item.append(element("code", reasons.join(", ")));
  return item;
}

function showPictures(found) {
  if (addresses.length) return; // taken already: they cannot be taken again
  const waits = Boolean(found.pictures_until);
  byId("pictures-open").hidden = !waits;
  const time = waits && new Date(found.pictures_until).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  texts.setText(byId("pictures-text"), waits ? "pictures.wait" : "pictures.none", { time });
}

function figure(role, data) {
  const made = element("figure");
  const caption = element("figcaption", texts.format(`role.${role}`));
  const kind = FIRST_BYTES.find(([, first]) => first.every((byte, at) => data[at] === byte))?.[0];
  if (kind) {
    const picture = element("img");
    picture.alt = texts.format(`role.${role}`);
    picture.src = URL.createObjectURL(new Blob([data], { type: kind }));
    addresses.push(picture.src);
    made.append(picture);
  } else {
    caption.textContent += ` · ${texts.format("pictures.unshown")}`;
  }
  made.append(caption);
  return made;
}
