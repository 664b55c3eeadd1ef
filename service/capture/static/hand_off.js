// Hand-off to a telephone: the page's QR code and what it learns of the telephone, and the telephone's first screen.

import { byId, emit, page } from "./dom.js";
import { drawing } from "./qr.js";
import * as texts from "./texts.js";
import { announce, showView } from "./view.js";

/** Parts of the page's screen in each state that the server reports: docs/stream.md. */
const SHOWN = {
  waiting: { code: false, confirm: false, again: false, turning: false, cancel: "handoff.here" },
  opened: { code: true, confirm: true, again: false, turning: false, cancel: "handoff.other" },
  confirmed: { code: false, confirm: false, again: false, turning: true, cancel: "handoff.stop" },
  capturing: { code: false, confirm: false, again: false, turning: true, cancel: "handoff.stop" },
  lapsed: { code: false, confirm: false, again: true, turning: false, cancel: "handoff.here" },
};

export class HandOff {
  registration;

  constructor(registration) {
    Object.assign(this, { registration, device: null, state: null });
  }

  /** The connection is there: offer a hand-off if the service and the page allow one; on the telephone, name the page
   * that asked, on the first screen and above the consent. */
  connected() {
    const { requestedBy } = this.registration.connection;
    for (const id of ["compare-origin", "notice-origin"]) {
      texts.setText(byId(id), requestedBy ? "handoff.origin" : null, { origin: requestedBy });
    }
    page().classList.toggle("hand-off", this.registration.connection.mayHandOff && page().dataset.handOff === "true");
  }

  /** Ask for a link, in place of an earlier one. */
  ask() {
    this.registration.connection.send({ type: "hand_off" });
  }

  /** Show the link, which only the QR code has: it is neither on the page nor in its address. */
  offer({ device, qr }) {
    this.device = device;
    byId("handoff-qr").replaceChildren(drawing(qr));
    this.#show("waiting");
    byId("handoff-qr").hidden = false;
    showView("handoff", []);
  }

  /** The applicant says that both screens show the same digits. */
  confirm() {
    this.registration.connection.send({ type: "hand_off_confirm", device: this.device });
  }

  /** End the hand-off; the server says what follows. */
  cancel() {
    this.registration.connection.send({ type: "hand_off_cancel" });
    if (this.state === "waiting" || this.state === "lapsed") this.#goBack();
  }

  /** Follow the telephone. */
  follow({ device, state, stage, comparison, verification }) {
    if (this.registration.inSession) return;
    if (page().dataset.view !== "handoff") {
      if (state === "waiting" || state === "ended" || state === "lapsed") return; // of a hand-off that is over here
      showView("handoff", []);
    }
    this.device = device;
    const before = this.state;
    if (state !== "waiting") this.#clear();
    if (state === "done") this.#finish({ verification });
    else if (state === "ended") this.#end(before);
    else {
      this.#show(state, stage);
      byId("handoff-qr").hidden = state !== "waiting";
      if (comparison) byId("handoff-code").textContent = [...comparison].join(" ");
    }
  }

  /** On the telephone: show the digits until the page has confirmed them. */
  compare(digits) {
    byId("compare-code").textContent = [...digits].join(" ");
    showView("compare", []);
  }

  #show(state, stage) {
    const { code, confirm, again, turning, cancel } = SHOWN[state];
    this.state = state;
    byId("handoff-code").hidden = !code;
    byId("handoff-confirm").hidden = !confirm;
    byId("handoff-again").hidden = !again;
    byId("handoff-turning").hidden = !turning;
    texts.setText(byId("handoff-title"), `handoff.${state}.title`);
    const known = state === "capturing" && texts.has(`stage.${stage}`);
    texts.setText(byId("handoff-text"), `handoff.${state}.text${known ? ".stage" : ""}`, known ? { stage: texts.format(`stage.${stage}`) } : {});
    texts.setText(byId("handoff-cancel"), cancel);
    announce(byId("handoff-title").textContent);
  }

  /** Leave nothing of a link that was opened or is over on the page. */
  #clear() {
    byId("handoff-qr").replaceChildren();
    byId("handoff-code").textContent = "";
  }

  #finish(detail) {
    this.registration.over = true;
    this.registration.welcome();
    emit("done", detail);
  }

  /** The telephone is gone: before its session has begun, this page may capture itself. */
  #end(before) {
    const begun = before === "capturing";
    if (begun) {
      this.registration.over = true;
      this.registration.showOver("handed_off");
    } else this.#goBack();
  }

  #goBack() {
    this.#clear();
    this.state = null;
    this.registration.welcome();
  }
}
