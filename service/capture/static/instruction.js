// One instruction at a time, steady enough to be read: it changes once the server has repeated another hint for a while.

import { byId, emit, page } from "./dom.js";
import * as texts from "./texts.js";
import { vibrate } from "./haptics.js";
import { tell } from "./view.js";

const STABLE_MS = 250; // of a new hint; chosen by hand
const MIN_SHOWN_MS = 700; // of the hint before; chosen by hand
let shown = { hint: null, at: 0 };
let candidate = { hint: null, at: 0 };

/** Start a stage with its first instruction. */
export function begin(hint) {
  candidate = { hint, at: performance.now() };
  change(hint);
}

/** Take the newest hint into account. */
export function update(hint) {
  const now = performance.now();
  if (hint !== candidate.hint) candidate = { hint, at: now };
  if (hint === shown.hint) return;
  const stable = hint === "good" || (now - candidate.at >= STABLE_MS && now - shown.at >= MIN_SHOWN_MS);
  if (stable) change(hint);
}

function change(hint) {
  shown = { hint, at: performance.now() };
  page().dataset.hint = hint;
  emit("guidance", { stage: page().dataset.stage, hint });
  texts.setText(byId("instruction"), texts.has(`hint.${hint}`) ? `hint.${hint}` : "hint.hold_still");
  if (hint === "good") vibrate("good");
  tell(texts.has(`hint.${hint}`) ? `hint.${hint}` : "hint.hold_still", { repeated: hint !== "good", now: hint === "good" });
}
