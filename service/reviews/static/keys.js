// The officer's key in this browser: made here, stored here, and not extractable. Pictures sealed to it are opened by
// HPKE (RFC 9180) in base mode: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.

import { bytes } from "/capture/static/base64url.js";
import { KeyStore } from "/kiosk/static/key_store.js";

const STORE = new KeyStore("idproof-review", "keys");
const CURVE = { name: "ECDH", namedCurve: "P-256" };
const POINT = 65; // bytes of an uncompressed point
const KEM = join(ascii("KEM"), Uint8Array.of(0x00, 0x10));
const SUITE = join(ascii("HPKE"), Uint8Array.of(0x00, 0x10, 0x00, 0x01, 0x00, 0x02));
const VERSION = ascii("HPKE-v1");
const PURPOSE = ascii("idproof review pictures 1\0");
const NONCE = 12; // bytes

/** Make a key of a client, in place of an earlier one; returns its public part. */
export async function make(client) {
  const pair = await crypto.subtle.generateKey(CURVE, false, ["deriveBits"]);
  const point = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  await STORE.put(client, { key: pair.privateKey, point });
  return point;
}

/** Store a key under the client's id, which is known once the service has answered. */
export async function rename(before, client) {
  await STORE.put(client, await STORE.get(before));
  await STORE.delete(before);
}

/** The key of a client {key, point}, or null. */
export function load(client) {
  return STORE.get(client);
}

/** The fingerprint of a public key, as the service computes it. */
export async function fingerprint(point) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", point));
  return hex(digest).slice(0, 32).match(/.{4}/g).join(" ");
}

/** Open sealed pictures {key, pictures}: role to bytes. Throws where anything was changed or is for somebody else. */
export async function open(own, verification, sealed) {
  const wrapped = bytes(sealed.key);
  const thumb = new Uint8Array(await crypto.subtle.digest("SHA-256", own.point));
  const info = join(PURPOSE, ascii(verification), Uint8Array.of(0), thumb);
  const raw = await unwrap(own, wrapped.slice(0, POINT), wrapped.slice(POINT), info);
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
  raw.fill(0);
  const opened = {};
  for (const [role, text] of Object.entries(sealed.pictures)) {
    const data = bytes(text);
    const way = { name: "AES-GCM", iv: data.slice(0, NONCE), additionalData: ascii(role) };
    opened[role] = new Uint8Array(await crypto.subtle.decrypt(way, key, data.slice(NONCE)));
  }
  return opened;
}

/** HPKE's single-shot open in base mode (RFC 9180, section 6.1), with empty additional data. */
async function unwrap(own, point, ciphertext, info) {
  const theirs = await crypto.subtle.importKey("raw", point, CURVE, false, []);
  const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, own.key, 256));
  const empty = new Uint8Array(0);
  const secret = await derive(empty, KEM, "eae_prk", shared, "shared_secret", join(point, own.point), 32);
  const context = join(Uint8Array.of(0), await extract("psk_id_hash", empty), await extract("info_hash", info));
  const key = await derive(secret, SUITE, "secret", empty, "key", context, 32);
  const nonce = await derive(secret, SUITE, "secret", empty, "base_nonce", context, NONCE);
  const cipher = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce }, cipher, ciphertext));
}

/** LabeledExtract followed by LabeledExpand (RFC 9180, section 4), which together are HKDF (RFC 5869). */
async function derive(salt, suite, extracted, material, expanded, info, length) {
  const key = await crypto.subtle.importKey("raw", join(VERSION, suite, ascii(extracted), material), "HKDF", false, ["deriveBits"]);
  const about = join(Uint8Array.of(length >> 8, length & 255), VERSION, suite, ascii(expanded), info);
  const way = { name: "HKDF", hash: "SHA-256", salt, info: about };
  return new Uint8Array(await crypto.subtle.deriveBits(way, key, length * 8));
}

/** LabeledExtract without salt: HMAC under a key of zeros (RFC 5869, section 2.2). */
async function extract(label, material) {
  const key = await crypto.subtle.importKey("raw", new Uint8Array(32), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, join(VERSION, SUITE, ascii(label), material)));
}

function ascii(text) {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

function hex(data) {
  return [...data].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
