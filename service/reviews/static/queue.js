// The queue: every review that waits, the oldest first.

import { byId, element } from "/capture/static/dom.js";
import * as texts from "/capture/static/texts.js";
import { ask } from "/review/static/service.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
let shown = [];
let next = null;
let current = null;

/** Load the queue from its beginning, or the page that follows. */
export async function load(choose, more = false) {
  const query = new URLSearchParams();
  const state = byId("filter-state").value;
  for (const one of state === "claimed" ? ["claimed", "claimed_second"] : state ? [state] : []) query.append("state", one);
  const reason = byId("filter-reason").value.trim();
  if (/^[a-z0-9_]+$/.test(reason)) query.set("reason", reason);
  if (more && next) query.set("cursor", next);
  const page = await ask("GET", `/v1/reviews?${query}`);
  shown = more ? [...shown, ...page.items] : page.items;
  next = page.next;
  show(choose);
}

/** Mark the review that is open; null for none. */
export function mark(id) {
  current = id;
  for (const button of byId("queue").querySelectorAll("button")) {
    button.setAttribute("aria-current", String(button.dataset.id === id));
  }
}

/** Show the loaded entries, after a change of language too. */
export function show(choose) {
  byId("queue").replaceChildren(...shown.map((entry) => row(entry, choose)));
  byId("queue-none").hidden = shown.length > 0;
  byId("more").hidden = next === null;
  mark(current);
}

/** The time since then, in the largest fitting unit. */
export function age(seconds) {
  const [unit, size] = seconds < HOUR ? ["minutes", MINUTE] : seconds < DAY ? ["hours", HOUR] : ["days", DAY];
  return texts.format(`age.${unit}`, { count: Math.floor(seconds / size) });
}

function row(entry, choose) {
  const item = element("li");
  const button = element("button", "", "entry");
  button.type = "button";
  button.dataset.id = entry.id;
  const [kind, words] = standing(entry);
  button.append(element("span", age(entry.age_s), "age"), element("span", words, `tag ${kind}`));
  button.append(element("span", entry.reasons.join(", ").replaceAll("_", " "), "codes"));
  button.disabled = kind === "taken" || kind === "own" || kind === "over";
  button.addEventListener("click", () => choose(entry));
  item.append(button);
  return item;
}

function standing(entry) {
  if (entry.mine) return ["mine", texts.format("entry.mine")];
  if (entry.outcome) return ["over", texts.format(`decision.${entry.outcome.decision}`)];
  if (entry.state === "withdrawn") return ["over", texts.format("state.withdrawn")];
  if (entry.claimed_by) return ["taken", texts.format("entry.taken", { officer: entry.claimed_by })];
  if (entry.own_opinion) return ["own", texts.format("entry.own")];
  return entry.state === "waiting_second" ? ["second", texts.format("state.waiting_second")] : ["", texts.format("state.waiting")];
}
