// Facts that the component shares with the server: the generated file is consistent, and codes, hints and stages that the
// component names are the server's.

import assert from "node:assert/strict";
import { test } from "node:test";

import { FINAL } from "../static/connection.js";
import { CAPTURING, CLOSES, EVENTS, HINTS, ROLES, STAGES, STATES, STAYS, TRANSITIONS } from "../static/protocol.js";
import english from "../static/texts/en.js";
import simplified from "../static/texts/zh-Hans.js";
import traditional from "../static/texts/zh-Hant.js";

// Modules of the page ask for these when they are loaded.
globalThis.document = {};
globalThis.matchMedia = () => ({ matches: false });
const messages = await import("../static/server_messages.js");
const { PASSKEY_CODES } = await import("../static/passkey.js");
const { PERMIT_CODES } = await import("../static/permit.js");
const { WALLET_CODES } = await import("../static/wallet.js");

test("every transition leads from a state to states, by an event", () => {
  assert.deepEqual(Object.keys(TRANSITIONS).sort(), [...STATES].sort());
  for (const [state, of] of Object.entries(TRANSITIONS)) {
    for (const [event, following] of Object.entries(of)) {
      assert.ok(EVENTS.includes(event), event);
      for (const next of following) assert.ok(STATES.includes(next), `${state} ${event} ${next}`);
    }
  }
});

test("every state is reached from the first one, and only the end leads nowhere", () => {
  const reached = new Set(["card"]);
  for (const state of reached) for (const following of Object.values(TRANSITIONS[state])) following.forEach((next) => reached.add(next));
  assert.deepEqual([...reached].sort(), [...STATES].sort());
  assert.deepEqual(STATES.filter((state) => Object.keys(TRANSITIONS[state]).length === 0), ["ended"]);
});

test("an applicant can stop in every state before the verdict is being stored", () => {
  for (const state of [...CAPTURING, "queued", "verifying"]) assert.deepEqual(TRANSITIONS[state].stop, ["ended"], state);
});

test("codes after which no other connection is tried are codes that close one", () => {
  for (const code of FINAL) assert.ok(code in CLOSES, code);
  for (const code of STAYS) assert.ok(!(code in CLOSES), code);
});

test("codes that the component treats apart are codes after which the connection goes on", () => {
  const { FINAL_CODES, HARMLESS_CODES, OVER_CODES } = messages;
  for (const codes of [FINAL_CODES, HARMLESS_CODES, OVER_CODES, PASSKEY_CODES, PERMIT_CODES, WALLET_CODES]) {
    for (const code of codes) assert.ok(STAYS.includes(code), code);
  }
});

test("every hint and every stage with frames has a sentence in each language", () => {
  for (const table of [english, traditional, simplified]) {
    for (const hint of HINTS) assert.ok(`hint.${hint}` in table, hint);
    for (const stage of Object.keys(ROLES)) assert.ok(`stage.${stage}` in table, stage);
  }
  for (const stage of Object.keys(ROLES)) assert.ok(STAGES.includes(stage), stage);
});
