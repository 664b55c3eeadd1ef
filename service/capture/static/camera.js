// The camera, and its pictures as JPEG bytes. Pictures are in memory only, and dropped once they were sent.

const REQUESTED = { width: { ideal: 1920, min: 640 }, height: { ideal: 1080, min: 480 }, frameRate: { ideal: 30 } };
const QUALITY = { preview: 0.8, still: 0.95 }; // of the JPEG, 0 to 1; chosen by hand
const PREVIEW_WIDTH = 480; // docs/stream.md
const LIVENESS_WIDTH = 480; // docs/stream.md
const UPRIGHT = 3 / 4; // width by height of liveness frames: docs/stream.md

/** Dispatches `frame` for each new picture, and `lost` when the camera was unplugged or withdrawn. */
export class Camera extends EventTarget {
  constructor(video) {
    super();
    this.video = video;
    this.canvas = document.createElement("canvas");
    this.number = 0;
    this.closed = 0; // how often `close` was called
    this.chosen = null; // id of the camera that was chosen in the device check; kept in memory only
  }

  /** Use this camera from the next opening on, in place of the browser's choice. */
  choose(id) {
    if (id === this.chosen) return;
    this.chosen = id || null;
    this.close();
  }

  /**
   * Open the camera that looks at the applicant ("user") or away from the screen ("environment"), if there are two.
   * Rejects with an AbortError if it was closed before the browser had opened it.
   */
  async open(facing) {
    if (this.live && this.facing === facing) return;
    this.close();
    const { closed } = this;
    const began = performance.now();
    const wanted = this.chosen ? { deviceId: { exact: this.chosen } } : { facingMode: { ideal: facing } };
    const video = { ...REQUESTED, ...wanted };
    const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    if (closed !== this.closed) {
      for (const track of stream.getTracks()) track.stop();
      throw new DOMException("The camera was closed before it was open", "AbortError");
    }
    this.facing = facing;
    [this.track] = stream.getVideoTracks();
    this.track.addEventListener("ended", () => this.dispatchEvent(new Event("lost")), { once: true });
    this.video.srcObject = stream;
    await this.video.play();
    this.openMs = performance.now() - began;
    this.#adjust();
    this.#countFrames(this.track);
  }

  /** True if the camera has a lamp that the page may switch. */
  get hasTorch() {
    return this.live && this.track.getCapabilities?.().torch === true;
  }

  /** Switch the camera's lamp. */
  async setTorch(on) {
    await this.track?.applyConstraints({ advanced: [{ torch: on }] }).catch(() => {});
  }

  /** Let the camera follow distance and light by itself, where the browser has a say in that. */
  #adjust() {
    const able = this.track.getCapabilities?.() ?? {};
    const modes = ["focusMode", "exposureMode", "whiteBalanceMode"].filter((mode) => able[mode]?.includes?.("continuous"));
    const wanted = modes.map((mode) => ({ [mode]: "continuous" }));
    if (wanted.length) this.track.applyConstraints({ advanced: wanted }).catch(() => {});
  }

  get live() {
    return this.track?.readyState === "live";
  }

  /** True where the page shows the picture as a mirror would. */
  get mirrored() {
    return this.track?.getSettings().facingMode !== "environment";
  }

  get size() {
    return { width: this.video.videoWidth, height: this.video.videoHeight };
  }

  /** The camera's settings, which the server may compare with the frames that arrive. */
  get report() {
    const { width, height, frameRate } = this.track.getSettings();
    const reported = [width ?? 0, height ?? 0, Math.round(frameRate ?? 0)];
    return { requested: [REQUESTED.width.ideal, REQUESTED.height.ideal, 30], reported, open_ms: Math.round(this.openMs) };
  }

  /** The area of the picture that is shown and sent: all of it, or for liveness its upright middle. */
  area(upright) {
    const { width, height } = this.size;
    if (!upright || width <= height * UPRIGHT) return { x: 0, y: 0, width, height };
    const middle = Math.round(height * UPRIGHT);
    return { x: Math.round((width - middle) / 2), y: 0, width: middle, height };
  }

  /** The current picture as JPEG bytes. */
  async capture(kind, upright) {
    const area = this.area(upright);
    const limit = upright ? LIVENESS_WIDTH : kind === "preview" ? PREVIEW_WIDTH : area.width;
    const scale = Math.min(1, limit / area.width);
    this.canvas.width = Math.round(area.width * scale);
    this.canvas.height = Math.round(area.height * scale);
    const context = this.canvas.getContext("2d", { alpha: false });
    const { width, height } = this.canvas;
    context.drawImage(this.video, area.x, area.y, area.width, area.height, 0, 0, width, height);
    const blob = await new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY[kind]));
    return new Uint8Array(await blob.arrayBuffer());
  }

  /** Stop the camera, and leave no picture on the page. */
  close() {
    this.closed += 1;
    const track = this.track;
    this.track = null;
    track?.stop();
    this.video.srcObject = null;
    this.canvas.width = this.canvas.height = 1;
  }

  #countFrames(track) {
    const onFrame = (_, frame) => {
      if (this.track !== track) return;
      this.number = frame.presentedFrames;
      this.dispatchEvent(new Event("frame"));
      this.video.requestVideoFrameCallback(onFrame);
    };
    this.video.requestVideoFrameCallback(onFrame);
  }
}
