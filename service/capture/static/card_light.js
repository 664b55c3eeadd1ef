// Colours of the two halves of the screen that light the card, exactly as the server drew them: docs/card_light.md.

import { all, byId, page } from "./dom.js";
import * as texts from "./texts.js";
import { tell } from "./view.js";

export class CardLight {
  camera;

  constructor(camera) {
    Object.assign(this, { camera, light: null });
  }

  /** Show the colours from the screen's next picture on; `began` is called with that moment. */
  play(light, began) {
    this.stop();
    this.light = light;
    const video = byId("lit-video");
    video.srcObject = this.camera.video.srcObject;
    video.play().catch(() => {});
    byId("lit-finder").classList.toggle("mirrored", this.camera.mirrored);
    texts.setText(byId("lit-asked"), "hint.hold_for_colours");
    tell("hint.hold_for_colours", { now: true });
    byId("card-light").hidden = false;
    for (const part of all(".top, main, .foot")) part.inert = true;
    byId("lit-asked").focus();
    this.painting = requestAnimationFrame((at) => {
      this.startedAt = at;
      began(at);
      this.#advance(at);
    });
  }

  stop() {
    if (!this.light) return;
    this.light = null;
    cancelAnimationFrame(this.painting);
    byId("lit-video").srcObject = null;
    byId("card-light").hidden = true;
    byId("card-light").style.removeProperty("background-image");
    delete page().dataset.halves;
    for (const part of all(".top, main, .foot")) part.inert = false;
  }

  #advance(now) {
    if (!this.light) return;
    const at = Math.max(0, now - this.startedAt);
    if (at >= this.light.duration_ms) {
      this.stop();
      return;
    }
    this.#show(this.light.lights.find(({ start_ms: from, end_ms: to }) => at >= from && at < to));
    this.painting = requestAnimationFrame((next) => this.#advance(next));
  }

  #show({ left, right }) {
    const halves = [left, right].map((colour) => `rgb(${colour.join(" ")})`);
    if (page().dataset.halves === halves.join("|")) return;
    page().dataset.halves = halves.join("|");
    byId("card-light").style.backgroundImage = `linear-gradient(to right, ${halves[0]} 50%, ${halves[1]} 50%)`;
  }
}
