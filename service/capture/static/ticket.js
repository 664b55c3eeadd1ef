// The ticket that an applicant takes to a counter: a code and its QR code, which hold nothing about a person.

import { byId } from "./dom.js";
import { drawing } from "./qr.js";
import * as texts from "./texts.js";
import { isCapturing } from "./view.js";

/** Seconds for which a ticket stays on the screen: the time to photograph it, or to write ten characters down. Chosen by
 * hand. */
export const TICKET_S = 180;

export class TicketOffer {
  connection;

  constructor(connection) {
    Object.assign(this, { connection, session: null, waiting: false });
  }

  /** Ask for the ticket of an applicant who goes to a counter; offer it to one who may also try again here. Returns
   * whether one was asked for. */
  show({ session, registration }) {
    this.clear();
    if (!registration?.ticket) return false;
    this.session = session;
    byId("ticket").hidden = false;
    const choice = isCapturing(registration);
    byId("ticket-make").hidden = !choice;
    return choice ? false : this.ask();
  }

  /** Ask for a ticket; an earlier one is then void. */
  ask() {
    if (this.waiting || !this.session) return false;
    this.waiting = true;
    byId("ticket-make").hidden = true;
    const sent = this.connection.send({ type: "counter_ticket", session: this.session });
    if (!sent) this.fail();
    return sent;
  }

  take({ code, qr, expires_at: ends }) {
    if (!this.waiting) return;
    this.waiting = false;
    byId("ticket-qr").replaceChildren(drawing(qr));
    byId("ticket-code").textContent = code;
    texts.setText(byId("ticket-until"), "ticket.until", { day: new Date(ends) });
    byId("ticket-shown").hidden = false;
    texts.setText(byId("ticket-said"), null);
  }

  fail() {
    this.waiting = false;
    byId("ticket-make").hidden = false;
    texts.setText(byId("ticket-said"), "ticket.failed");
  }

  /** Leave nothing of this applicant. */
  clear() {
    Object.assign(this, { session: null, waiting: false });
    byId("ticket-qr").replaceChildren();
    for (const part of ["code", "until", "said"]) texts.setText(byId(`ticket-${part}`), null);
    byId("ticket").hidden = byId("ticket-shown").hidden = byId("ticket-make").hidden = true;
  }
}
