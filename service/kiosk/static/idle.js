// Who walks away leaves nothing behind: after a while without a sign the session is ended, and its pictures with it.

import { ask, by } from "./view.js";
import * as words from "./words.js";

const QUIET_S = 75;
const LAST_S = 20;
let seen = performance.now();

/** A sign that somebody is there: a touch, a key, a card or a face before the camera. */
export function stir() {
  seen = performance.now();
}

/** Watch while `watched()`; who does not answer is `gone()`. */
export function watch(watched, gone) {
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, stir, { passive: true });
  setInterval(() => {
    if (!watched()) {
      stir();
      return;
    }
    const quiet = (performance.now() - seen) / 1000;
    if (quiet > QUIET_S + LAST_S) gone();
    else if (quiet > QUIET_S) {
      words.put(by("idle-text"), "idle.text", { seconds: Math.ceil(QUIET_S + LAST_S - quiet) });
      ask("idle");
    } else if (by("idle").open) by("idle").close();
  }, 1000);
}
