// One registration, from the applicant's consent to the verdict; the server's messages decide what is shown.

import * as absence from "./absence.js";
import { CardLight } from "./card_light.js";
import { Challenge, durationSeconds } from "./challenge.js";
import { tellCounter } from "./counter_visit.js";
import { byId } from "./dom.js";
import { FrameSender } from "./frame_sender.js";
import { Guardian } from "./guardian.js";
import * as instruction from "./instruction.js";
import { Permit, PERMIT_CODES } from "./permit.js";
import * as pose from "./pose.js";
import { Result } from "./result.js";
import * as texts from "./texts.js";
import { isCapturing, isPhone, openDialog, showCameraTrouble, showEnded, showSteps, showToast, showView } from "./view.js";

const STOP_MS = 10_000; // within which the server deletes; then the connection is opened anew. Chosen by hand
const CHECK_MARGIN_S = 10; // beyond the lifetime of the pictures, when any verification has ended. Chosen by hand
/** Errors after which the registration goes on as it is. Any other one ends it. */
const HARMLESS_CODES = new Set(["message_unexpected", "stage_incomplete", "frame_unreadable"]);
/** Errors of a session that the server has ended already. */
const OVER_CODES = new Set(["session_lapsed", "session_unknown"]);
/** Errors of a step-up that `finish` cannot mend, however often it is sent. */
const FINAL_CODES = new Set(["challenge_missing", "step_up_lapsed", "step_ups_refused", "passkeys_off"]);
/** Messages that matter to an applicant who has stopped. */
const STOPPING_TYPES = new Set(["cancelled", "verdict", "step_up_decided", "error"]);

export class Registration {
  constructor(connection, camera, overlay) {
    Object.assign(this, { connection, camera, overlay, stage: null, stages: [], options: {}, reason: null });
    this.sender = new FrameSender(camera, connection);
    this.challenge = new Challenge(camera, connection);
    this.result = new Result(connection, () => this.welcome());
    this.cardLight = new CardLight(camera);
    this.guardian = new Guardian(connection);
    this.permit = new Permit();
    this.stepUp = null; // id of the step-up that this page was opened for
    this.holderKey = null; // what the holder's passkey gave for it, or null
    this.named = null; // id of the registration that the next session continues
    this.visit = null; // id of the registration that an officer opened this page for
    connection.addEventListener("message", ({ detail }) => {
      if (!this.stopping || STOPPING_TYPES.has(detail.type)) this[`on_${detail.type}`]?.(detail);
    });
    connection.addEventListener("up", () => this.#connected());
    connection.addEventListener("down", ({ detail }) => this.#disconnected(detail));
    connection.addEventListener("refused", ({ detail }) => this.#refused(detail));
    camera.addEventListener("lost", () => this.#cameraLost());
  }

  /** True while a session is open, so that the server may hold pictures. */
  get inSession() {
    return Boolean(this.connection.session);
  }

  /** The applicant agreed: open the camera first, so that no session begins if it is refused. */
  async begin() {
    if (this.connection.starting) return;
    this.agreed = true;
    if (await this.#openCamera(this.stepUp ? "selfie" : "card_front")) this.#startSession();
  }

  /** Open the camera again after it was refused or lost, or capture again after a `retry`. */
  async again() {
    if (!this.inSession) await this.begin();
    else if (await this.#openCamera(this.stage)) this.#enter(this.stage, 0);
  }

  /** Take the step-up of somebody who was sent here, in place of a registration. */
  takeStepUp(id, holderKey) {
    this.welcome(); // so that nothing of an applicant before is left
    this.stepUp = id;
    this.holderKey = holderKey;
    if (this.connection.ready) showView("confirm");
  }

  /** Take the captures of a registration that was opened elsewhere, at a counter or by an office's own page. */
  takeRegistration(id) {
    this.welcome();
    this.named = this.visit = id;
  }

  /** Go on from the result: with the guardian, or with the child of a guardian who was accepted. */
  goOnWithGuardian() {
    this.named = this.guardian.goOn();
    this.result.clear();
  }

  /** The holder has read the text of the transaction. */
  confirmed() {
    this.#enter(this.stage, 0);
  }

  ready() {
    showView("capture");
    this.challenge.countDown(() => this.connection.send({ type: "ready", camera: this.camera.report }));
  }

  /** Note what the applicant cannot do; report it at once if a challenge is next. */
  setOptions(options) {
    this.options = options;
    if (this.stage === "liveness") this.#sendOptions();
    if (document.body.dataset.view === "intro") this.#describeChallenge();
  }

  /** Take a code of staff: it is used at once if a challenge is next, else with the session or before the challenge. */
  usePermit(typed) {
    if (this.permit.note(typed) && this.stage === "liveness") this.#sendOptions();
  }

  on_options_taken() {
    this.permit.taken();
  }

  setLanguage(language) {
    if (!this.inSession) return;
    this.connection.send({ type: "language", language });
    if (document.body.dataset.view === "guardian") this.guardian.ask(this.connection.session);
  }

  /** The stage before this one, or null. */
  get previousStage() {
    const place = this.stages.indexOf(this.stage);
    return this.inSession && place > 0 && this.stage !== "finish" ? this.stages[place - 1] : null;
  }

  retake() {
    if (this.previousStage) this.connection.send({ type: "retake", stage: this.previousStage });
  }

  /** Stop, for a reason that has a sentence `ended.*`; it is shown once the server has deleted the pictures. */
  cancel(code) {
    if (this.stopping) return;
    if (!this.inSession) {
      this.#leaveSession();
      showEnded(code);
      return;
    }
    this.#stopCapture();
    this.stopping = code;
    if (!this.#sendCancel()) this.#stopOffline();
    else {
      showView("stopping");
      this.#waitFor(STOP_MS, () => {
        this.#stopOffline();
        this.connection.restart();
      });
    }
  }

  on_cancelled() {
    const code = this.stopping;
    if (!code) return;
    this.#leaveSession();
    showEnded(code);
  }

  on_session(message) {
    const cut = message.resumed && this.stage;
    if (!message.resumed) this.sender.startedAt = performance.now();
    if (!message.resumed) this.permit.taken();
    this.picturesS = message.pictures_s;
    this.stages = message.stages;
    this.poses = message.capture_plan?.poses ?? {};
    const lost = cut && message.stages.indexOf(message.stage) < message.stages.indexOf(this.stage);
    if (cut) showToast(lost ? "restarted" : "resumed");
    this.reason = cut && message.stage === "liveness" ? "cut" : null;
    this.nonce = message.nonce;
    if (message.step_up && !message.resumed) this.#showTransaction(message);
    else if (this.guardian.joining) this.#showConsent(message);
    else this.#enter(message.stage, 0);
  }

  on_stage(message) {
    this.challenge.stop();
    this.cardLight.stop();
    this.reason = message.again;
    if (message.stage !== this.stage && message.stage !== "finish" && !message.again) {
      showToast("stage.done", { stage: texts.format(`stage.${message.stage}`) });
    }
    this.#enter(message.stage);
  }

  on_guidance(message) {
    if (message.stage !== this.stage) return;
    if (message.corners || message.box) absence.noteActivity();
    this.sender.update(message);
    if (message.stage === "liveness") {
      this.challenge.updateProgress(message);
      return;
    }
    instruction.update(message.hint);
    this.overlay.update(message);
    pose.update(message);
    showSteps(this.stages, this.stage, message.progress);
  }

  on_challenge({ challenge }) {
    if (this.challenge.running) this.challenge.play(challenge);
  }

  /** Light the card; previews go on meanwhile, and the server finds its answer in them. */
  on_light({ light }) {
    if (!this.sender.stage || this.options.photosensitive) return; // the server goes on without
    const session = this.connection.session;
    this.cardLight.play(light, (at) => {
      const at_us = Math.max(0, Math.round((at - this.sender.startedAt) * 1000));
      this.connection.send({ type: "light_shown", session, at_us });
    });
  }

  on_verifying() {
    this.#showChecking();
  }

  on_verdict(message) {
    this.#leaveSession();
    this.connection.concluded = message.session;
    this.named = message.registration && isCapturing(message.registration) ? message.registration.id : null;
    this.result.show(message);
    this.guardian.show(message, this.nonce);
    if (this.visit) tellCounter(this.visit);
  }

  on_counter_ticket(message) {
    this.result.takeTicket(message);
  }

  on_guardian_consent(message) {
    this.guardian.take(message);
  }

  on_guardian_joined() {
    this.guardian.joined();
    this.#enter(this.stage, 0);
  }

  on_step_up_decided(message) {
    this.#leaveSession();
    this.connection.concluded = message.session;
    this.result.show(message);
  }

  on_passkey_options(message) {
    this.result.passkey.make(message);
  }

  on_passkey_bound() {
    this.result.passkey.succeed();
  }

  on_credential_offer(message) {
    this.result.wallet.offer(message);
  }

  on_transaction_code(message) {
    this.result.wallet.take(message);
  }

  on_retry(message) {
    clearTimeout(this.timer);
    this.sender.pause();
    this.stage = message.stage;
    texts.setServerText(byId("retry-text"), message.sentence);
    const left = message.attempts_left;
    texts.setText(byId("retry-left"), left > 1 ? "retry.left" : left === 1 ? "retry.left.one" : "retry.none", { count: left });
    byId("retry-go").hidden = left === 0;
    byId("retry-end").hidden = left > 0;
    if (left === 0) this.#leaveSession();
    showView("retry");
  }

  on_staff_called() {
    byId("staff-button").classList.add("called");
    byId("staff-text").dataset.t = "staff.called";
    texts.refresh();
    showToast("staff.called");
  }

  on_error({ code, fatal, stage, retry_after: wait }) {
    if (fatal) return; // the connection closes next, and is opened again if that can help
    if (this.result.takeError(code)) return;
    const checking = document.body.dataset.view === "verifying";
    if (this.stopping) this.#followStop(code);
    else if (checking && stage === "finish" && !FINAL_CODES.has(code)) this.#waitFor((wait ?? 2) * 1000, () => this.#enter("finish"));
    else if (PERMIT_CODES.has(code)) this.#refusePermit(code);
    else if (code === "session_expired") showToast("ended.session_expired");
    else if (code === "consent_missing") showView("notice");
    else if (code === "message_unexpected" && this.challenge.running) this.#enter("liveness");
    else if (OVER_CODES.has(code)) this.#showOver(code);
    else if (checking || !HARMLESS_CODES.has(code)) this.cancel(code);
  }

  /** Show the text of the transaction, as the service sent it; no picture is taken before the holder has read it. */
  #showTransaction({ stage, step_up: { text } }) {
    this.stage = stage;
    this.camera.close();
    texts.setServerText(byId("transaction-text"), text);
    showView("transaction");
  }

  /** Show what the guardian consents to; no picture of the child is taken before. */
  #showConsent({ id, stage }) {
    this.stage = stage;
    this.camera.close();
    this.guardian.ask(id);
  }

  #sendOptions() {
    const message = { type: "options", session: this.connection.session, options: this.options };
    this.connection.send(this.permit.addTo(message));
  }

  /** Without the code everything goes on as before: what the applicant cannot do is still not asked. */
  #refusePermit(code) {
    this.permit.refuse(code);
    if (this.inSession) this.#sendOptions();
    else {
      this.camera.close();
      showView("notice");
    }
    openDialog("help");
  }

  /** An error while the applicant waits for the end: a verdict may be on its way, or the session is still there. */
  #followStop(code) {
    if (OVER_CODES.has(code)) this.#showOver("cancelled");
    else if (code !== "message_unexpected") this.#sendCancel();
  }

  #showOver(code) {
    this.#leaveSession();
    showEnded(code);
  }

  #sendCancel() {
    return this.connection.send({ type: "cancel", session: this.connection.session });
  }

  /** The server is told as soon as there is a connection again. */
  #stopOffline() {
    const checking = ["finish", "verifying"].includes(this.stage);
    this.connection.stopLater();
    this.#showOver(checking ? "cancelled_offline_checking" : "cancelled_offline");
  }

  /** Show that the server checks, for as long as it can hold the pictures: after that no answer comes. */
  #showChecking() {
    this.sender.pause();
    this.camera.close();
    this.overlay.clear();
    showView("verifying");
    this.#waitFor((this.picturesS + CHECK_MARGIN_S) * 1000, () => this.cancel("internal"));
  }

  /** Do this after a while, unless the registration goes on before. */
  #waitFor(ms, action) {
    clearTimeout(this.timer);
    this.timer = setTimeout(action, ms);
  }

  async #enter(stage) {
    clearTimeout(this.timer);
    this.stage = stage;
    document.body.dataset.stage = stage;
    this.sender.pause();
    this.challenge.stop();
    this.cardLight.stop();
    this.overlay.clear();
    if (stage === "finish" || stage === "verifying") {
      if (stage === "finish") this.connection.send({ type: "finish", session: this.connection.session });
      this.#showChecking();
    } else if (!(await this.#openCamera(stage)) || this.stage !== stage) return;
    else if (stage === "liveness") this.#beginLiveness();
    else this.#beginCapture(stage);
  }

  #beginCapture(stage) {
    const face = stage === "selfie";
    texts.setText(byId("stage-name"), `stage.${stage}`);
    instruction.begin(face ? "wait.face" : "wait");
    showSteps(this.stages, stage, 0);
    const wanted = face ? null : this.poses[stage];
    pose.begin(wanted, this.camera.mirrored);
    showView("capture");
    this.overlay.begin(wanted);
    this.sender.begin(stage);
  }

  #beginLiveness() {
    if (Object.keys(this.options).length || this.permit.code) this.#sendOptions();
    this.#describeChallenge();
    showView("intro");
  }

  #describeChallenge() {
    texts.setText(byId("intro-again"), this.reason ? `intro.again.${this.reason}` : null);
    texts.setText(byId("intro-lead"), "intro.lead", { seconds: durationSeconds(this.options) });
    texts.setText(byId("intro-colours"), this.options.photosensitive ? "intro.nocolours" : "intro.colours");
    document.querySelector(".trail").classList.toggle("calm", Boolean(this.options.photosensitive));
  }

  /** Open the camera that the stage needs; false, with the reason shown, if that fails. */
  async #openCamera(stage) {
    const facing = stage.startsWith("card") && isPhone() ? "environment" : "user";
    if (!this.camera.live) showView("camera");
    try {
      await this.camera.open(facing);
      if (!this.agreed) this.camera.close(); // the applicant left meanwhile
      return this.agreed;
    } catch (error) {
      showCameraTrouble(error.name === "NotAllowedError" ? "refused" : "missing");
      return false;
    }
  }

  #startSession() {
    const start = { type: "start", consent: true, language: texts.language };
    if (Object.keys(this.options).length) start.options = this.options;
    if (this.stepUp) start.step_up = this.stepUp;
    if (this.holderKey) start.holder_key = this.holderKey;
    if (this.named) start.registration = this.named;
    this.starting = !this.connection.start(this.permit.addTo(start)); // sent as soon as there is a connection
    if (this.starting) showView("connecting");
  }

  #connected() {
    const view = document.body.dataset.view;
    byId("welcome-young").hidden = !this.connection.guardians;
    if (this.starting && this.agreed) this.#startSession();
    else if (!this.inSession && ["connecting", "offline", "setup"].includes(view)) showView(this.stepUp ? "confirm" : "welcome");
  }

  #disconnected({ starting }) {
    this.sender.pause();
    this.challenge.stop();
    this.cardLight.stop();
    clearTimeout(this.timer);
    const view = document.body.dataset.view;
    if (this.stopping) this.#stopOffline();
    else if (this.inSession) showView("offline");
    else if (starting && this.agreed) {
      this.starting = true; // nobody knows whether the session began
      showView("connecting");
    } else if (view === "welcome") showView("connecting");
  }

  #refused(code) {
    this.#leaveSession();
    texts.setText(byId("closed-text"), texts.has(`closed.${code}`) ? `closed.${code}` : "ended.internal");
    showView("closed");
  }

  #cameraLost() {
    this.sender.pause();
    this.challenge.stop();
    this.cardLight.stop();
    this.camera.close();
    this.overlay.clear();
    if (this.stage && this.stage !== "finish") showCameraTrouble("lost");
  }

  #stopCapture() {
    this.sender.pause();
    this.challenge.stop();
    this.cardLight.stop();
    this.camera.close();
    this.overlay.clear();
  }

  /** Leave nothing of this applicant on the page. */
  #leaveSession() {
    clearTimeout(this.timer);
    this.#stopCapture();
    this.connection.leaveSession();
    Object.assign(this, { stage: null, options: {}, reason: null, agreed: false, starting: false, stopping: null });
    this.permit.forget();
    byId("choices").reset();
    byId("permit").reset();
    delete document.body.dataset.stage;
    delete document.body.dataset.hint;
  }

  /** Show the next applicant's first screen, in the browser's language. A page that an officer opened closes. */
  welcome() {
    if (this.visit && document.body.dataset.view !== "welcome") close(); // not if the browser opened it by itself
    this.#leaveSession();
    this.result.clear();
    this.guardian.forget();
    this.stepUp = this.holderKey = this.named = this.visit = null;
    byId("transaction-text").textContent = "";
    byId("staff-button").classList.remove("called");
    byId("staff-text").dataset.t = "staff.call";
    texts.setLanguage(texts.browserLanguage());
    showView(this.connection.ready ? "welcome" : "connecting");
  }
}
