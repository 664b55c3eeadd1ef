// The end of an officer's time at a page that nobody touches, so that a page that was left open is nobody's.

import { byId } from "/capture/static/dom.js";
import { setText } from "/capture/static/texts.js";

const IDLE_MS = 300_000; // without a touch, a key or a movement; chosen by hand
const WARNED_MS = 240_000; // a minute before; WCAG 2.2 (criterion 2.2.1) asks for at least 20 seconds
const SIGNS = ["pointerdown", "wheel", "keydown", "click"]; // a screen reader may press a button by a click alone

/** While `signedIn()`, warn after four minutes without a sign of the officer, and call `lock()` after five. The page has
 * the elements `idle`, `idle-text` and `idle-stay`. The clock is that of the day, because the page's own clock stands
 * still while a computer sleeps. */
export function lockWhenIdle(signedIn, lock) {
  let active = Date.now();
  const note = () => (active = Date.now());
  for (const kind of SIGNS) addEventListener(kind, note, { passive: true });
  // A pointer on its way to the button does not remove it, so that no click lands on what is below.
  addEventListener("pointermove", () => byId("idle").classList.contains("shown") || note(), { passive: true });
  byId("idle-stay").addEventListener("click", () => {
    warn(false);
    byId("main").focus({ preventScroll: true });
  });
  setInterval(() => {
    const idle = Date.now() - active;
    if (signedIn() && idle > IDLE_MS) lock();
    warn(signedIn() && idle > WARNED_MS);
  }, 1000);
}

/** Show the warning, or hide it. Its text is in an element that is always there, so that screen readers say it. */
function warn(wanted) {
  if (byId("idle").classList.toggle("shown", wanted) === !byId("idle-stay").hidden) return;
  byId("idle-stay").hidden = !wanted;
  setText(byId("idle-text"), wanted ? "idle.warning" : null);
}
