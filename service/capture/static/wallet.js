// Credentials for the wallet of the applicant who was just accepted. The QR code alone is worth nothing: the wallet also
// asks for a code. It is fetched and shown only when the QR code is gone, so that no picture of the screen has both.

import { byId } from "./dom.js";
import { drawing } from "./qr.js";
import * as texts from "./texts.js";
import { isPhone } from "./view.js";

/** Seconds for which an offer stays on the screen: the time to open a wallet. Chosen by hand. */
export const OFFER_S = 120;
const CODE_MS = 12_000; // for which the code is shown at once: long enough to type six digits. Chosen by hand
const SHOWN_TIMES = 3; // chosen by hand
/** Errors of an offer: the verdict stays as it is. */
export const WALLET_CODES = new Set(["credentials_off", "credential_unavailable"]);

export class WalletOffer {
  connection;
  shown;

  constructor(connection) {
    Object.assign(this, { connection, session: null, waiting: false, code: null, shown: 0 });
  }

  /** Offer credentials with a result, if the server issues any. */
  show(verdict) {
    this.clear();
    this.session = verdict.session;
    byId("wallet").hidden = byId("wallet-make").hidden = !verdict.credential;
  }

  ask() {
    if (this.waiting || !this.session) return;
    this.#empty();
    this.waiting = true;
    byId("wallet-make").hidden = true;
    if (!this.connection.send({ type: "credential", session: this.session })) this.fail();
  }

  /** Show an offer as a QR code, on a telephone also as a link: it may be the applicant's own. */
  offer({ link, qr }) {
    if (!this.waiting) return;
    this.waiting = false;
    byId("wallet-link").href = link;
    byId("wallet-link").hidden = !isPhone();
    byId("wallet-qr").replaceChildren(drawing(qr));
    byId("wallet-qr").hidden = byId("wallet-code-show").hidden = false;
    this.#say("scan");
    byId("wallet").scrollIntoView({ block: "center" }); // below the result there may be less than its height
  }

  /** Take the QR code away for good, then show the code, or fetch it first; or hide it again. */
  toggleCode() {
    if (!byId("wallet-code").hidden) {
      this.#hideCode();
      return;
    }
    byId("wallet-qr").replaceChildren();
    byId("wallet-qr").hidden = true;
    if (this.code) this.#showCode();
    else if (!this.waiting) {
      this.waiting = true;
      if (!this.connection.send({ type: "credential_code", session: this.session })) this.fail();
    }
  }

  take({ code }) {
    if (!this.waiting) return;
    this.waiting = false;
    this.code = code;
    this.#showCode();
  }

  fail() {
    this.#empty();
    this.#say("failed");
    byId("wallet-make").hidden = false;
  }

  /** Leave nothing of this applicant. */
  clear() {
    this.#empty();
    this.session = null;
    byId("wallet").hidden = true;
  }

  #showCode() {
    this.shown += 1;
    const element = byId("wallet-code");
    element.textContent = `${this.code.slice(0, 3)} ${this.code.slice(3)}`;
    element.hidden = false;
    element.focus(); // so that a screen reader reads it; it is not announced by itself
    texts.setText(byId("wallet-code-show"), "wallet.hide");
    this.#say("code");
    this.timer = setTimeout(() => this.#hideCode(), CODE_MS);
  }

  #hideCode() {
    clearTimeout(this.timer);
    const again = this.shown < SHOWN_TIMES;
    byId("wallet-code").textContent = "";
    byId("wallet-code").hidden = true;
    byId("wallet-code-show").hidden = !again;
    byId("wallet-make").hidden = false; // another offer has another QR code and another code
    texts.setText(byId("wallet-code-show"), "wallet.show");
    this.#say(again ? "hidden" : "over");
  }

  #empty() {
    clearTimeout(this.timer);
    Object.assign(this, { waiting: false, code: null, shown: 0 });
    byId("wallet-qr").replaceChildren();
    byId("wallet-link").removeAttribute("href");
    byId("wallet-code").textContent = "";
    for (const part of ["qr", "link", "code", "code-show"]) byId(`wallet-${part}`).hidden = true;
    texts.setText(byId("wallet-code-show"), "wallet.show");
    this.#say(null);
  }

  #say(key) {
    texts.setText(byId("wallet-said"), key && `wallet.${key}`);
  }
}
