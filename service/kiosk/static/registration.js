// One registration, from the applicant's consent to the verdict; the server's messages decide what is shown.

import * as absence from "./absence.js";
import { Challenge, durationSeconds } from "./challenge.js";
import { FrameSender } from "./frame_sender.js";
import * as gauge from "./gauge.js";
import * as instruction from "./instruction.js";
import * as texts from "./texts.js";
import { byId, showCameraTrouble, showEnded, showResult, showSteps, showToast, showView } from "./view.js";

const RESULT_S = 60; // for which a result stays on the screen; chosen by hand
const ENDING_CODES = new Set([
  "session_lapsed", "session_unknown", "session_used", "challenges_used", "device_locked", "rate_limited",
  "store_unavailable", "internal",
]);
const isPhone = () => matchMedia("(pointer: coarse)").matches && Math.min(screen.width, screen.height) < 600;

export class Registration {
  constructor(connection, camera, overlay) {
    Object.assign(this, { connection, camera, overlay, stage: null, stages: [], options: {}, reason: null });
    this.sender = new FrameSender(camera, connection);
    this.challenge = new Challenge(camera, connection);
    connection.addEventListener("message", ({ detail }) => this[`on_${detail.type}`]?.(detail));
    connection.addEventListener("up", () => this.#connected());
    connection.addEventListener("down", () => this.#disconnected());
    connection.addEventListener("refused", ({ detail }) => this.#refused(detail));
    camera.addEventListener("lost", () => this.#cameraLost());
  }

  /** Whether a session is open, so that the server may hold pictures. */
  get inSession() {
    return Boolean(this.connection.session);
  }

  /** The applicant agreed: open the camera first, so that no session begins if it is refused. */
  async begin() {
    this.agreed = true;
    if (await this.#openCamera("card_front")) this.#startSession();
  }

  /** Open the camera again after it was refused or lost, or capture again after a `retry`. */
  async again() {
    if (!this.inSession) await this.begin();
    else if (await this.#openCamera(this.stage)) this.#enter(this.stage, 0);
  }

  ready() {
    showView("capture");
    this.challenge.countDown(() => this.connection.send({ type: "ready", camera: this.camera.report }));
  }

  /** Note what the applicant cannot do; report it at once if a challenge is next. */
  setOptions(options) {
    this.options = options;
    if (this.stage === "liveness") this.connection.send({ type: "options", options });
    if (document.body.dataset.view === "intro") this.#describeChallenge();
  }

  setLanguage(language) {
    if (this.inSession) this.connection.send({ type: "language", language });
  }

  /** The stage before this one, or null. */
  get previousStage() {
    const place = this.stages.indexOf(this.stage);
    return this.inSession && place > 0 && this.stage !== "finish" ? this.stages[place - 1] : null;
  }

  retake() {
    if (this.previousStage) this.connection.send({ type: "retake", stage: this.previousStage });
  }

  /** Stop, for a reason that has a sentence `ended.*`. */
  cancel(code) {
    const sent = this.inSession && this.connection.send({ type: "cancel" });
    const offline = this.inSession && !sent;
    this.#leaveSession();
    showEnded(offline ? "cancelled_offline" : code);
  }

  on_session(message) {
    const cut = message.resumed && this.stage;
    if (!message.resumed) this.sender.startedAt = performance.now();
    this.stages = message.stages;
    const lost = cut && message.stages.indexOf(message.stage) < message.stages.indexOf(this.stage);
    if (cut) showToast(lost ? "restarted" : "resumed");
    this.reason = cut && message.stage === "liveness" ? "cut" : null;
    this.#enter(message.stage, 0);
  }

  on_stage(message) {
    this.challenge.stop();
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
    gauge.update(message, this.camera.mirrored);
    showSteps(this.stages, this.stage, message.progress);
  }

  on_challenge({ challenge }) {
    if (this.challenge.running) this.challenge.play(challenge);
  }

  on_verifying() {
    this.sender.pause();
    this.camera.close();
    this.overlay.clear();
    showView("verifying");
  }

  on_verdict(message) {
    this.#leaveSession();
    showResult(message);
    this.#clearResult(RESULT_S);
  }

  on_retry(message) {
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

  on_error({ code, fatal, retry_after: wait }) {
    if (fatal) return; // the connection closes next, and is opened again if that can help
    if (code === "busy" && document.body.dataset.view === "verifying") {
      setTimeout(() => this.connection.send({ type: "finish" }), (wait ?? 2) * 1000);
    } else if (code === "session_expired") showToast("ended.session_expired");
    else if (code === "consent_missing") showView("notice");
    else if (code === "message_unexpected" && this.challenge.running) this.#enter("liveness");
    else if (ENDING_CODES.has(code) || code === "busy") {
      if (this.inSession) this.connection.send({ type: "cancel" });
      this.#leaveSession();
      showEnded(code);
    }
  }

  async #enter(stage) {
    this.stage = stage;
    document.body.dataset.stage = stage;
    this.sender.pause();
    this.challenge.stop();
    this.overlay.clear();
    if (stage === "finish") {
      this.connection.send({ type: "finish" });
      showView("verifying");
    } else if (!(await this.#openCamera(stage)) || this.stage !== stage) return;
    else if (stage === "liveness") this.#beginLiveness();
    else this.#beginCapture(stage);
  }

  #beginCapture(stage) {
    const face = stage === "selfie";
    texts.setText(byId("stage-name"), `stage.${stage}`);
    instruction.begin(face ? "wait.face" : "wait");
    showSteps(this.stages, stage, 0);
    gauge.begin(!face);
    showView("capture");
    this.overlay.begin(face);
    this.sender.begin(stage);
  }

  #beginLiveness() {
    if (Object.keys(this.options).length) this.connection.send({ type: "options", options: this.options });
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
      return true;
    } catch (error) {
      showCameraTrouble(error.name === "NotAllowedError" ? "refused" : "missing");
      return false;
    }
  }

  #startSession() {
    const { options } = this;
    const start = { type: "start", consent: true, language: texts.language };
    if (Object.keys(options).length) start.options = options;
    this.starting = !this.connection.send(start); // sent as soon as there is a connection
    if (this.starting) showView("connecting");
  }

  #connected() {
    const view = document.body.dataset.view;
    if (this.starting && this.agreed) this.#startSession();
    else if (!this.inSession && ["connecting", "offline", "setup"].includes(view)) showView("welcome");
  }

  #disconnected() {
    this.sender.pause();
    this.challenge.stop();
    const view = document.body.dataset.view;
    if (this.inSession) showView("offline");
    else if (view === "welcome") showView("connecting");
  }

  #refused(code) {
    this.#leaveSession();
    texts.setText(byId("closed-text"), texts.has(`closed.${code}`) ? `closed.${code}` : "ended.internal");
    showView("closed");
  }

  #cameraLost() {
    this.sender.pause();
    this.challenge.stop();
    this.camera.close();
    this.overlay.clear();
    if (this.stage && this.stage !== "finish") showCameraTrouble("lost");
  }

  /** Leave nothing of this applicant on the page. */
  #leaveSession() {
    this.sender.pause();
    this.challenge.stop();
    this.camera.close();
    this.overlay.clear();
    this.connection.leaveSession();
    Object.assign(this, { stage: null, options: {}, reason: null, agreed: false, starting: false });
    byId("choices").reset();
    delete document.body.dataset.stage;
    delete document.body.dataset.hint;
  }

  #clearResult(left) {
    clearTimeout(this.clearing);
    if (document.body.dataset.view !== "result") return;
    texts.setText(byId("result-clears"), "result.clears", { seconds: left });
    if (left === 0) this.welcome();
    else this.clearing = setTimeout(() => this.#clearResult(left - 1), 1000);
  }

  /** Show the next applicant's first screen, in the browser's language. */
  welcome() {
    this.#leaveSession();
    byId("result-list").replaceChildren();
    byId("result-number").textContent = "";
    byId("staff-button").classList.remove("called");
    byId("staff-text").dataset.t = "staff.call";
    texts.setLanguage(texts.browserLanguage());
    showView(this.connection.ready ? "welcome" : "connecting");
  }
}
