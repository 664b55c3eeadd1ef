// Base64url without padding (RFC 4648, section 5): keys, challenges and ciphertexts in JSON.

/** Bytes of base64url without padding. */
export function bytes(encoded) {
  const plain = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

/** Base64url without padding of bytes. */
export function text(data) {
  const plain = btoa(String.fromCharCode(...data));
  return plain.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
