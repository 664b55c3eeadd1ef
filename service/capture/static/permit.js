// The code of staff that an applicant types to be asked for less: kept until the server has used it up.

import { byId } from "./dom.js";
import * as texts from "./texts.js";

const FORM = /^[0-9A-Za-z -]{10,20}$/; // docs/stream.md
/** Errors after which the applicant may type another code. */
export const PERMIT_CODES = new Set(["permit_invalid", "permit_exceeded"]);

export class Permit {
  constructor() {
    this.forget();
  }

  /** Keep a code that was typed; false if it cannot be one. */
  note(typed) {
    const code = typed.trim();
    this.code = FORM.test(code) ? code : null;
    this.#say(this.code ? "noted" : "permit_invalid");
    return this.code !== null;
  }

  /** A message with the code, if there is one. */
  addTo(message) {
    this.sent = Boolean(this.code);
    return this.code ? { ...message, permit: this.code } : message;
  }

  /** The server took the message: a code that it had is used up. */
  taken() {
    if (!this.sent) return;
    this.forget();
    this.#say("taken");
  }

  /** The server refused the code, for a reason that has a sentence. */
  refuse(reason) {
    this.forget();
    this.#say(reason);
  }

  /** Leave nothing of this applicant. */
  forget() {
    Object.assign(this, { code: null, sent: false });
    this.#say(null);
  }

  #say(key) {
    texts.setText(byId("permit-said"), key && `permit.${key}`);
  }
}
