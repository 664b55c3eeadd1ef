// Pictures of the card and the selfie: small ones ten times a second, a full one at the moment the server asks for it.

const EVERY_MS = 100;
const STILL_MS = 3000; // after which a full picture is taken to be lost

export class Taking {
  constructor(camera, link) {
    Object.assign(this, { camera, link, stage: null, want: "preview", still: null, busy: false, began: 0 });
    setInterval(() => this.#tick(), EVERY_MS);
  }

  /** Take pictures for a stage. */
  begin(stage) {
    Object.assign(this, { stage, want: "preview", still: null });
  }

  pause() {
    this.stage = null;
  }

  /** What the server wants after what it saw. */
  heed({ seq, want }) {
    this.want = want;
    if (this.still && seq >= this.still.sequence) this.still = null;
  }

  async #tick() {
    if (this.still && performance.now() - this.still.at > STILL_MS) this.still = null;
    if (!this.stage || this.busy || this.want === "none" || !this.camera.size.width || this.link.congested) return;
    const kind = this.want === "still" && !this.still ? "still" : "preview";
    this.busy = true;
    try {
      await this.#take(kind);
    } finally {
      this.busy = false;
    }
  }

  async #take(kind) {
    const at = performance.now();
    const { number } = this.camera;
    if (kind === "still") this.still = { sequence: Infinity, at };
    const jpeg = this.camera.take(kind, false);
    const sequence = await this.link.show({ role: this.stage, kind, number, at: (at - this.began) * 1000, jpeg });
    if (kind === "still" && this.still) this.still.sequence = sequence || 0;
  }
}
