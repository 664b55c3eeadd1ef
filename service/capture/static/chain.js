// Cryptography of idproof.capture.v1: proofs of the handshake, and the chain of tags over frames (docs/stream.md).

import { bytes, text } from "./base64url.js";
import { PROTOCOL, ROLES } from "./protocol.js";

const KINDS = { preview: 0, still: 1 };
const HEADER = 64;

/** An HMAC-SHA-256 key from bytes, which cannot be extracted. */
export function hmacKey(secret) {
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

/** The device's proof for a challenge and its own nonce, and the proof that the server must answer with. */
export async function proofs(key, challenge, nonce) {
  const device = await sign(key, label("device"), challenge, nonce);
  const server = await sign(key, label("server"), nonce, challenge);
  return { device: text(device), server: text(server) };
}

/** The key that follows from a capture token's key and the handshake that used it first. */
export async function boundKey(key, challenge, nonce) {
  return hmacKey(await sign(key, label("bound"), await digest(join(nonce, challenge))));
}

/** The chain of one session. Seal one frame at a time: each tag depends on the one before. */
export class Chain {
  mark;
  key;
  next;

  /** The chain as the server's `session` describes it: new, or resumed where the last frame arrived. */
  static async begin(key, session) {
    const nonce = bytes(session.nonce);
    const made = new Chain();
    made.mark = (await digest(join(label("mark"), nonce))).slice(0, 8);
    made.key = await hmacKey(await sign(key, label("frames"), nonce));
    made.next = session.next;
    made.tag = bytes(session.chain);
    return made;
  }

  /** Header, tag and JPEG as one binary message; `frame` has role, kind, number, at (microseconds) and jpeg. */
  async seal(frame) {
    const head = this.head(frame);
    this.tag = await sign(this.key, this.tag, head, await digest(frame.jpeg));
    this.next += 1;
    return join(head, this.tag, frame.jpeg);
  }

  head({ role, kind, number, at }) {
    const head = new Uint8Array(HEADER / 2);
    const view = new DataView(head.buffer);
    head.set([0x49, 0x44, 0x50, 0x43, 1, ROLES[role], KINDS[kind], 0]);
    head.set(this.mark, 8);
    view.setUint32(16, this.next);
    view.setUint32(20, (number ?? this.next) >>> 0);
    view.setBigUint64(24, BigInt(Math.max(0, Math.round(at))));
    return head;
  }
}

function label(purpose) {
  return new TextEncoder().encode(`${PROTOCOL} ${purpose}\0`);
}

async function sign(key, ...parts) {
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, join(...parts)));
}

async function digest(data) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
