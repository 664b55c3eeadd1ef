// Absence of the applicant: after a while without activity the session ends, and its pictures are overwritten.

import { byId } from "./dom.js";
import * as texts from "./texts.js";
import { openDialog } from "./view.js";

const ASK_AFTER_S = 75; // chosen by hand; a challenge takes less than half of it
const ANSWER_WITHIN_S = 20; // the least that WCAG 2.2, success criterion 2.2.1, asks for
let lastActivity = performance.now();

/** Note that the applicant is there: a touch, a key, or a card or face before the camera. */
export function noteActivity() {
  lastActivity = performance.now();
}

/** While `active()`, ask an applicant without activity for a sign; call `leave()` if there is no answer. Returns the
 * function that ends this. */
export function watch(active, leave) {
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, noteActivity, { passive: true });
  const timer = setInterval(() => {
    if (!active()) {
      noteActivity();
      return;
    }
    const inactive = (performance.now() - lastActivity) / 1000;
    if (inactive > ASK_AFTER_S + ANSWER_WITHIN_S) leave();
    else if (inactive > ASK_AFTER_S) {
      texts.setText(byId("idle-text"), "idle.text", { seconds: Math.ceil(ASK_AFTER_S + ANSWER_WITHIN_S - inactive) });
      openDialog("idle");
    } else if (byId("idle").open) byId("idle").close();
  }, 1000);
  return () => {
    clearInterval(timer);
    for (const kind of ["pointerdown", "keydown"]) removeEventListener(kind, noteActivity);
  };
}
