// Frames of the card and the selfie: ten previews per second, and a still whenever the server asks for one.

const INTERVAL_MS = 100; // ten frames per second: docs/stream.md
const STILL_LOST_MS = 3000; // after which a still without guidance counts as lost; chosen by hand

export class FrameSender {
  camera;
  connection;
  startedAt;

  constructor(camera, connection) {
    Object.assign(this, { camera, connection, stage: null, want: "preview", still: null, busy: false, startedAt: 0 });
    this.timer = setInterval(() => this.#tick(), INTERVAL_MS);
  }

  /** Send nothing any more: the component is gone. */
  close() {
    clearInterval(this.timer);
  }

  /** Send frames of a stage. */
  begin(stage) {
    Object.assign(this, { stage, want: "preview", still: null });
  }

  pause() {
    this.stage = null;
  }

  /** Take the newest guidance into account. */
  update({ seq, want }) {
    this.want = want;
    if (this.still && seq >= this.still.sequence) this.still = null;
  }

  async #tick() {
    if (this.still && performance.now() - this.still.at > STILL_LOST_MS) this.still = null;
    if (!this.stage || this.busy || this.want === "none" || !this.camera.size.width || this.connection.congested) return;
    const kind = this.want === "still" && !this.still ? "still" : "preview";
    this.busy = true;
    try {
      await this.#send(kind);
    } finally {
      this.busy = false;
    }
  }

  async #send(kind) {
    const at = performance.now();
    const { number } = this.camera;
    if (kind === "still") this.still = { sequence: Infinity, at };
    const jpeg = this.camera.capture(kind, false);
    const sequence = await this.connection.sendFrame({ role: this.stage, kind, number, at: (at - this.startedAt) * 1000, jpeg });
    if (kind === "still" && this.still) this.still.sequence = sequence || 0;
  }
}
