// The connection to the server: handshake, messages, frames, and reconnection after a loss.

import { bytes, text } from "./base64url.js";
import { boundKey, Chain, proofs } from "./chain.js";
import { PROTOCOL } from "./protocol.js";

const RECONNECT_MS = 2000; // docs/stream.md
const SILENT_MS = 10_000; // frames are sent and nothing arrives: the connection is lost; below the server's 12 s
const CONGESTED_BYTES = 400_000; // three previews of the largest size; chosen by hand
/** Codes after which another connection would be refused as well. */
export const FINAL = new Set(["device_unauthenticated", "device_revoked", "subprotocol_missing", "message_invalid"]);

/** Dispatches `message` (detail: a message of the server that belongs to this page's session, or to none), `up`, `down`,
 * and `refused` (detail: code) if retrying is useless. */
export class Connection extends EventTarget {
  /** `device` is `{id, key}`, of a capture token with `token: true`. */
  constructor(device, address) {
    super();
    this.device = device;
    this.address = address;
    this.session = null; // id of the session to be resumed
    this.concluded = null; // id of the session whose result is on the screen
    this.starting = false; // `start` was sent and not answered
    this.stopped = new Set(); // ids of sessions that were stopped while there was no connection
    this.chain = null;
    this.ready = false;
    this.queue = Promise.resolve();
    this.received = Promise.resolve();
    this.epoch = 0;
    this.silenceTimer = setInterval(() => this.#checkSilence(), 1000);
  }

  /** True on a page of the service itself: passkeys of others' pages are none of the service's. */
  get ofThisSite() {
    return new URL(this.address).host === location.host;
  }

  open() {
    const epoch = ++this.epoch;
    const socket = new WebSocket(this.address, PROTOCOL);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.receivedAt = this.sentAt = performance.now();
    socket.onmessage = (event) => {
      this.received = this.received.then(() => this.#receive(JSON.parse(event.data), epoch)).catch(reportError);
    };
    socket.onclose = (event) => epoch === this.epoch && this.#disconnected(event.reason);
  }

  /** Send one message; false without a connection. */
  send(message) {
    if (!this.ready) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** Send `start`; false without a connection. */
  start(message) {
    this.starting = this.send(message);
    return this.starting;
  }

  /** True while a preview would only wait. */
  get congested() {
    return !this.ready || !this.chain || this.socket.bufferedAmount > CONGESTED_BYTES;
  }

  /** Send a frame of the session; resolves to its sequence number, 0 if it could not be sent. Frames are sealed in the
   * order in which they were captured, also if their JPEG is not ready yet. */
  sendFrame(frame) {
    const { epoch, chain } = this;
    const sending = this.queue.then(async () => {
      if (epoch !== this.epoch || !this.ready || chain !== this.chain || !chain) return 0;
      const jpeg = await frame.jpeg;
      const sequence = chain.next;
      const sealed = await chain.seal({ ...frame, jpeg });
      if (epoch !== this.epoch || chain !== this.chain) return 0;
      this.socket.send(sealed);
      this.sentAt = performance.now();
      return sequence;
    });
    this.queue = sending.catch(() => 0);
    return sending;
  }

  /** Close, without reconnection; the server ends a session of it. */
  close() {
    clearInterval(this.silenceTimer);
    clearTimeout(this.reconnectTimer);
    this.epoch += 1;
    this.ready = false;
    this.socket.close(1000);
  }

  /** Leave the session: it is not resumed, and nothing of it is dispatched any more. */
  leaveSession() {
    const { starting } = this;
    this.session = this.chain = null;
    this.starting = false;
    if (starting) this.restart(); // the session that may be opening belongs to nobody
  }

  /** Stop the session when there is a connection again. */
  stopLater() {
    this.stopped.add(this.session);
  }

  /** Leave the connection in an orderly way, so that the server ends a session of it, and open another one. */
  restart() {
    this.epoch += 1;
    this.ready = false;
    this.chain = null;
    this.socket.close(1000);
    clearTimeout(this.reconnectTimer);
    this.reconnectTimer = setTimeout(() => this.open(), RECONNECT_MS);
  }

  async #receive(message, epoch) {
    if (epoch !== this.epoch) return;
    this.receivedAt = performance.now();
    if (message.type === "hello") await this.#prove(message, epoch);
    else if (message.type === "welcome") this.#acceptWelcome(message);
    else if (this.#isOurs(message)) {
      if (message.type === "session") await this.#adopt(message);
      else if (message.type === "error") this.#noteError(message);
      if (epoch === this.epoch) this.#dispatch("message", message);
    }
  }

  /** True if a message is about this page's session or about none, and not about an earlier applicant's session. */
  #isOurs(message) {
    if (message.type === "session") return message.resumed ? message.id === this.session : this.starting;
    if (message.session) return [this.session, this.concluded].includes(message.session);
    return message.type !== "error" || message.fatal || this.starting || this.session !== null;
  }

  async #adopt(message) {
    this.session = message.id;
    this.starting = false;
    this.chain = await Chain.begin(this.key, message);
  }

  #noteError({ code, session }) {
    if (FINAL.has(code)) this.final = code;
    if (!session) this.starting = false;
  }

  async #prove(hello, epoch) {
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    const proof = await proofs(this.device.key, bytes(hello.challenge), nonce);
    if (epoch !== this.epoch) return;
    this.expected = new Map([[proof.server, this.device.key]]);
    const plain = { type: "auth", device: this.device.id, nonce: text(nonce), proof: proof.device };
    const auth = this.device.token ? await this.#proveToken(hello, nonce, proof) : plain;
    if (epoch === this.epoch) this.socket.send(JSON.stringify(auth));
  }

  /** A token's first handshake binds it to this page: each later one also proves the key that followed from it. After
   * one that was not answered, nobody knows whether it did: the answer shows which key counts. */
  async #proveToken(hello, nonce, proof) {
    const challenge = bytes(hello.challenge);
    const fresh = await boundKey(this.device.key, challenge, nonce);
    const auth = { type: "auth_token", token: this.device.id, nonce: text(nonce), proof: proof.device };
    this.expected = new Map();
    for (const key of [this.bound, fresh]) {
      if (!key) continue;
      const own = await proofs(key, challenge, nonce);
      this.expected.set(own.server, key);
      if (key === this.bound) auth.bound = own.device;
    }
    this.bound ??= fresh;
    return auth;
  }

  #acceptWelcome(message) {
    const key = this.expected.get(message.proof);
    if (!key) {
      this.final = "server_unproved";
      this.socket.close();
      return;
    }
    if (this.device.token) this.bound = key;
    this.key = key;
    this.ready = true;
    this.welcome = message;
    this.limits = message.limits;
    this.guardians = message.guardians === true;
    this.comparison = message.comparison ?? null; // of a telephone that waits until the other screen has confirmed it
    this.requestedBy = message.requested_by ?? null; // of a telephone: origin of the page that handed its session off
    this.mayHandOff = message.hand_off === true;
    for (const session of this.stopped) this.send({ type: "cancel", session });
    this.stopped.clear();
    this.#dispatch("up");
    if (this.session) this.send({ type: "resume", session: this.session });
  }

  #disconnected(reason) {
    const { ready: wasReady, starting } = this;
    this.epoch += 1;
    this.ready = this.starting = false;
    this.chain = null;
    const code = this.final ?? (FINAL.has(reason) ? reason : null);
    if (code) {
      this.#dispatch("refused", code);
      return;
    }
    this.#dispatch("down", { reason, was: wasReady, starting });
    this.reconnectTimer = setTimeout(() => this.open(), RECONNECT_MS);
  }

  #checkSilence() {
    const waiting = this.ready && this.chain && this.sentAt > this.receivedAt;
    if (!waiting || performance.now() - this.receivedAt < SILENT_MS) return;
    this.socket.close();
    this.#disconnected("silent");
  }

  #dispatch(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
