// The server's messages about one registration: each sets what is known of it, and what is shown next.

import * as absence from "./absence.js";
import { tellCounter } from "./counter_visit.js";
import { byId, emit, page } from "./dom.js";
import { vibrate } from "./haptics.js";
import * as instruction from "./instruction.js";
import { PERMIT_CODES } from "./permit.js";
import * as pose from "./pose.js";
import * as texts from "./texts.js";
import { isCapturing, openDialog, showSteps, showToast, showView } from "./view.js";

/** Errors after which the registration goes on as it is. Any other one ends it. */
export const HARMLESS_CODES = new Set(["message_unexpected", "stage_incomplete", "frame_unreadable"]);
/** Errors of a session that the server has ended already. */
export const OVER_CODES = new Set(["session_lapsed", "session_unknown"]);
/** Errors of a step-up that `finish` cannot mend, however often it is sent. */
export const FINAL_CODES = new Set(["challenge_missing", "step_up_lapsed", "step_ups_refused", "passkeys_off"]);
/** Messages that matter to an applicant who has stopped. */
const STOPPING_TYPES = new Set(["cancelled", "verdict", "step_up_decided", "error"]);

export class ServerMessages {
  /** Handle the messages of the registration's connection: a message of type `x` by the method `on_x`. */
  constructor(registration) {
    this.registration = registration;
    this.connection = registration.connection;
    this.connection.addEventListener("message", ({ detail }) => {
      if (!registration.stopping || STOPPING_TYPES.has(detail.type)) this[`on_${detail.type}`]?.(detail);
    });
  }

  on_options_taken() {
    this.registration.permit.taken();
  }

  on_cancelled() {
    const code = this.registration.stopping;
    if (code) this.registration.showOver(code);
  }

  on_session(message) {
    const { registration } = this;
    const cut = message.resumed && registration.stage;
    if (!message.resumed) registration.sender.startedAt = performance.now();
    if (!message.resumed) registration.permit.taken();
    registration.deadline.set(message.pictures_s, message.extendable === true);
    const lost = cut && message.stages.indexOf(message.stage) < message.stages.indexOf(registration.stage);
    registration.stages = message.stages;
    registration.poses = message.capture_plan?.poses ?? {};
    if (cut && !lost) showToast("resumed");
    registration.reason = cut && message.stage === "liveness" ? "cut" : null;
    registration.nonce = message.nonce;
    if (message.step_up && !message.resumed) this.#showTransaction(message);
    else if (registration.guardian.joining) this.#showConsent(message);
    else if (lost) this.#wait(message.stage, "expired.cut");
    else registration.enter(message.stage);
  }

  on_stage(message) {
    const { registration } = this;
    registration.deadline.set(message.pictures_s);
    if (registration.held) {
      this.#wait(message.stage, "expired.text");
      return;
    }
    registration.challenge.stop();
    registration.cardLight.stop();
    registration.reason = message.again;
    if (message.stage !== registration.stage && !message.again) vibrate("done");
    if (message.stage !== registration.stage && message.stage !== "finish" && !message.again) {
      showToast("stage.done", { stage: texts.format(`stage.${message.stage}`) });
    }
    registration.enter(message.stage);
  }

  on_guidance(message) {
    const { registration } = this;
    if (message.stage !== registration.stage) return;
    if (message.corners || message.box) absence.noteActivity();
    registration.sender.update(message);
    if (message.stage === "liveness") {
      registration.challenge.updateProgress(message);
      return;
    }
    instruction.update(message.hint);
    registration.overlay.update(message);
    pose.update(message);
    showSteps(registration.stages, registration.stage, message.progress);
  }

  on_challenge({ challenge }) {
    if (this.registration.challenge.running) this.registration.challenge.play(challenge);
  }

  /** Light the card; previews go on meanwhile, and the server finds its answer in them. */
  on_light({ light }) {
    const { sender, options, cardLight } = this.registration;
    if (!sender.stage || options.photosensitive) return; // the server goes on without
    const session = this.connection.session;
    cardLight.play(light, (at) => {
      const at_us = Math.max(0, Math.round((at - sender.startedAt) * 1000));
      this.connection.send({ type: "light_shown", session, at_us });
    });
  }

  on_verifying() {
    this.registration.showChecking();
  }

  on_verdict(message) {
    const { registration } = this;
    registration.over = registration.oneTime;
    registration.leaveSession();
    this.connection.concluded = message.session;
    emit("done", { verification: message.id, decision: message.decision });
    registration.named = message.registration && isCapturing(message.registration) ? message.registration.id : null;
    registration.result.show(message);
    registration.guardian.show(message, registration.nonce);
    if (registration.visit) tellCounter(registration.visit);
  }

  on_counter_ticket(message) {
    this.registration.result.takeTicket(message);
  }

  on_guardian_consent(message) {
    this.registration.guardian.take(message);
  }

  on_guardian_joined() {
    this.registration.guardian.joined();
    this.registration.enter(this.registration.stage);
  }

  on_step_up_decided(message) {
    this.registration.leaveSession();
    this.connection.concluded = message.session;
    this.registration.result.show(message);
  }

  on_passkey_options(message) {
    this.registration.result.passkey.make(message);
  }

  on_passkey_bound() {
    this.registration.result.passkey.succeed();
  }

  on_credential_offer(message) {
    this.registration.result.wallet.offer(message);
  }

  on_transaction_code(message) {
    this.registration.result.wallet.take(message);
  }

  on_retry(message) {
    const { registration } = this;
    registration.stopWaiting();
    registration.sender.pause();
    registration.stage = message.stage;
    registration.deadline.set(message.pictures_s);
    texts.setServerText(byId("retry-text"), message.sentence);
    const left = message.attempts_left;
    texts.setText(byId("retry-left"), left > 1 ? "retry.left" : left === 1 ? "retry.left.one" : "retry.none", { count: left });
    byId("retry-go").hidden = left === 0;
    byId("retry-end").hidden = left > 0;
    if (left === 0) {
      registration.over = registration.oneTime;
      registration.leaveSession();
    }
    vibrate("problem");
    showView("retry", ["retry.title", ...(left ? [] : ["retry.none"])]);
  }

  on_hand_off_offer(message) {
    this.registration.handOff.offer(message);
  }

  on_hand_off_state(message) {
    this.registration.handOff.follow(message);
  }

  on_hand_off_confirmed() {
    this.connection.comparison = null;
    showView("welcome");
  }

  on_staff_called() {
    byId("staff-button").classList.add("called");
    byId("staff-text").dataset.t = "staff.called";
    texts.refresh();
    showToast("staff.called");
  }

  on_staff_coming() {
    byId("staff-text").dataset.t = "staff.coming";
    texts.refresh();
    showToast("staff.coming");
  }

  on_extended({ pictures_s: seconds }) {
    this.registration.deadline.extended(seconds);
  }

  on_error({ code, fatal, stage, retry_after: wait }) {
    const { registration } = this;
    if (fatal) { // the connection closes next, and is opened again if that can help
      if (code === "device_connected" && !registration.inSession) showView("taken");
      return;
    }
    if (registration.result.takeError(code)) return;
    const checking = page().dataset.view === "verifying";
    if (registration.stopping) this.#followStop(code);
    else if (checking && stage === "finish" && !FINAL_CODES.has(code)) {
      registration.waitFor((wait ?? 2) * 1000, () => registration.enter("finish"));
    } else if (PERMIT_CODES.has(code)) this.#refusePermit(code);
    else if (code === "session_expired") registration.hold("expired.text");
    else if (code === "consent_missing") showView("notice");
    else if (code === "message_unexpected" && registration.challenge.running) registration.enter("liveness");
    else if (OVER_CODES.has(code)) registration.showOver(code);
    else if (checking || !HARMLESS_CODES.has(code)) registration.cancel(code);
  }

  /** The pictures are gone, and the capture begins with this stage once the applicant says so. */
  #wait(stage, key) {
    this.registration.stage = stage;
    page().dataset.stage = stage;
    this.registration.hold(key);
  }

  /** Show the text of the transaction, as the service sent it; no picture is taken before the holder has read it. */
  #showTransaction({ stage, step_up: { text } }) {
    this.registration.stage = stage;
    this.registration.camera.close();
    texts.setServerText(byId("transaction-text"), text);
    showView("transaction");
  }

  /** Show what the guardian consents to; no picture of the child is taken before. */
  #showConsent({ id, stage }) {
    this.registration.stage = stage;
    this.registration.camera.close();
    this.registration.guardian.ask(id);
  }

  /** Without the code everything goes on as before: what the applicant cannot do is still not asked. */
  #refusePermit(code) {
    const { registration } = this;
    registration.permit.refuse(code);
    if (registration.inSession) registration.sendOptions();
    else {
      registration.camera.close();
      showView("notice");
    }
    openDialog("help");
  }

  /** An error while the applicant waits for the end: a verdict may be on its way, or the session is still there. */
  #followStop(code) {
    if (OVER_CODES.has(code)) this.registration.showOver("cancelled");
    else if (code !== "message_unexpected") this.registration.sendCancel();
  }
}
