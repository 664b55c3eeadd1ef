// The device's key: pasted once by an operator, stored by the browser as a key that no script can extract.

import { bytes } from "/capture/static/base64url.js";
import { hmacKey } from "/capture/static/chain.js";
import { KeyStore } from "./key_store.js";

const STORE = new KeyStore("idproof-kiosk", "device");
const OWN = "own";
const PATTERN = /^idpd_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

/** The device {id, key} of this browser, or null. */
export function load() {
  return STORE.get(OWN);
}

/** Store a device key as `idproof kiosk enroll` printed it; null if it is none. */
export async function enrol(pasted) {
  const found = PATTERN.exec(pasted.trim());
  if (!found) return null;
  const secret = bytes(found[2]);
  const key = await hmacKey(secret);
  secret.fill(0);
  const device = { id: found[1], key };
  await STORE.put(OWN, device);
  return device;
}

/** Forget this browser's key. */
export function forget() {
  return STORE.delete(OWN);
}
