// States of the component's connection, before a server that a test plays.

import assert from "node:assert/strict";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { afterEach, mock, test } from "node:test";

import { bytes, text } from "../static/base64url.js";
import { hmacKey } from "../static/chain.js";
import { Connection } from "../static/connection.js";

const LABEL = "idproof.capture.v1 ";
const SECRET = Buffer.alloc(32, 7);
const SESSION = { type: "session", id: "cs_1", nonce: text(Buffer.alloc(32, 1)), next: 1, chain: text(Buffer.alloc(32, 2)) };
const mac = (key, purpose, ...parts) => createHmac("sha256", key).update(Buffer.concat([Buffer.from(`${LABEL}${purpose}\0`), ...parts])).digest();
let sockets = [];

class FakeSocket {
  constructor(address, protocol) {
    Object.assign(this, { address, protocol, sent: [], bufferedAmount: 0, closed: null });
    sockets.push(this);
  }

  send(message) {
    this.sent.push(typeof message === "string" ? JSON.parse(message) : message);
  }

  close(code) {
    this.closed = code ?? 1005;
  }

  /** The server says something, and the connection has taken it. */
  async say(message) {
    this.onmessage({ data: JSON.stringify(message) });
    await opened.at(-1).received;
  }

  /** The handshake, up to the page's answer; returns that, and the challenge. */
  async greet() {
    const challenge = randomBytes(32);
    await this.say({ type: "hello", challenge: text(challenge) });
    return { auth: this.sent.at(-1), challenge };
  }

  /** Welcome a page whose answer this was. */
  async welcome({ auth, challenge }, key = SECRET) {
    await this.say({ type: "welcome", proof: text(mac(key, "server", Buffer.from(bytes(auth.nonce)), challenge)), limits: {} });
  }
}

globalThis.reportError = (error) => {
  throw error;
};
globalThis.WebSocket = FakeSocket;
globalThis.location = { host: "shop.example" };
const opened = [];

async function open(token = false) {
  sockets = [];
  const connection = new Connection({ id: "0123456789abcdef", key: await hmacKey(SECRET), token }, "wss://register.example/v1/stream");
  const heard = [];
  for (const name of ["up", "down", "refused", "message"]) connection.addEventListener(name, ({ detail }) => heard.push([name, detail]));
  opened.push(connection);
  connection.open();
  return { connection, heard, names: () => heard.map(([name]) => name) };
}

const boundBy = ({ auth, challenge }) =>
  mac(SECRET, "bound", createHash("sha256").update(Buffer.concat([Buffer.from(bytes(auth.nonce)), challenge])).digest());

afterEach(() => {
  for (const connection of opened.splice(0)) connection.close();
  mock.timers.reset();
});

test("a device proves its key, and is up once the server has proved it, too", async () => {
  const { connection, names } = await open();
  assert.equal(connection.send({ type: "staff" }), false);
  const greeting = await sockets[0].greet();
  assert.equal(greeting.auth.type, "auth");
  assert.equal(greeting.auth.proof, text(mac(SECRET, "device", greeting.challenge, Buffer.from(bytes(greeting.auth.nonce)))));
  assert.equal(connection.ready, false);
  await sockets[0].welcome(greeting);
  assert.deepEqual(names(), ["up"]);
  assert.equal(connection.send({ type: "staff" }), true);
});

test("a server that cannot prove itself is sent nothing more", async () => {
  const { connection, heard } = await open();
  await sockets[0].welcome(await sockets[0].greet(), Buffer.alloc(32, 8));
  assert.equal(connection.ready, false);
  assert.equal(sockets[0].closed, 1005);
  sockets[0].onclose({ reason: "" });
  assert.deepEqual(heard, [["refused", "server_unproved"]]);
});

test("a token's secret and what it was bound with prove every later connection", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { connection } = await open(true);
  const first = await sockets[0].greet();
  assert.deepEqual(Object.keys(first.auth).sort(), ["nonce", "proof", "token", "type"]);
  const bound = boundBy(first);
  await sockets[0].welcome(first, bound);
  assert.equal(connection.ready, true);
  sockets[0].onclose({ reason: "" });
  mock.timers.tick(2000);
  const second = await sockets[1].greet();
  assert.equal(second.auth.bound, text(mac(bound, "device", second.challenge, Buffer.from(bytes(second.auth.nonce)))));
  await sockets[1].welcome(second, bound);
  assert.equal(connection.ready, true);
});

test("after a first handshake without an answer the server's proof says which one bound the token", async () => {
  for (const arrived of [true, false]) {
    mock.timers.enable({ apis: ["setTimeout"] });
    const { connection } = await open(true);
    const lost = await sockets[0].greet();
    sockets[0].onclose({ reason: "" });
    mock.timers.tick(2000);
    const second = await sockets[1].greet();
    const bound = boundBy(arrived ? lost : second);
    await sockets[1].welcome(second, bound);
    assert.equal(connection.ready, true);
    sockets[1].onclose({ reason: "" });
    mock.timers.tick(2000);
    const third = await sockets[2].greet();
    assert.equal(third.auth.bound, text(mac(bound, "device", third.challenge, Buffer.from(bytes(third.auth.nonce)))));
    mock.timers.reset();
  }
});

test("a token that proves nothing with its own key alone is not welcomed by whoever has that", async () => {
  const { connection } = await open(true);
  await sockets[0].welcome(await sockets[0].greet(), SECRET);
  assert.equal(connection.ready, false);
});

test("a session is resumed after a cut, and a stopped one is ended", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { connection, heard } = await open();
  await sockets[0].welcome(await sockets[0].greet());
  connection.start({ type: "start" });
  await sockets[0].say(SESSION);
  assert.equal(connection.session, "cs_1");
  sockets[0].onclose({ reason: "" });
  assert.deepEqual(heard.at(-1), ["down", { reason: "", was: true, starting: false }]);
  connection.stopLater();
  mock.timers.tick(2000);
  await sockets[1].welcome(await sockets[1].greet());
  assert.deepEqual(sockets[1].sent.slice(1), [{ type: "cancel", session: "cs_1" }, { type: "resume", session: "cs_1" }]);
});

test("messages of other sessions, and of a socket that was left, are dropped", async () => {
  const { connection, names } = await open();
  await sockets[0].welcome(await sockets[0].greet());
  connection.start({ type: "start" });
  await sockets[0].say(SESSION);
  await sockets[0].say({ type: "guidance", session: "cs_2" });
  assert.deepEqual(names(), ["up", "message"]);
  await sockets[0].say({ type: "guidance", session: "cs_1" });
  assert.deepEqual(names(), ["up", "message", "message"]);
  connection.leaveSession();
  await sockets[0].say({ type: "guidance", session: "cs_1" });
  assert.deepEqual(names(), ["up", "message", "message"]);
  connection.close();
  assert.equal(sockets[0].closed, 1000);
});

test("a code that no other connection would mend ends the tries", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { heard } = await open();
  await sockets[0].greet();
  sockets[0].onclose({ reason: "device_unauthenticated" });
  assert.deepEqual(heard, [["refused", "device_unauthenticated"]]);
  mock.timers.tick(10_000);
  assert.equal(sockets.length, 1);
});
