// A passkey for the registration that was just accepted, on the applicant's own telephone or key: never on this device.

import { byId } from "./dom.js";
import * as texts from "./texts.js";

const CEREMONY_MS = 110_000; // below the 300 s of the server, less the time for which a result is shown
/** Errors of a passkey: the verdict stays as it is. */
export const PASSKEY_CODES = new Set([
  "passkeys_off", "passkey_refused", "passkey_verdict_unsuitable", "passkeys_enough", "ceremony_lapsed",
  "too_many_ceremonies", "origin_unknown",
]);
const makesPasskeys = () => Boolean(globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON);

export class PasskeyOffer {
  connection;

  constructor(connection) {
    Object.assign(this, { connection, session: null, aborter: null });
  }

  /** True while the applicant is making one, so that the result stays on the screen. */
  get busy() {
    return this.aborter !== null;
  }

  /** Offer a passkey with a result, if the server and this browser can make one. */
  show(verdict) {
    this.clear();
    this.session = verdict.session;
    byId("passkey").hidden = byId("passkey-make").hidden = !(verdict.passkey && this.connection.ofThisSite && makesPasskeys());
  }

  ask() {
    if (this.busy || !this.session) return;
    this.aborter = new AbortController();
    this.limit = setTimeout(() => this.aborter?.abort(), CEREMONY_MS);
    byId("passkey-make").hidden = true;
    this.#say("waiting");
    if (!this.connection.send({ type: "passkey", session: this.session })) this.fail();
  }

  async make({ id, public_key: options }) {
    const { session, aborter } = this;
    if (!aborter) return;
    try {
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
      /** @type {any} */
      const made = await navigator.credentials.create({ publicKey, signal: aborter.signal });
      if (aborter !== this.aborter) return; // the next applicant stands there
      const message = { type: "passkey_made", session, id, response: made.toJSON() };
      if (!this.connection.send(message)) this.fail();
    } catch {
      if (aborter === this.aborter) this.fail();
    }
  }

  succeed() {
    this.#end();
    this.#say("done");
  }

  fail() {
    this.#end();
    this.#say("failed");
    byId("passkey-make").hidden = false;
  }

  /** Leave nothing of this applicant. */
  clear() {
    this.aborter?.abort();
    this.#end();
    this.session = null;
    this.#say(null);
    byId("passkey").hidden = true;
  }

  #end() {
    clearTimeout(this.limit);
    this.aborter = null;
  }

  #say(key) {
    texts.setText(byId("passkey-said"), key && `passkey.${key}`);
  }
}
