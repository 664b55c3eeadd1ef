// The liveness challenge, shown exactly as the server drew it, and filmed: what to do now, how far it is done, the light.

import { announce, by } from "./view.js";
import * as words from "./words.js";

const EVERY_MS = 100;
const HALF_FRAME_MS = 17;
const COUNT_MS = 800;

/** How long a challenge with these options takes, in whole seconds, before the server has drawn it. */
export function seconds({ photosensitive, more_time: slow }) {
  const steps = photosensitive ? 4 : 3;
  return Math.ceil(0.8 + steps * (slow ? 4 : 2) + (photosensitive ? 0 : 3));
}

export class Challenge {
  constructor(camera, link) {
    Object.assign(this, { camera, link, running: false });
  }

  /** Count down, then call `ready`; false when it was stopped meanwhile. */
  async count(ready) {
    this.#open();
    this.#ask("look_straight", "count.title");
    for (const left of [3, 2, 1]) {
      by("count").textContent = left;
      await new Promise((resolve) => setTimeout(resolve, COUNT_MS));
      if (!this.running) return;
    }
    by("count").textContent = "";
    ready();
  }

  /** Show the challenge and send what the camera sees of it, from its first moment to its last. */
  play(challenge) {
    this.challenge = challenge;
    this.began = performance.now();
    this.next = 0;
    this.due = [...challenge.capture_ms];
    this.now = null;
    this.taken = () => this.#film();
    this.camera.addEventListener("frame", this.taken);
    this.#step();
  }

  /** How far the action is done, as the server sees it. */
  heed({ done }) {
    const share = Math.max(0, Math.min(1, done ?? 0));
    by("ring").style.strokeDasharray = `${share * 100} 100`;
    by("ring").style.opacity = share > 0.02 ? 1 : 0;
  }

  stop() {
    this.running = false;
    this.camera.removeEventListener("frame", this.taken);
    cancelAnimationFrame(this.painting);
    by("mirror-video").srcObject = null;
    by("challenge").hidden = true;
    by("challenge").style.removeProperty("background-color");
    delete document.body.dataset.action;
    delete document.body.dataset.colour;
    for (const part of document.querySelectorAll(".top, main, .foot")) part.inert = false;
  }

  #open() {
    this.running = true;
    const mirror = by("mirror-video");
    mirror.srcObject = this.camera.video.srcObject;
    mirror.play().catch(() => {});
    by("mirror").classList.toggle("mirrored", this.camera.mirrored);
    by("challenge").classList.remove("colours");
    by("challenge").hidden = false;
    for (const part of document.querySelectorAll(".top, main, .foot")) part.inert = true;
    by("asked").focus();
  }

  #step() {
    if (!this.running) return;
    const at = performance.now() - this.began;
    const part = this.#part(at);
    if (part !== this.now) this.#show(part);
    this.now = part;
    if (at < this.challenge.duration_ms + EVERY_MS) this.painting = requestAnimationFrame(() => this.#step());
    else this.camera.removeEventListener("frame", this.taken);
  }

  #part(at) {
    const { steps, lights } = this.challenge;
    return [...steps, ...lights].find(({ start_ms: from, end_ms: to }) => at >= from && at < to) ?? null;
  }

  #show(part) {
    const stage = by("challenge");
    stage.classList.toggle("colours", Boolean(part?.colour));
    if (part?.colour) stage.style.backgroundColor = `rgb(${part.colour.join(" ")})`;
    else stage.style.removeProperty("background-color");
    if (part?.colour) document.body.dataset.colour = part.colour.join(",");
    else delete document.body.dataset.colour;
    const action = part?.action ?? (part ? "watch_colours" : "look_straight");
    if (!(part?.colour && this.now?.colour)) this.#ask(action, `hint.${action}`);
    this.heed({ done: 0 });
  }

  #ask(action, key) {
    document.body.dataset.action = action;
    words.put(by("asked"), key);
    by("arrow-use").setAttribute("href", action === "watch_colours" ? "#i-colours" : `#i-${action}`);
    announce(by("asked").textContent);
  }

  /** One picture of the camera: sent if it is the nearest to a moment asked for, or a tenth of a second is over. */
  #film() {
    const at = performance.now() - this.began;
    if (at > this.challenge.duration_ms + EVERY_MS) return;
    const asked = this.due.length && at >= this.due[0] - HALF_FRAME_MS;
    if (!asked && at < this.next - HALF_FRAME_MS) return;
    while (this.due.length && at >= this.due[0] - HALF_FRAME_MS) this.due.shift();
    while (this.next <= at + HALF_FRAME_MS) this.next += EVERY_MS;
    const frame = { role: "liveness", kind: "still", number: this.camera.number, at: at * 1000 };
    this.link.show({ ...frame, jpeg: this.camera.take("still", true) });
  }
}
