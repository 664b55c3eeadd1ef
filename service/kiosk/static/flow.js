// One registration, from the applicant's consent to the verdict: what the server says decides what is shown.

import { Challenge, seconds } from "./challenge.js";
import * as gauge from "./gauge.js";
import * as idle from "./idle.js";
import * as instruction from "./instruction.js";
import { Taking } from "./taking.js";
import { by, ended, remark, result, show, steps, trouble } from "./view.js";
import * as words from "./words.js";

const CLEARS_S = 60;
const OVER = new Set([
  "session_lapsed", "session_unknown", "session_used", "challenges_used", "device_locked", "rate_limited",
  "store_unavailable", "internal",
]);
const small = () => matchMedia("(pointer: coarse)").matches && Math.min(screen.width, screen.height) < 600;

export class Flow {
  constructor(link, camera, overlay) {
    Object.assign(this, { link, camera, overlay, stage: null, stages: [], options: {}, reason: null });
    this.taking = new Taking(camera, link);
    this.challenge = new Challenge(camera, link);
    link.addEventListener("message", ({ detail }) => this[`on_${detail.type}`]?.(detail));
    link.addEventListener("up", () => this.#up());
    link.addEventListener("down", () => this.#down());
    link.addEventListener("refused", ({ detail }) => this.#closed(detail));
    camera.addEventListener("lost", () => this.#lost());
  }

  /** Whether pictures of somebody may be held. */
  get open() {
    return Boolean(this.link.session);
  }

  /** The applicant agreed: the camera first, so that who refuses it has begun nothing. */
  async begin() {
    this.agreed = true;
    if (await this.#camera("card_front")) this.#start();
  }

  /** The camera again, after it was refused or lost, or the pictures again after a `retry`. */
  async again() {
    if (!this.open) await this.begin();
    else if (await this.#camera(this.stage)) this.#enter(this.stage, 0);
  }

  ready() {
    show("capture");
    this.challenge.count(() => this.link.say({ type: "ready", camera: this.camera.report }));
  }

  /** What the applicant cannot do; told at once where a challenge is next. */
  choose(options) {
    this.options = options;
    if (this.stage === "liveness") this.link.say({ type: "options", options });
    if (document.body.dataset.view === "intro") this.#intro();
  }

  speak(language) {
    if (this.open) this.link.say({ type: "language", language });
  }

  /** The stage before this one, or null. */
  get before() {
    const place = this.stages.indexOf(this.stage);
    return this.open && place > 0 && this.stage !== "finish" ? this.stages[place - 1] : null;
  }

  retake() {
    if (this.before) this.link.say({ type: "retake", stage: this.before });
  }

  /** Stop, for a reason that `ended` has a sentence for. */
  cancel(code) {
    const told = this.open && this.link.say({ type: "cancel" });
    const offline = this.open && !told;
    this.#leave();
    ended(offline ? "cancelled_offline" : code);
  }

  on_session(message) {
    const cut = message.resumed && this.stage;
    if (!message.resumed) this.taking.began = performance.now();
    this.stages = message.stages;
    const lost = cut && message.stages.indexOf(message.stage) < message.stages.indexOf(this.stage);
    if (cut) remark(lost ? "restarted" : "resumed");
    this.reason = cut && message.stage === "liveness" ? "cut" : null;
    this.#enter(message.stage, 0);
  }

  on_stage(message) {
    this.challenge.stop();
    this.reason = message.again;
    if (message.stage !== this.stage && message.stage !== "finish" && !message.again) {
      remark("stage.done", { stage: words.say(`stage.${message.stage}`) });
    }
    this.#enter(message.stage);
  }

  on_guidance(message) {
    if (message.stage !== this.stage) return;
    if (message.corners || message.box) idle.stir();
    this.taking.heed(message);
    if (message.stage === "liveness") {
      this.challenge.heed(message);
      return;
    }
    instruction.heed(message.hint);
    this.overlay.update(message);
    gauge.update(message, this.camera.mirrored);
    steps(this.stages, this.stage, message.progress);
  }

  on_challenge({ challenge }) {
    if (this.challenge.running) this.challenge.play(challenge);
  }

  on_verifying() {
    this.taking.pause();
    this.camera.close();
    this.overlay.clear();
    show("verifying");
  }

  on_verdict(message) {
    this.#leave();
    result(message);
    this.#clear(CLEARS_S);
  }

  on_retry(message) {
    this.taking.pause();
    this.stage = message.stage;
    words.quote(by("retry-text"), message.sentence);
    const left = message.attempts_left;
    words.put(by("retry-left"), left > 1 ? "retry.left" : left === 1 ? "retry.left.one" : "retry.none", { count: left });
    by("retry-go").hidden = left === 0;
    by("retry-end").hidden = left > 0;
    if (left === 0) this.#leave();
    show("retry");
  }

  on_staff_called() {
    by("staff-button").classList.add("called");
    by("staff-text").dataset.t = "staff.called";
    words.refresh();
    remark("staff.called");
  }

  on_error({ code, fatal, retry_after: wait }) {
    if (fatal) return; // the connection closes next, and is opened again where that is of use
    if (code === "busy" && document.body.dataset.view === "verifying") {
      setTimeout(() => this.link.say({ type: "finish" }), (wait ?? 2) * 1000);
    } else if (code === "session_expired") remark("ended.session_expired");
    else if (code === "consent_missing") show("notice");
    else if (code === "message_unexpected" && this.challenge.running) this.#enter("liveness");
    else if (OVER.has(code) || code === "busy") {
      if (this.open) this.link.say({ type: "cancel" });
      this.#leave();
      ended(code);
    }
  }

  async #enter(stage) {
    this.stage = stage;
    document.body.dataset.stage = stage;
    this.taking.pause();
    this.challenge.stop();
    this.overlay.clear();
    if (stage === "finish") {
      this.link.say({ type: "finish" });
      show("verifying");
    } else if (!(await this.#camera(stage)) || this.stage !== stage) return;
    else if (stage === "liveness") this.#introduce();
    else this.#capture(stage);
  }

  #capture(stage) {
    const face = stage === "selfie";
    words.put(by("stage-name"), `stage.${stage}`);
    instruction.begin(face ? "wait.face" : "wait");
    steps(this.stages, stage, 0);
    gauge.begin(!face);
    show("capture");
    this.overlay.begin(face);
    this.taking.begin(stage);
  }

  #introduce() {
    if (Object.keys(this.options).length) this.link.say({ type: "options", options: this.options });
    this.#intro();
    show("intro");
  }

  #intro() {
    words.put(by("intro-again"), this.reason ? `intro.again.${this.reason}` : null);
    words.put(by("intro-lead"), "intro.lead", { seconds: seconds(this.options) });
    words.put(by("intro-colours"), this.options.photosensitive ? "intro.nocolours" : "intro.colours");
    document.querySelector(".trail").classList.toggle("calm", Boolean(this.options.photosensitive));
  }

  /** Whether the camera that the stage needs is open; why not is shown. */
  async #camera(stage) {
    const facing = stage.startsWith("card") && small() ? "environment" : "user";
    if (!this.camera.live) show("camera");
    try {
      await this.camera.open(facing);
      return true;
    } catch (error) {
      trouble(error.name === "NotAllowedError" ? "refused" : "missing");
      return false;
    }
  }

  #start() {
    const { options } = this;
    const start = { type: "start", consent: true, language: words.language };
    if (Object.keys(options).length) start.options = options;
    this.starting = !this.link.say(start); // said as soon as the line is up
    if (this.starting) show("connecting");
  }

  #up() {
    const view = document.body.dataset.view;
    if (this.starting && this.agreed) this.#start();
    else if (!this.open && ["connecting", "offline", "setup"].includes(view)) show("welcome");
  }

  #down() {
    this.taking.pause();
    this.challenge.stop();
    const view = document.body.dataset.view;
    if (this.open) show("offline");
    else if (view === "welcome") show("connecting");
  }

  #closed(code) {
    this.#leave();
    words.put(by("closed-text"), words.has(`closed.${code}`) ? `closed.${code}` : "ended.internal");
    show("closed");
  }

  #lost() {
    this.taking.pause();
    this.challenge.stop();
    this.camera.close();
    this.overlay.clear();
    if (this.stage && this.stage !== "finish") trouble("lost");
  }

  /** Nothing of this applicant stays on the page. */
  #leave() {
    this.taking.pause();
    this.challenge.stop();
    this.camera.close();
    this.overlay.clear();
    this.link.drop();
    Object.assign(this, { stage: null, options: {}, reason: null, agreed: false, starting: false });
    by("choices").reset();
    delete document.body.dataset.stage;
    delete document.body.dataset.hint;
  }

  #clear(left) {
    clearTimeout(this.clearing);
    if (document.body.dataset.view !== "result") return;
    words.put(by("result-clears"), "result.clears", { seconds: left });
    if (left === 0) this.welcome();
    else this.clearing = setTimeout(() => this.#clear(left - 1), 1000);
  }

  /** The next applicant's first screen, in the language the browser is set to. */
  welcome() {
    this.#leave();
    by("result-list").replaceChildren();
    by("result-number").textContent = "";
    by("staff-button").classList.remove("called");
    by("staff-text").dataset.t = "staff.call";
    words.use(words.first());
    show(this.link.ready ? "welcome" : "connecting");
  }
}
