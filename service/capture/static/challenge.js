// The liveness challenge, shown exactly as the server drew it, and filmed: the action, its progress, and the light.

import { all, byId, page } from "./dom.js";
import { vibrate } from "./haptics.js";
import * as texts from "./texts.js";
import { tell } from "./view.js";

const INTERVAL_MS = 100; // ten frames per second: docs/stream.md
const HALF_FRAME_MS = 17; // of a camera with 30 frames per second
const COUNT_MS = 800; // per number of the countdown; chosen by hand

/** Duration of a challenge with these options in whole seconds, as pipeline/liveness/challenge.py draws it. */
export function durationSeconds({ photosensitive, more_time: slow }) {
  const steps = photosensitive ? 5 : 3;
  return Math.ceil(0.8 + steps * (slow ? 4 : 2) + (photosensitive ? 0 : 3));
}

export class Challenge {
  camera;
  connection;

  constructor(camera, connection) {
    Object.assign(this, { camera, connection, running: false });
  }

  /** Count down, then call `ready`, unless the challenge is stopped meanwhile. */
  async countDown(ready) {
    this.#open();
    this.#showAction("look_straight", "count.title");
    for (const left of [3, 2, 1]) {
      byId("count").textContent = left;
      await new Promise((resolve) => setTimeout(resolve, COUNT_MS));
      if (!this.running) return;
    }
    byId("count").textContent = "";
    ready();
  }

  /** Show the challenge and send what the camera sees of it, from its first moment to its last. */
  play(challenge) {
    this.challenge = challenge;
    this.startedAt = performance.now();
    this.nextAt = 0;
    this.moments = [...challenge.capture_ms];
    this.shownPart = null;
    this.onFrame = () => this.#sendFrame();
    this.camera.addEventListener("frame", this.onFrame);
    this.#advance();
  }

  /** Show the progress of the action, as the server measures it. */
  updateProgress({ done }) {
    const share = Math.max(0, Math.min(1, done ?? 0));
    byId("ring").style.strokeDasharray = `${share * 100} 100`;
    byId("ring").style.opacity = share > 0.02 ? 1 : 0;
  }

  stop() {
    this.running = false;
    this.camera.removeEventListener("frame", this.onFrame);
    cancelAnimationFrame(this.painting);
    byId("mirror-video").srcObject = null;
    byId("challenge").hidden = true;
    byId("challenge").style.removeProperty("background-color");
    delete page().dataset.action;
    delete page().dataset.colour;
    for (const part of all(".top, main, .foot")) part.inert = false;
  }

  #open() {
    this.running = true;
    const mirror = byId("mirror-video");
    mirror.srcObject = this.camera.video.srcObject;
    mirror.play().catch(() => {});
    byId("mirror").classList.toggle("mirrored", this.camera.mirrored);
    byId("challenge").classList.remove("colours");
    byId("challenge").hidden = false;
    for (const part of all(".top, main, .foot")) part.inert = true;
    byId("asked").focus();
  }

  #advance() {
    if (!this.running) return;
    const at = performance.now() - this.startedAt;
    const part = this.#part(at);
    if (part !== this.shownPart) this.#show(part);
    this.shownPart = part;
    if (at < this.challenge.duration_ms + INTERVAL_MS) this.painting = requestAnimationFrame(() => this.#advance());
    else this.camera.removeEventListener("frame", this.onFrame);
  }

  #part(at) {
    const { steps, lights } = this.challenge;
    return [...steps, ...lights].find(({ start_ms: from, end_ms: to }) => at >= from && at < to) ?? null;
  }

  #show(part) {
    const stage = byId("challenge");
    stage.classList.toggle("colours", Boolean(part?.colour));
    if (part?.colour) stage.style.backgroundColor = `rgb(${part.colour.join(" ")})`;
    else stage.style.removeProperty("background-color");
    if (part?.colour) page().dataset.colour = part.colour.join(",");
    else delete page().dataset.colour;
    const action = part?.action ?? (part ? "watch_colours" : "look_straight");
    if (!(part?.colour && this.shownPart?.colour)) this.#showAction(action, `hint.${action}`);
    this.updateProgress({ done: 0 });
  }

  #showAction(action, key) {
    page().dataset.action = action;
    texts.setText(byId("asked"), key);
    byId("arrow-use").setAttribute("href", action === "watch_colours" ? "#i-colours" : `#i-${action}`);
    tell(key, { now: true });
    vibrate("good");
  }

  /** Send a picture of the camera if it is the nearest to a moment asked for, or if a tenth of a second has passed. */
  #sendFrame() {
    const at = performance.now() - this.startedAt;
    if (at > this.challenge.duration_ms + INTERVAL_MS) return;
    const isMoment = this.moments.length && at >= this.moments[0] - HALF_FRAME_MS;
    if (!isMoment && at < this.nextAt - HALF_FRAME_MS) return;
    while (this.moments.length && at >= this.moments[0] - HALF_FRAME_MS) this.moments.shift();
    while (this.nextAt <= at + HALF_FRAME_MS) this.nextAt += INTERVAL_MS;
    const frame = { role: "liveness", kind: "still", number: this.camera.number, at: at * 1000 };
    this.connection.sendFrame({ ...frame, jpeg: this.camera.capture("still", true) });
  }
}
