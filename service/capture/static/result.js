// The result, and what an applicant who was accepted may ask for until the screen clears itself.

import { byId, page } from "./dom.js";
import { PASSKEY_CODES, PasskeyOffer } from "./passkey.js";
import * as texts from "./texts.js";
import { TICKET_S, TicketOffer } from "./ticket.js";
import { showCounter, showResult } from "./view.js";
import { OFFER_S, WALLET_CODES, WalletOffer } from "./wallet.js";

const RESULT_S = 60; // for which a result stays on the screen; chosen by hand

export class Result {
  connection;
  leave;

  /** `leave()` shows the next applicant's first screen. */
  constructor(connection, leave) {
    Object.assign(this, { connection, leave });
    this.passkey = new PasskeyOffer(connection);
    this.wallet = new WalletOffer(connection);
    this.ticket = new TicketOffer(connection);
  }

  show(verdict) {
    showResult(verdict, this.connection.device.token);
    this.passkey.show(verdict);
    this.wallet.show(verdict);
    this.#countDown(this.ticket.show(verdict) ? TICKET_S : RESULT_S);
  }

  /** Ask for a ticket in place of another try here. */
  askForTicket() {
    if (this.ticket.ask()) this.#countDown(TICKET_S);
  }

  /** Show the ticket: there is no other try here any more. */
  takeTicket(message) {
    this.ticket.take(message);
    showCounter();
  }

  /** Ask for an offer of credentials, which then has its own time on the screen. */
  askForCredential() {
    this.wallet.ask();
    this.#countDown(OFFER_S);
  }

  /** Show an error about a passkey or a credential; false if the error is about something else. */
  takeError(code) {
    if (this.ticket.waiting) this.ticket.fail();
    else if (WALLET_CODES.has(code) || (this.wallet.waiting && !PASSKEY_CODES.has(code))) this.wallet.fail();
    else if (PASSKEY_CODES.has(code) || this.passkey.busy) this.passkey.fail();
    else return false;
    return true;
  }

  /** Leave nothing of this applicant. */
  clear() {
    clearTimeout(this.timer);
    this.connection.concluded = null;
    this.passkey.clear();
    this.wallet.clear();
    this.ticket.clear();
    byId("result-list").replaceChildren();
    byId("result-number").textContent = "";
  }

  #countDown(left) {
    clearTimeout(this.timer);
    if (page().dataset.view !== "result") return;
    const { busy } = this.passkey;
    texts.setText(byId("result-clears"), busy ? null : "result.clears", { seconds: left });
    if (left === 0) this.leave();
    else this.timer = setTimeout(() => this.#countDown(busy ? left : left - 1), 1000);
  }
}
