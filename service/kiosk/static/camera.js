// The camera: opened, watched, and turned into JPEG bytes. Pictures are in memory only, and gone when they were sent.

const WANTED = { width: { ideal: 1920, min: 640 }, height: { ideal: 1080, min: 480 }, frameRate: { ideal: 30 } };
const QUALITY = { preview: 0.8, still: 0.95 };
const PREVIEW_WIDTH = 480;
const LIVENESS_WIDTH = 480;
const UPRIGHT = 3 / 4;

/** Raises `frame` for each new picture of the camera, and `lost` when it was unplugged or taken away. */
export class Camera extends EventTarget {
  constructor(video) {
    super();
    this.video = video;
    this.canvas = document.createElement("canvas");
    this.number = 0;
  }

  /** Open the camera that looks at the applicant ("user") or away from the screen ("environment"), if there are two. */
  async open(facing) {
    if (this.live && this.facing === facing) return;
    this.close();
    const began = performance.now();
    const video = { ...WANTED, facingMode: { ideal: facing } };
    const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    this.facing = facing;
    [this.track] = stream.getVideoTracks();
    this.track.addEventListener("ended", () => this.dispatchEvent(new Event("lost")), { once: true });
    this.video.srcObject = stream;
    await this.video.play();
    this.opened = performance.now() - began;
    this.#count(this.track);
  }

  get live() {
    return this.track?.readyState === "live";
  }

  /** Whether the picture is to be shown as a mirror would show it. */
  get mirrored() {
    return this.track?.getSettings().facingMode !== "environment";
  }

  get size() {
    return { width: this.video.videoWidth, height: this.video.videoHeight };
  }

  /** What the server may compare with the frames that arrive. */
  get report() {
    const { width, height, frameRate } = this.track.getSettings();
    const reported = [width ?? 0, height ?? 0, Math.round(frameRate ?? 0)];
    return { requested: [WANTED.width.ideal, WANTED.height.ideal, 30], reported, open_ms: Math.round(this.opened) };
  }

  /** The part of the picture that is shown and sent: all of it, or for liveness its upright middle. */
  part(upright) {
    const { width, height } = this.size;
    if (!upright || width <= height * UPRIGHT) return { x: 0, y: 0, width, height };
    const middle = Math.round(height * UPRIGHT);
    return { x: Math.round((width - middle) / 2), y: 0, width: middle, height };
  }

  /** One picture as JPEG bytes. */
  async take(kind, upright) {
    const part = this.part(upright);
    const limit = upright ? LIVENESS_WIDTH : kind === "preview" ? PREVIEW_WIDTH : part.width;
    const scale = Math.min(1, limit / part.width);
    this.canvas.width = Math.round(part.width * scale);
    this.canvas.height = Math.round(part.height * scale);
    const pen = this.canvas.getContext("2d", { alpha: false });
    const { width, height } = this.canvas;
    pen.drawImage(this.video, part.x, part.y, part.width, part.height, 0, 0, width, height);
    const blob = await new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY[kind]));
    return new Uint8Array(await blob.arrayBuffer());
  }

  /** Stop, and leave no picture on the page. */
  close() {
    const track = this.track;
    this.track = null;
    track?.stop();
    this.video.srcObject = null;
    this.canvas.width = this.canvas.height = 1;
  }

  #count(track) {
    const seen = (_, frame) => {
      if (this.track !== track) return;
      this.number = frame.presentedFrames;
      this.dispatchEvent(new Event("frame"));
      this.video.requestVideoFrameCallback(seen);
    };
    this.video.requestVideoFrameCallback(seen);
  }
}
