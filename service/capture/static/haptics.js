// Short vibrations of a telephone, for those who hold it and do not look at it. Browsers without it do nothing.

const PATTERNS = { good: [30], done: [60, 60, 60], problem: [140, 90, 140] }; // milliseconds; chosen by hand
const coarse = matchMedia("(pointer: coarse)");

/** Vibrate for `good`, `done` or `problem`. */
export function vibrate(kind) {
  if (coarse.matches && navigator.userActivation?.hasBeenActive) navigator.vibrate?.(PATTERNS[kind]);
}
