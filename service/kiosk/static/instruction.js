// One instruction at a time, calm enough to be read: it changes when the server keeps saying something else.

import { announce, by } from "./view.js";
import * as words from "./words.js";

const SURE_MS = 250;
const LEAST_MS = 700;
let shown = { hint: null, at: 0 };
let wanted = { hint: null, at: 0 };

/** Start a stage with its first instruction. */
export function begin(hint) {
  wanted = { hint, at: performance.now() };
  change(hint);
}

/** The newest hint. */
export function heed(hint) {
  const now = performance.now();
  if (hint !== wanted.hint) wanted = { hint, at: now };
  if (hint === shown.hint) return;
  const sure = hint === "good" || (now - wanted.at >= SURE_MS && now - shown.at >= LEAST_MS);
  if (sure) change(hint);
}

function change(hint) {
  shown = { hint, at: performance.now() };
  document.body.dataset.hint = hint;
  words.put(by("instruction"), words.has(`hint.${hint}`) ? `hint.${hint}` : "hint.hold_still");
  announce(by("instruction").textContent);
}
