// The device's key: pasted once by an operator, stored by the browser as a key that no script can extract.

const DATABASE = "idproof-kiosk";
const STORE = "device";
const PATTERN = /^idpd_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

/** The device {id, key} of this browser, or null. */
export async function load() {
  return (await transact("readonly", (store) => store.get("own"))) ?? null;
}

/** Store a device key as `idproof kiosk enroll` printed it; null if it is none. */
export async function enrol(pasted) {
  const found = PATTERN.exec(pasted.trim());
  if (!found) return null;
  const secret = bytes(found[2]);
  const key = await hmacKey(secret);
  secret.fill(0);
  const device = { id: found[1], key };
  await transact("readwrite", (store) => store.put(device, "own"));
  return device;
}

/** Forget this browser's key. */
export async function forget() {
  await transact("readwrite", (store) => store.delete("own"));
}

/** An HMAC-SHA-256 key from bytes, which cannot be extracted. */
export function hmacKey(secret) {
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

/** Bytes of base64url without padding. */
export function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

/** Base64url without padding of bytes. */
export function text(data) {
  const plain = btoa(String.fromCharCode(...data));
  return plain.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function transact(mode, work) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => {
        opening.result.close();
        resolve(request.result);
      };
      transaction.onabort = () => reject(transaction.error);
    };
  });
}
