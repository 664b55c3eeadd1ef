// One registration, from the applicant's consent to the verdict: what the applicant does, and the captures.
// `ServerMessages` decides what is shown next.

import { CardLight } from "./card_light.js";
import { Challenge, durationSeconds } from "./challenge.js";
import { Deadline } from "./deadline.js";
import { byId, emit, page } from "./dom.js";
import { FrameSender } from "./frame_sender.js";
import { Guardian } from "./guardian.js";
import { HandOff } from "./hand_off.js";
import { reportHealth, reportOpened } from "./health.js";
import * as instruction from "./instruction.js";
import { Permit } from "./permit.js";
import * as pose from "./pose.js";
import { Result } from "./result.js";
import { ServerMessages } from "./server_messages.js";
import * as speech from "./speech.js";
import * as texts from "./texts.js";
import { isPhone, showCameraTrouble, showClosed, showEnded, showSteps, showView } from "./view.js";

const STOP_MS = 10_000; // within which the server deletes; then the connection is opened anew. Chosen by hand
const CHECK_MARGIN_S = 10; // beyond the lifetime of the pictures, when any verification has ended. Chosen by hand

export class Registration {
  spoken;
  connection;
  camera;
  stages;
  overlay;
  picturesS;
  poses;
  reason;

  constructor(connection, camera, overlay) {
    Object.assign(this, { connection, camera, overlay, stage: null, stages: [], options: {}, reason: null });
    this.sender = new FrameSender(camera, connection);
    this.challenge = new Challenge(camera, connection);
    this.result = new Result(connection, () => this.welcome());
    this.cardLight = new CardLight(camera);
    this.guardian = new Guardian(connection);
    this.permit = new Permit();
    this.deadline = new Deadline(this);
    this.held = false; // the pictures are gone, and nothing begins again before the applicant says so
    this.stepUp = null; // id of the step-up that this page was opened for
    this.holderKey = null; // what the holder's passkey gave for it, or null
    this.named = null; // id of the registration that the next session continues
    this.visit = null; // id of the registration that an officer opened this page for
    this.messages = new ServerMessages(this);
    this.over = false; // a token's one session has ended
    this.handOff = new HandOff(this);
    connection.addEventListener("up", () => this.#connected());
    connection.addEventListener("down", ({ detail }) => this.#disconnected(detail));
    connection.addEventListener("refused", ({ detail }) => this.#refused(detail));
    camera.addEventListener("lost", () => this.#cameraLost());
  }

  /** True for a page with a capture token: it has one session, and nobody else stands there afterwards. */
  get oneTime() {
    return this.connection.device.token === true;
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

  /** True while the applicant is asked for movements or light, when no dialog may come between. */
  get busy() {
    return this.challenge.running || Boolean(this.cardLight.light);
  }

  /** Open the camera again after it was refused or lost, or capture again after a `retry` or when the time was over. */
  async again() {
    this.held = false;
    if (!this.inSession) await this.begin();
    else if (await this.#openCamera(this.stage)) this.enter(this.stage);
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
    this.enter(this.stage);
  }

  ready() {
    showView("capture");
    this.challenge.countDown(() => this.connection.send({ type: "ready", camera: this.camera.report }));
  }

  /** Note what the applicant cannot do; report it at once if a challenge is next. */
  setOptions(options) {
    this.options = options;
    if (this.stage === "liveness") this.sendOptions();
    if (page().dataset.view === "intro") this.#describeChallenge();
  }

  /** Take a code of staff: it is used at once if a challenge is next, else with the session or before the challenge. */
  usePermit(typed) {
    if (this.permit.note(typed) && this.stage === "liveness") this.sendOptions();
  }

  /** The pictures are gone: say so, and wait for the applicant. `key` is of the sentence that says why. */
  hold(key) {
    this.held = true;
    this.#stopCapture();
    texts.setText(byId("expired-text"), key);
    showView("expired", ["expired.title", key]);
  }

  /** Leave the challenge for the question whether to stop; `goOn` leads back to its beginning. */
  interrupt() {
    this.interrupted = this.busy;
    this.challenge.stop();
    this.cardLight.stop();
  }

  goOn() {
    if (this.interrupted && this.inSession && !this.stopping) this.enter(this.stage);
    this.interrupted = false;
  }

  setLanguage(language) {
    if (!this.inSession) return;
    this.connection.send({ type: "language", language });
    if (page().dataset.view === "guardian") this.guardian.ask(this.connection.session);
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
      this.showOver(code);
      return;
    }
    this.#stopCapture();
    this.stopping = code;
    if (!this.sendCancel()) this.#stopOffline();
    else {
      showView("stopping");
      this.waitFor(STOP_MS, () => {
        this.#stopOffline();
        this.connection.restart();
      });
    }
  }

  /** Report what the applicant cannot do, with a code of staff if one was typed. */
  sendOptions() {
    const message = { type: "options", session: this.connection.session, options: this.options };
    this.connection.send(this.permit.addTo(message));
  }

  /** Leave the session, which is over, and show the sentence `ended.*` of its end. */
  showOver(code) {
    if (this.inSession && this.oneTime) this.over = true;
    this.leaveSession();
    showEnded(code);
  }

  sendCancel() {
    return this.connection.send({ type: "cancel", session: this.connection.session });
  }

  /** Show that the server checks, for as long as it can hold the pictures: after that no answer comes. */
  showChecking() {
    this.sender.pause();
    this.camera.close();
    this.overlay.clear();
    showView("verifying");
    const { left } = this.deadline;
    this.deadline.stop();
    this.waitFor((left + CHECK_MARGIN_S) * 1000, () => this.cancel("internal"));
  }

  /** Do this after a while, unless the registration goes on before. */
  waitFor(ms, action) {
    this.stopWaiting();
    this.timer = setTimeout(action, ms);
  }

  /** Do not do what `waitFor` was to do. */
  stopWaiting() {
    clearTimeout(this.timer);
  }

  /** Show a stage, and open the camera that it needs. */
  async enter(stage) {
    this.stopWaiting();
    this.stage = stage;
    page().dataset.stage = stage;
    this.sender.pause();
    this.challenge.stop();
    this.cardLight.stop();
    this.overlay.clear();
    if (stage === "finish" || stage === "verifying") {
      if (stage === "finish") this.connection.send({ type: "finish", session: this.connection.session });
      this.showChecking();
    } else if (!(await this.#openCamera(stage)) || this.stage !== stage) return;
    else if (stage === "liveness") this.#beginLiveness();
    else this.#beginCapture(stage);
  }

  /** Leave nothing of this applicant on the page. */
  leaveSession() {
    this.stopWaiting();
    this.#stopCapture();
    this.connection.leaveSession();
    this.deadline.stop();
    this.held = this.interrupted = false;
    Object.assign(this, { stage: null, options: {}, reason: null, agreed: false, starting: false, stopping: null });
    this.permit.forget();
    byId("choices").reset();
    byId("permit").reset();
    delete page().dataset.stage;
    delete page().dataset.hint;
  }

  /** End: the component is gone, or another device takes its place. */
  close() {
    this.stopWaiting();
    this.#stopCapture();
    this.sender.close();
    this.result.clear();
    this.connection.close();
  }

  /** Stop without a connection: the server gets to know as soon as there is one again. */
  #stopOffline() {
    const checking = ["finish", "verifying"].includes(this.stage);
    this.connection.stopLater();
    this.showOver(checking ? "cancelled_offline_checking" : "cancelled_offline");
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
    if (Object.keys(this.options).length || this.permit.code) this.sendOptions();
    this.#describeChallenge();
    showView("intro");
  }

  #describeChallenge() {
    texts.setText(byId("intro-again"), this.reason ? `intro.again.${this.reason}` : null);
    texts.setText(byId("intro-lead"), "intro.lead", { seconds: durationSeconds(this.options) });
    texts.setText(byId("intro-colours"), this.options.photosensitive ? "intro.nocolours" : "intro.colours");
    byId("trail").classList.toggle("calm", Boolean(this.options.photosensitive));
  }

  /** Open the camera that the stage needs; false, with the reason shown, if that fails. */
  async #openCamera(stage) {
    const facing = stage.startsWith("card") && isPhone() ? "environment" : "user";
    if (!this.camera.live) showView("camera");
    try {
      await this.camera.open(facing);
      reportOpened(this.connection, this.camera.size);
      if (!this.agreed) this.camera.close(); // the applicant left meanwhile
      return this.agreed;
    } catch (error) {
      if (error.name === "AbortError") return false; // closed meanwhile: whoever closed it says what is shown
      const kind = error.name === "NotAllowedError" ? "refused" : "missing";
      reportHealth(this.connection, { state: kind });
      showCameraTrouble(kind);
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
    const view = page().dataset.view;
    byId("welcome-young").hidden = !this.connection.guardians;
    this.handOff.connected();
    emit("ready", {});
    if (this.starting && this.agreed) this.#startSession();
    else if (!this.inSession && ["connecting", "offline", "setup", "taken"].includes(view)) this.#showFirst();
  }

  #disconnected({ starting }) {
    this.sender.pause();
    this.challenge.stop();
    this.cardLight.stop();
    this.stopWaiting();
    const view = page().dataset.view;
    if (this.stopping) this.#stopOffline();
    else if (this.inSession) showView("offline");
    else if (starting && this.agreed) {
      this.starting = true; // nobody knows whether the session began
      showView("connecting");
    } else if (view === "welcome") showView("connecting");
  }

  #refused(code) {
    const { over } = this;
    this.leaveSession();
    if (!over) showClosed(code, this.oneTime); // else the token was used up as it should be
  }

  #cameraLost() {
    this.#stopCapture();
    if (this.stage && this.stage !== "finish") showCameraTrouble("lost");
  }

  #stopCapture() {
    this.sender.pause();
    this.challenge.stop();
    this.cardLight.stop();
    this.camera.close();
    this.overlay.clear();
  }

  /** Show the next applicant's first screen, in the browser's language. A page that an officer opened closes. */
  welcome() {
    if (this.visit && page().dataset.view !== "welcome") close(); // not if the browser opened it by itself
    this.leaveSession();
    this.result.clear();
    this.guardian.forget();
    this.stepUp = this.holderKey = this.named = this.visit = null;
    byId("transaction-text").textContent = "";
    byId("staff-button").classList.remove("called");
    byId("staff-text").dataset.t = "staff.call";
    texts.reset();
    speech.forget();
    speech.set(this.spoken, { silent: true });
    if (this.over) showView("finished", []);
    else if (this.connection.ready) this.#showFirst();
    else showView("connecting");
  }

  /** Show the first screen, or that the other screen of a hand-off is to confirm this one. */
  #showFirst() {
    if (this.connection.comparison) this.handOff.compare(this.connection.comparison);
    else showView(this.stepUp ? "confirm" : "welcome");
  }
}
