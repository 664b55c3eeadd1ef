// The component's inside, from its connection to the action of each button.

import * as absence from "./absence.js";
import { Camera } from "./camera.js";
import { Connection } from "./connection.js";
import { DeviceCheck } from "./device_check.js";
import { byId, page } from "./dom.js";
import { reportHealth } from "./health.js";
import { Overlay } from "./overlay.js";
import { Registration } from "./registration.js";
import * as speech from "./speech.js";
import * as texts from "./texts.js";
import { isPhone, openDialog, showToast, showView } from "./view.js";

const VIEWS_WITHOUT_WATCH = new Set(["setup", "connecting", "welcome", "verifying", "stopping", "result", "closed", "ended", "finished", "handoff", "compare"]);

/** The buttons of a component. `close()` ends it: connection, camera and timers. */
export class Controls {
  shadow;
  spoken;

  constructor(shadow, { spoken = false } = {}) {
    // On a telephone the voice waits to be switched on: people use their own screen reader there.
    Object.assign(this, { shadow, spoken: spoken && !isPhone(), registration: null, named: null });
    this.actions = this.#actions();
    this.aborter = new AbortController();
    this.#listen(this.aborter.signal);
    this.endWatch = absence.watch(() => this.#watched, () => this.registration.cancel("idle"));
  }

  /** Address of the service: the page may set it before a device or token. */
  get service() {
    return this.shadow.host.getAttribute("service") ?? location.origin;
  }

  /** True while a session is open, so that the server may hold pictures. */
  get inSession() {
    return Boolean(this.registration?.inSession);
  }

  /** Connect as a device: its id, and its key as an HMAC key of WebCrypto. */
  connect(device) {
    this.registration?.close();
    const address = new URL("/v1/stream", this.service);
    address.protocol = address.protocol === "http:" ? "ws:" : "wss:";
    const connection = new Connection(device, address.href);
    const camera = this.registration?.camera ?? new Camera(byId("video"));
    const overlay = this.registration?.overlay ?? new Overlay(byId("overlay"), byId("finder"), camera);
    this.registration = new Registration(connection, camera, overlay);
    this.registration.spoken = this.spoken;
    this.check = new DeviceCheck(camera, (health) => reportHealth(connection, health));
    connection.addEventListener("up", () => reportHealth(connection));
    camera.addEventListener("lost", () => reportHealth(connection, { state: "lost" }));
    showView("connecting");
    connection.open();
    this.#takeNamed();
  }

  /** Capture for a registration or a step-up that was opened elsewhere, unless an applicant stands here. */
  take(named) {
    this.named = named;
    this.#takeNamed();
  }

  /** Leave nothing: neither connection nor camera nor timers. */
  close() {
    this.aborter.abort();
    speech.forget();
    this.endWatch();
    this.observer.disconnect();
    this.registration?.close();
  }

  #takeNamed() {
    const { named, registration } = this;
    if (!named || !registration || this.inSession) return;
    if (named.stepUp) registration.takeStepUp(named.stepUp, named.holderKey ?? null);
    else registration.takeRegistration(named.registration);
    this.named = null;
  }

  get #watched() {
    return Boolean(this.registration) && !VIEWS_WITHOUT_WATCH.has(page().dataset.view) && !this.registration.challenge.running;
  }

  /** Actions of buttons, by their attribute `data-do`. */
  #actions() {
    const of = () => this.registration;
    return {
      welcome: () => of().welcome(),
      notice: () => this.#showNotice(),
      again: () => {
        of().result.clear();
        this.#showNotice();
      },
      guardian: () => {
        of().goOnWithGuardian();
        this.#showNotice();
      },
      "guardian-agree": () => of().guardian.agree(),
      ticket: () => of().result.askForTicket(),
      agree: () => of().begin(),
      decline: () => of().cancel("declined"),
      camera: () => of().again(),
      ready: () => of().ready(),
      check: () => {
        byId("help").close();
        if (!this.inSession) this.check?.run();
      },
      "close-check": () => byId("check").close(),
      torch: () => this.#switchTorch(),
      help: () => {
        byId("check-open").hidden = this.inSession || !of();
        byId("retake").hidden = !of()?.previousStage;
        openDialog("help");
      },
      "close-help": () => byId("help").close(),
      retake: () => {
        byId("help").close();
        of().retake();
      },
      confirmed: () => of().confirmed(),
      passkey: () => of().result.passkey.ask(),
      wallet: () => of().result.askForCredential(),
      "wallet-code": () => of().result.wallet.toggleCode(),
      stop: () => openDialog("stop"),
      "close-stop": () => byId("stop").close(),
      interrupt: () => {
        of().interrupt();
        openDialog("stop");
      },
      extend: () => of().deadline.extend(),
      "close-extend": () => byId("extend").close(),
      voice: () => speech.set(!speech.isOn()),
      "say-again": () => speech.again(),
      cancel: () => of().cancel("cancelled"),
      here: () => absence.noteActivity(),
      staff: () => {
        byId("help").close();
        if (!of()?.connection.send({ type: "staff" })) showToast("staff.failed");
      },
      setup: () => showView("setup"),
      handoff: () => of().handOff.ask(),
      "handoff-confirm": () => of().handOff.confirm(),
      "handoff-cancel": () => of().handOff.cancel(),
    };
  }

  #listen(signal) {
    this.shadow.addEventListener("click", (event) => this.#click(event), { signal });
    byId("choices").addEventListener("change", () => {
      const chosen = [...new FormData(byId("choices")).keys()].map((name) => [name, true]);
      this.registration?.setOptions(Object.fromEntries(chosen));
    }, { signal });
    byId("permit").addEventListener("submit", (event) => {
      event.preventDefault();
      this.registration?.usePermit(byId("permit-code").value);
      byId("permit-code").value = "";
    }, { signal });
    byId("check").addEventListener("close", () => this.check?.close(), { signal });
    byId("check-camera").addEventListener("change", ({ target }) => this.check.run(target.value), { signal });
    byId("stop").addEventListener("close", () => this.registration?.goOn(), { signal });
    speech.events.addEventListener("change", () => this.#showVoice(), { signal });
    for (const kind of ["begin", "end"]) speech.events.addEventListener(kind, (/** @type {any} */ event) => this.#caption(event), { signal });
    speech.set(this.spoken, { silent: true });
    this.#showVoice();
    this.observer = new MutationObserver(() => {
      byId("stop-button").hidden = !this.inSession || page().dataset.view === "stopping";
      const ofCard = page().dataset.view === "capture" && page().dataset.stage?.startsWith("card");
      byId("torch-button").hidden = !ofCard || !this.registration?.camera.hasTorch;
      if (!ofCard) this.lit = false;
    });
    this.observer.observe(page(), { attributes: true, attributeFilter: ["data-view", "data-stage"] });
  }

  /** The lamp is for the card: the face is lit by the screen. */
  #switchTorch() {
    this.lit = !this.lit;
    this.registration.camera.setTorch(this.lit);
    byId("torch-button").dataset.t = this.lit ? "torch.off" : "torch.on";
    texts.refresh();
  }

  #showVoice() {
    const on = speech.isOn();
    for (const name of ["voice", "welcome-voice"]) {
      byId(`${name}-button`).setAttribute("aria-checked", String(on));
      byId(`${name}-text`).dataset.t = on ? "voice.on" : "voice.off";
      byId(`${name}-use`).setAttribute("href", on ? "#i-voice" : "#i-mute");
    }
    byId("again-button").hidden = !on;
    texts.refresh();
  }

  /** Show the words of what is said where the screen does not show them already. */
  #caption({ type, detail }) {
    const shown = type === "begin" && detail.key.startsWith("spoken.");
    texts.setText(byId("caption"), shown ? detail.key : null);
  }

  #click(event) {
    if (event.target.closest(".skip")) { // an address does not lead into a component
      event.preventDefault();
      byId("main").focus();
    }
    const button = event.target.closest("button");
    if (button?.dataset.do) this.actions[button.dataset.do]();
    else if (button?.dataset.language) {
      texts.setLanguage(button.dataset.language);
      speech.again();
      this.registration?.setLanguage(texts.language);
    }
  }

  /** The service's statement of the pictures: a page with a token got it when it connected. */
  async #privacy() {
    const told = this.registration.connection.welcome?.privacy;
    if (told) return told;
    const answer = await fetch(new URL("/v1/privacy", this.service), { cache: "no-store" });
    return answer.json();
  }

  /** Show what happens to the pictures, as the service states it; without that nothing begins. */
  async #showNotice() {
    const stepUp = Boolean(this.registration.stepUp);
    const of = stepUp ? "notice.step_up" : "notice";
    byId("notice-lead").dataset.t = `${of}.lead`;
    byId("notice-kept").dataset.t = `${of}.kept.text`;
    texts.refresh();
    showView("notice");
    texts.setText(byId("notice-failed"), null);
    byId("agree").disabled = byId("notice-facts").hidden = true;
    try {
      const { pictures, templates, retention_days: days } = await this.#privacy();
      const seconds = pictures.at_most_seconds_streaming;
      const sealed = pictures.sealed_for_reviewers_seconds;
      const waits = templates.wait_for_passkeys_seconds;
      if (!(seconds > 0 && days > 0 && sealed >= 0 && waits >= 0)) throw new Error("facts are missing");
      const minutes = Math.ceil(sealed / 60);
      Object.assign(texts.facts, { seconds, days, minutes, templateMinutes: Math.ceil(waits / 60) });
      byId("notice-sealed").hidden = sealed === 0;
      byId("notice-template").hidden = waits === 0 || stepUp;
      if (waits && stepUp) byId("notice-lead").dataset.t = "notice.step_up.lead.template";
      texts.setText(byId("notice-pictures"), sealed ? "notice.pictures.but" : "notice.pictures");
      texts.refresh();
      byId("agree").disabled = byId("notice-facts").hidden = false;
    } catch {
      texts.setText(byId("notice-failed"), "notice.failed");
    }
  }
}
