// The computations of the protocol, held to the published vectors.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { bytes, text } from "../static/base64url.js";
import { boundKey, Chain, hmacKey, proofs } from "../static/chain.js";

const vectors = JSON.parse(readFileSync(new URL("../../../docs/stream-vectors.json", import.meta.url), "utf8"));
const hex = (data) => Buffer.from(data).toString("hex");
const key = () => hmacKey(bytes(vectors.device.key.split("_").at(-1)));

test("base64url keeps every byte", () => {
  const data = Uint8Array.from({ length: 256 }, (_, at) => at);
  assert.deepEqual(bytes(text(data)), data);
});

test("proofs are those of the vectors", async () => {
  const { challenge, nonce, device_proof, server_proof } = vectors.handshake;
  assert.deepEqual(await proofs(await key(), bytes(challenge), bytes(nonce)), { device: device_proof, server: server_proof });
});

test("the chain seals frames as the vectors have them", async () => {
  const chain = await Chain.begin(await key(), { nonce: vectors.session.nonce, next: 1, chain: vectors.session.chain_0 });
  for (const frame of vectors.frames) {
    const sealed = await chain.seal({ ...frame, at: frame.captured_us, jpeg: new Uint8Array(Buffer.from(frame.jpeg_hex, "hex")) });
    assert.equal(hex(sealed), frame.header_hex + frame.tag_hex + frame.jpeg_hex);
  }
});

test("the key of a token's first handshake is that of the vectors", async () => {
  const { challenge, nonce, bound_device_proof } = vectors.token;
  const bound = await boundKey(await key(), bytes(challenge), bytes(nonce));
  assert.equal((await proofs(bound, bytes(challenge), bytes(nonce))).device, bound_device_proof);
  await assert.rejects(crypto.subtle.exportKey("raw", bound));
});
