// The time for which the pictures exist: a warning a minute before its end, and once more time for who asks for it.

import { byId } from "./dom.js";
import * as texts from "./texts.js";
import { openDialog, showToast } from "./view.js";

const WARNED_S = 60; // before the end; docs/stream.md takes `extend` from then on

export class Deadline {
  endsAt;
  registration;

  /** `registration` has the connection, what the applicant cannot do, and the challenge. */
  constructor(registration) {
    Object.assign(this, { registration, endsAt: 0, extendable: false, warned: false, timer: 0 });
  }

  /** Seconds until the pictures are overwritten. */
  get left() {
    return (this.endsAt - performance.now()) / 1000;
  }

  /** The server said how much time there is. */
  set(seconds, extendable = this.extendable) {
    if (!(seconds >= 0)) return;
    Object.assign(this, { endsAt: performance.now() + seconds * 1000, extendable });
    if (seconds > WARNED_S) this.warned = false;
    if (!this.timer) this.timer = setInterval(() => this.#tick(), 1000);
  }

  /** Ask for more time; the server gives it once. */
  extend() {
    byId("extend").close();
    this.extendable = false;
    const { connection } = this.registration;
    connection.send({ type: "extend", session: connection.session });
  }

  /** The server gave more time. */
  extended(seconds) {
    this.set(seconds, false);
    showToast("extend.done");
  }

  /** Watch no more: the session is over, or is being checked. */
  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.warned = false;
    byId("extend").close();
  }

  #tick() {
    const dialog = byId("extend");
    if (dialog.open) texts.setText(byId("extend-text"), "extend.text", { seconds: Math.max(0, Math.round(this.left)) });
    if (this.left > WARNED_S || this.left <= 0 || this.warned || this.registration.busy) return;
    this.warned = true;
    if (this.extendable && this.registration.options.more_time) this.extend(); // asked for once for all
    else if (this.extendable) {
      texts.setText(byId("extend-text"), "extend.text", { seconds: Math.round(this.left) });
      openDialog("extend");
    } else showToast("extend.last");
  }
}
