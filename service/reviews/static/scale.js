// A small picture of a measured value against its limit: the side on which a check passes is tinted.

import { shape } from "/capture/static/dom.js";

const [WIDTH, HEIGHT, EDGE] = [160, 27, 12]; // in units of the drawing
const ROOM = 0.35; // of the distance between the two, on either side

/** The drawing for a check, with a sentence for those who do not see it; null without value or limit. */
export function scale(check, sentence) {
  const { value = null, limit = null, outcome } = check;
  if (value === null || limit === null || !outcome) return null;
  const apart = Math.abs(value - limit) || Math.abs(limit) || 1;
  const low = Math.min(value, limit) - ROOM * apart;
  const high = Math.max(value, limit) + ROOM * apart;
  const place = (number) => EDGE + ((number - low) / (high - low)) * (WIDTH - 2 * EDGE);
  const above = value > limit;
  const passesAbove = outcome === "pass" ? above : !above;
  const drawn = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": sentence }, "scale");
  const at = place(limit);
  const [from, to] = passesAbove ? [at, WIDTH - EDGE] : [EDGE, at];
  drawn.append(
    shape("rect", { x: EDGE, y: 10, width: WIDTH - 2 * EDGE, height: 7, rx: 3.5 }, "track"),
    shape("rect", { x: from, y: 10, width: Math.max(0, to - from), height: 7, rx: 3.5 }, "passing"),
    shape("rect", { x: at - 1, y: 3, width: 2, height: 21 }, "limit"),
    shape("circle", { cx: place(value), cy: 13.5, r: 6 }, `value ${outcome}`),
  );
  return drawn;
}
