// How far the card is turned and how far it should be: the card seen from above, and the sectors its ends should reach.

import { by } from "./view.js";
import * as words from "./words.js";

const [INNER, OUTER, WAY] = [44, 104, 76];

/** Start a stage: with a gauge for a card, still empty, or without one. */
export function begin(card) {
  by("gauge").hidden = !card;
  by("gauge").className = "gauge unseen";
  by("gauge-band").setAttribute("d", "");
  by("gauge-way").setAttribute("d", "");
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
  by("gauge-way").setAttribute("d", seen ? path(way * turn, way * nearest(turn, target)) : "");
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

/** The angle of the wanted ones that is nearest. */
function nearest(turn, [low, high]) {
  return Math.min(Math.max(turn, Math.min(low, high)), Math.max(low, high));
}

/** A bent arrow at each end of the card, from where it is to where it should be. */
function path(from, to) {
  if (Math.abs(to - from) < 4) return "";
  const turn = Math.sign(to - from);
  return [0, 180].map((half) => {
    const [start, end] = [polar(WAY, half + from), polar(WAY, half + to)];
    const back = half + to - turn * 9;
    const head = `M${polar(WAY + 9, back)}L${end}L${polar(WAY - 9, back)}`;
    return `M${start}A${WAY} ${WAY} 0 0 ${turn > 0 ? 1 : 0} ${end}${head}`;
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
