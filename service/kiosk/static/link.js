// The connection: handshake, messages in and out, and back again after a cut.

import { Chain, PROTOCOL, proofs } from "./chain.js";
import { bytes, text } from "./key.js";

const AGAIN_MS = 2000;
const SILENT_MS = 10_000; // frames go out and nothing comes back: the line is cut though nobody said so
const CONGESTED_BYTES = 400_000;
const FINAL = new Set(["device_unauthenticated", "device_revoked", "subprotocol_missing", "message_invalid"]);

/** Raises `message` (detail: the server's message), `up`, `down`, and `refused` (detail: code) when trying is no use. */
export class Link extends EventTarget {
  constructor(device, address) {
    super();
    this.device = device;
    this.address = address;
    this.session = null; // id of the session to be resumed
    this.chain = null;
    this.ready = false;
    this.queue = Promise.resolve();
    this.epoch = 0;
    this.watching = setInterval(() => this.#watch(), 1000);
  }

  open() {
    const epoch = ++this.epoch;
    const socket = new WebSocket(this.address, PROTOCOL);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.heard = this.sent = performance.now();
    socket.onmessage = (event) => epoch === this.epoch && this.#hear(JSON.parse(event.data), epoch);
    socket.onclose = (event) => epoch === this.epoch && this.#lost(event.reason);
  }

  /** Send one message; false when the line is down. */
  say(message) {
    if (!this.ready) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** Whether a small picture would only wait in line. */
  get congested() {
    return !this.ready || !this.chain || this.socket.bufferedAmount > CONGESTED_BYTES;
  }

  /** Send a frame of the session; gives its sequence number, 0 when it could not go. Frames are sealed one after another, in the order they
   * were taken, also where their JPEG is still being made. */
  show(frame) {
    const { epoch, chain } = this;
    const sending = this.queue.then(async () => {
      if (epoch !== this.epoch || !this.ready || chain !== this.chain || !chain) return 0;
      const jpeg = await frame.jpeg;
      const sequence = chain.next;
      const sealed = await chain.seal({ ...frame, jpeg });
      if (epoch !== this.epoch || chain !== this.chain) return 0;
      this.socket.send(sealed);
      this.sent = performance.now();
      return sequence;
    });
    this.queue = sending.catch(() => 0);
    return sending;
  }

  /** Close for good. */
  end() {
    clearInterval(this.watching);
    clearTimeout(this.trying);
    this.epoch += 1;
    this.ready = false;
    this.socket.close();
  }

  /** Leave the session: nothing of it is tried again. */
  drop() {
    this.session = this.chain = null;
  }

  async #hear(message, epoch) {
    this.heard = performance.now();
    if (message.type === "hello") return this.#prove(message, epoch);
    if (message.type === "welcome") return this.#welcomed(message);
    if (message.type === "session") {
      this.session = message.id;
      this.chain = await Chain.begin(this.device.key, message);
    }
    if (message.type === "error" && FINAL.has(message.code)) this.final = message.code;
    this.#raise("message", message);
    return undefined;
  }

  async #prove(hello, epoch) {
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    const proof = await proofs(this.device.key, bytes(hello.challenge), nonce);
    if (epoch !== this.epoch) return;
    this.expected = proof.server;
    const auth = { type: "auth", device: this.device.id, nonce: text(nonce), proof: proof.device };
    this.socket.send(JSON.stringify(auth));
  }

  #welcomed(message) {
    if (message.proof !== this.expected) {
      this.final = "server_unproved";
      this.socket.close();
      return;
    }
    this.ready = true;
    this.limits = message.limits;
    this.#raise("up");
    if (this.session) this.say({ type: "resume", session: this.session });
  }

  #lost(reason) {
    const wasReady = this.ready;
    this.epoch += 1;
    this.ready = false;
    this.chain = null;
    const code = this.final ?? (FINAL.has(reason) ? reason : null);
    if (code) {
      this.#raise("refused", code);
      return;
    }
    this.#raise("down", { reason, was: wasReady });
    this.trying = setTimeout(() => this.open(), AGAIN_MS);
  }

  #watch() {
    const waiting = this.ready && this.chain && this.sent > this.heard;
    if (!waiting || performance.now() - this.heard < SILENT_MS) return;
    this.socket.close();
    this.#lost("silent");
  }

  #raise(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
