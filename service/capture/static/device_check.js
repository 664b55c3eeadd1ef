// A check of the camera before the start: size, rate and light of its picture, which stays on this device.

import { byId } from "./dom.js";
import * as texts from "./texts.js";

const CHECKED_MS = 1500; // chosen by hand
const SMALLEST = [720, 1280]; // shorter and longer side of a still, pixels: docs/stream.md
const SLOWEST = 12; // pictures per second: a challenge needs ten
const [DARKEST, BRIGHTEST] = [35, 235]; // mean of the picture, 0 to 255; chosen by hand
const SIDE = 32; // of the small picture whose light is measured, pixels

/** Measure an open camera: `{verdict, width, height, rate}`; the verdict is `ok`, or what is wrong. */
export async function measure(camera) {
  let count = 0;
  const onFrame = () => (count += 1);
  camera.addEventListener("frame", onFrame);
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, CHECKED_MS));
  camera.removeEventListener("frame", onFrame);
  const rate = Math.round((10_000 * count) / (performance.now() - began)) / 10;
  const { width, height } = camera.size;
  return { verdict: judge(width, height, rate, light(camera)), width, height, rate };
}

function judge(width, height, rate, mean) {
  const sides = [width, height].sort((a, b) => a - b);
  if (sides.some((side, i) => side < SMALLEST[i])) return "small";
  if (rate < SLOWEST) return "slow";
  return mean < DARKEST ? "dark" : mean > BRIGHTEST ? "bright" : "ok";
}

function light({ video }) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: SIDE, height: SIDE });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(video, 0, 0, SIDE, SIDE);
  const { data } = pen.getImageData(0, 0, SIDE, SIDE);
  canvas.width = canvas.height = 1;
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
  return sum / (SIDE * SIDE);
}

export class DeviceCheck {
  /** `report(health)` tells the operators. */
  constructor(camera, report) {
    this.camera = camera;
    this.report = report;
    this.running = 0;
  }

  /** Show the picture and the verdict in the dialog `check`, and let one of several cameras be chosen. */
  async run(chosen) {
    const mine = ++this.running;
    const dialog = byId("check");
    if (!dialog.open) dialog.showModal();
    byId("check-title").focus();
    for (const part of ["verdict", "facts"]) texts.setText(byId(`check-${part}`), null);
    try {
      if (chosen !== undefined) this.camera.choose(chosen);
      await this.camera.open(this.camera.facing ?? "user");
      byId("check-video").srcObject = this.camera.video.srcObject;
      byId("check-video").play().catch(() => {});
      await this.#list();
      const found = await measure(this.camera);
      if (mine !== this.running) return;
      this.#show(found);
    } catch (error) {
      if (mine !== this.running) return;
      const kind = error.name === "NotAllowedError" ? "refused" : "missing";
      texts.setText(byId("check-verdict"), `${kind}.title`);
      this.report({ state: kind });
    }
  }

  /** Close the dialog and the camera. */
  close() {
    this.running += 1;
    byId("check-video").srcObject = null;
    this.camera.close();
  }

  #show({ verdict, width, height, rate }) {
    byId("check-verdict").className = verdict === "ok" ? "deleted" : "remark";
    texts.setText(byId("check-verdict"), `check.${verdict}`);
    texts.setText(byId("check-facts"), "check.facts", { width, height, rate });
    this.report({ state: verdict === "ok" ? "ok" : "poor", width, height, frames_per_s: rate });
  }

  async #list() {
    const devices = (await navigator.mediaDevices.enumerateDevices?.()) ?? [];
    const cameras = devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
    const options = cameras.map(({ deviceId, label }, i) => {
      const option = document.createElement("option");
      option.value = deviceId;
      option.textContent = label || texts.format("check.name", { number: i + 1 });
      option.selected = deviceId === this.camera.chosen;
      return option;
    });
    byId("check-camera").replaceChildren(...options);
    byId("check-choice").hidden = options.length < 2;
  }
}
