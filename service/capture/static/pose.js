// A moving picture of the card: as it is held now, on its way to the pose that is asked for.

import { byId } from "./dom.js";
import * as texts from "./texts.js";

const [HALF_WIDTH, HALF_HEIGHT] = [74, 47]; // of the card in units of the drawing, ID-1 of ISO/IEC 7810
const DISTANCE = 260; // of the eye, in the same units: strong perspective, so that a nearer edge is plainly larger
const FULL_SHARE = 0.64; // share of the picture's width at which the card has that size
const PHOTO = [[-62, -26], [-30, -26], [-30, 20], [-62, 20]];
const SMALL = [[50, 2], [66, 2], [66, 26], [50, 26]]; // the second portrait, which the words name
const LINES = [[[-16, -22], [58, -22]], [[-16, -4], [40, -4]], [[-16, 14], [34, 14]]];
const CARD = [[-HALF_WIDTH, -HALF_HEIGHT], [HALF_WIDTH, -HALF_HEIGHT], [HALF_WIDTH, HALF_HEIGHT], [-HALF_WIDTH, HALF_HEIGHT]];
const FACE_ON = { turn_deg: 0, pitch_deg: 0, share: 0.5 };
const [CYCLE_MS, REST, MOVE] = [2400, 0.15, 0.55]; // slow enough to follow; shares of a cycle. Chosen by hand
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
let state = { wanted: null, found: null, mirrored: false, frame: 0 };

/** Start a stage: show the way to a pose, or nothing for a face. */
export function begin(wanted, mirrored) {
  cancelAnimationFrame(state.frame);
  state = { wanted, found: null, mirrored, frame: 0, since: performance.now() };
  byId("pose").hidden = !wanted;
  byId("pose").classList.remove("reached");
  if (!wanted) return;
  texts.setText(byId("pose-text"), `pose.${keyOf(wanted)}`);
  texts.setText(byId("pose-near"), wanted.share < 0.6 ? "pose.further" : "pose.closer");
  byId("pose-wanted").setAttribute("d", polygon(CARD, wanted));
  run();
}

/** Take the newest pose into account; `hint` is `good` once the card is where it should be. */
export function update({ turn_deg, pitch_deg, share, hint, turn_target, pitch_target, share_target }) {
  if (!state.wanted) return;
  if (turn_target) follow({ turn_deg: middle(turn_target), pitch_deg: middle(pitch_target), share: middle(share_target) });
  state.found = turn_deg === null || turn_deg === undefined ? null : { turn_deg, pitch_deg, share };
  byId("pose").classList.toggle("reached", hint === "good");
}

/** The server may ask for another pose than the stage's: for the last one, when the card is to be turned once more. */
function follow(wanted) {
  const apart = Math.abs(wanted.turn_deg - state.wanted.turn_deg) + Math.abs(wanted.pitch_deg - state.wanted.pitch_deg);
  if (apart > 1) begin(wanted, state.mirrored);
}

const middle = ([from, to]) => (from + to) / 2;

/** The key of the sentence that describes a pose: the edges that are nearer to the camera. */
function keyOf({ turn_deg, pitch_deg }) {
  const across = turn_deg > 5 ? "left" : turn_deg < -5 ? "right" : "";
  const along = pitch_deg > 5 ? "top" : pitch_deg < -5 ? "bottom" : "";
  return [across, along].filter(Boolean).join("_") || "straight";
}

function run() {
  state.frame = requestAnimationFrame(() => {
    if (!byId("pose")?.offsetParent) return; // another view is shown, and the stage begins anew after it; or none is
    draw();
    run();
  });
}

function draw() {
  const { wanted, found } = state;
  const done = byId("pose").classList.contains("reached") || reducedMotion.matches;
  const passed = ((performance.now() - state.since) % CYCLE_MS) / CYCLE_MS;
  const way = Math.min(1, Math.max(0, (passed - REST) / MOVE));
  const eased = done ? 1 : way * way * (3 - 2 * way);
  const from = found ?? FACE_ON;
  const pose = {};
  for (const name of Object.keys(wanted)) pose[name] = from[name] + (wanted[name] - from[name]) * eased;
  byId("pose-card").setAttribute("d", polygon(CARD, pose));
  byId("pose-photo").setAttribute("d", polygon(PHOTO, pose));
  byId("pose-small").setAttribute("d", polygon(SMALL, pose));
  byId("pose-lines").setAttribute("d", LINES.map((line) => path(line, pose)).join(""));
}

/** A point of the card in a pose, in perspective: what is nearer to the eye is larger. */
function place([x, y], { turn_deg, pitch_deg, share }) {
  const [turn, pitch] = [turn_deg, pitch_deg].map((degrees) => (degrees * Math.PI) / 180);
  const depth = x * Math.sin(turn) + y * Math.sin(pitch);
  const size = (share / FULL_SHARE) * (DISTANCE / (DISTANCE + depth));
  const sign = state.mirrored ? -1 : 1;
  return `${(sign * x * Math.cos(turn) * size).toFixed(1)} ${(y * Math.cos(pitch) * size).toFixed(1)}`;
}

function path(points, pose) {
  return `M${points.map((point) => place(point, pose)).join("L")}`;
}

function polygon(points, pose) {
  return `${path(points, pose)}Z`;
}
