// How far the card is turned and how far it should be: the card seen from above, and the sectors its ends should reach.

import { by } from "./view.js";
import * as words from "./words.js";

const [INNER, OUTER] = [44, 104];

/** Start a stage: with a gauge for a card, still empty, or without one. */
export function begin(card) {
  by("gauge").hidden = !card;
  by("gauge").className = "gauge unseen";
  by("gauge-band").setAttribute("d", "");
  by("gauge-card").setAttribute("transform", "rotate(0)");
  words.put(by("gauge-text"), "gauge.none");
}

/** The newest turn in degrees, positive with the card's left edge nearer to the camera. */
export function update({ turn_deg: turn, turn_target: target }, mirrored) {
  const gauge = by("gauge");
  if (!target) return;
  const seen = turn !== null && turn !== undefined;
  const way = mirrored ? -1 : 1;
  gauge.classList.toggle("unseen", !seen);
  gauge.classList.toggle("reached", seen && turn >= target[0] && turn <= target[1]);
  by("gauge-band").setAttribute("d", sectors(way * target[0], way * target[1]));
  by("gauge-card").setAttribute("transform", `rotate(${(way * (seen ? turn : 0)).toFixed(1)})`);
  by("gauge-photo").setAttribute("cx", mirrored ? 58 : -58);
  // Said without a sign: towards the target is positive, whichever way that is.
  const side = target[0] + target[1] < 0 ? -1 : 1;
  const said = [turn ?? 0, ...target].map((angle) => Math.round(side * angle));
  const [now, from, to] = [said[0], Math.min(said[1], said[2]), Math.max(said[1], said[2])];
  const text = by("gauge-text");
  if (seen) words.put(text, "gauge.now", { now, from, to });
  else words.put(text, "gauge.none");
  gauge.setAttribute("aria-valuenow", String(now));
  gauge.setAttribute("aria-valuetext", text.textContent);
}

/** Two sectors opposite each other, between two angles in degrees, clockwise from the right. */
function sectors(from, to) {
  const [low, high] = [Math.min(from, to), Math.max(from, to)];
  return [0, 180].map((half) => sector(low + half, high + half)).join("");
}

function sector(low, high) {
  const at = (radius, degrees) => {
    const angle = (degrees * Math.PI) / 180;
    return `${(radius * Math.cos(angle)).toFixed(1)} ${(radius * Math.sin(angle)).toFixed(1)}`;
  };
  const outer = `M${at(OUTER, low)}A${OUTER} ${OUTER} 0 0 1 ${at(OUTER, high)}`;
  return `${outer}L${at(INNER, high)}A${INNER} ${INNER} 0 0 0 ${at(INNER, low)}Z`;
}
