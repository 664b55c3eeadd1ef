// Gauge of the card's turn: the card seen from above, and the sectors that its ends should reach.

import * as texts from "./texts.js";
import { byId } from "./view.js";

const [INNER, OUTER, ARROW] = [44, 104, 76]; // radii in units of the drawing

/** Start a stage, with an empty gauge for a card, else without a gauge. */
export function begin(card) {
  byId("gauge").hidden = !card;
  byId("gauge").className = "gauge unseen";
  byId("gauge-band").setAttribute("d", "");
  byId("gauge-way").setAttribute("d", "");
  byId("gauge-card").setAttribute("transform", "rotate(0)");
  texts.setText(byId("gauge-text"), "gauge.none");
}

/** Show the newest turn in degrees; positive: the card's left edge is nearer to the camera. */
export function update({ turn_deg: turn, turn_target: target }, mirrored) {
  const gauge = byId("gauge");
  if (!target) return;
  const seen = turn !== null && turn !== undefined;
  const sign = mirrored ? -1 : 1;
  gauge.classList.toggle("unseen", !seen);
  gauge.classList.toggle("reached", seen && turn >= target[0] && turn <= target[1]);
  byId("gauge-band").setAttribute("d", sectors(sign * target[0], sign * target[1]));
  byId("gauge-card").setAttribute("transform", `rotate(${(sign * (seen ? turn : 0)).toFixed(1)})`);
  byId("gauge-way").setAttribute("d", seen ? path(sign * turn, sign * nearest(turn, target)) : "");
  byId("gauge-photo").setAttribute("cx", mirrored ? 58 : -58);
  // The text has no sign: towards the target is positive on either side.
  const side = target[0] + target[1] < 0 ? -1 : 1;
  const angles = [turn ?? 0, ...target].map((angle) => Math.round(side * angle));
  const [now, from, to] = [angles[0], Math.min(angles[1], angles[2]), Math.max(angles[1], angles[2])];
  const text = byId("gauge-text");
  if (seen) texts.setText(text, "gauge.now", { now, from, to });
  else texts.setText(text, "gauge.none");
  gauge.setAttribute("aria-valuenow", String(now));
  gauge.setAttribute("aria-valuetext", text.textContent);
}

/** The nearest angle of the target range. */
function nearest(turn, [low, high]) {
  return Math.min(Math.max(turn, Math.min(low, high)), Math.max(low, high));
}

/** A curved arrow at each end of the card, from its position to the target. */
function path(from, to) {
  if (Math.abs(to - from) < 4) return "";
  const turn = Math.sign(to - from);
  return [0, 180].map((half) => {
    const [start, end] = [polar(ARROW, half + from), polar(ARROW, half + to)];
    const back = half + to - turn * 9;
    const head = `M${polar(ARROW + 9, back)}L${end}L${polar(ARROW - 9, back)}`;
    return `M${start}A${ARROW} ${ARROW} 0 0 ${turn > 0 ? 1 : 0} ${end}${head}`;
  }).join("");
}

function polar(radius, degrees) {
  const angle = (degrees * Math.PI) / 180;
  return `${(radius * Math.cos(angle)).toFixed(1)} ${(radius * Math.sin(angle)).toFixed(1)}`;
}

/** Two sectors opposite each other, between two angles in degrees, clockwise from the right. */
function sectors(from, to) {
  const [low, high] = [Math.min(from, to), Math.max(from, to)];
  return [0, 180].map((half) => sector(low + half, high + half)).join("");
}

function sector(low, high) {
  const outer = `M${polar(OUTER, low)}A${OUTER} ${OUTER} 0 0 1 ${polar(OUTER, high)}`;
  return `${outer}L${polar(INNER, high)}A${INNER} ${INNER} 0 0 0 ${polar(INNER, low)}Z`;
}
