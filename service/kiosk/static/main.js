// Entry of the page: its texts, this kiosk's key, the connection, and the action of each button.

import * as absence from "./absence.js";
import { Camera } from "./camera.js";
import { Connection } from "./connection.js";
import { byId } from "./dom.js";
import * as key from "./key.js";
import { Overlay } from "./overlay.js";
import { Registration } from "./registration.js";
import * as texts from "./texts.js";
import { openDialog, showToast, showView } from "./view.js";

const ADDRESS = `${location.protocol === "http:" ? "ws" : "wss"}://${location.host}/v1/stream`;
const STEP_UP = /^(su_[0-9A-HJKMNP-TV-Z]{26})(?:\.([A-Za-z0-9_-]{43}))?$/; // docs/stream.md
const REGISTRATION = /^reg_[0-9A-HJKMNP-TV-Z]{26}$/; // docs/after-refer.md
const VIEWS_WITHOUT_WATCH = new Set(["setup", "connecting", "welcome", "verifying", "stopping", "result", "closed", "ended"]);
let registration = null;
let named = null; // of the address, until a device is connected

/** Actions of buttons, by their attribute `data-do`. */
const ACTIONS = {
  welcome: () => registration.welcome(),
  notice: showNotice,
  again() {
    registration.result.clear();
    showNotice();
  },
  guardian() {
    registration.goOnWithGuardian();
    showNotice();
  },
  "guardian-agree": () => registration.guardian.agree(),
  ticket: () => registration.result.askForTicket(),
  agree: () => registration.begin(),
  decline: () => registration.cancel("declined"),
  camera: () => registration.again(),
  ready: () => registration.ready(),
  help() {
    byId("retake").hidden = !registration?.previousStage;
    openDialog("help");
  },
  "close-help": () => byId("help").close(),
  retake() {
    byId("help").close();
    registration.retake();
  },
  confirmed: () => registration.confirmed(),
  passkey: () => registration.result.passkey.ask(),
  wallet: () => registration.result.askForCredential(),
  "wallet-code": () => registration.result.wallet.toggleCode(),
  stop: () => openDialog("stop"),
  "close-stop": () => byId("stop").close(),
  cancel: () => registration.cancel("cancelled"),
  here: absence.noteActivity,
  staff() {
    byId("help").close();
    if (!registration?.connection.send({ type: "staff" })) showToast("staff.failed");
  },
  setup: () => showView("setup"),
};

/** Show what happens to the pictures, as the service states it; without that nothing begins. */
async function showNotice() {
  const of = registration.stepUp ? "notice.step_up" : "notice";
  byId("notice-lead").dataset.t = `${of}.lead`;
  byId("notice-kept").dataset.t = `${of}.kept.text`;
  texts.refresh();
  showView("notice");
  texts.setText(byId("notice-failed"), null);
  byId("agree").disabled = byId("notice-facts").hidden = true;
  try {
    const answer = await fetch("/v1/privacy", { cache: "no-store" });
    const { pictures, templates, retention_days: days } = await answer.json();
    const seconds = pictures.at_most_seconds_streaming;
    const sealed = pictures.sealed_for_reviewers_seconds;
    const waits = templates.wait_for_passkeys_seconds;
    if (!(seconds > 0 && days > 0 && sealed >= 0 && waits >= 0)) throw new Error("facts are missing");
    const minutes = Math.ceil(sealed / 60);
    Object.assign(texts.facts, { seconds, days, minutes, templateMinutes: Math.ceil(waits / 60) });
    byId("notice-sealed").hidden = sealed === 0;
    byId("notice-template").hidden = waits === 0 || Boolean(registration.stepUp);
    if (waits && registration.stepUp) byId("notice-lead").dataset.t = "notice.step_up.lead.template";
    texts.setText(byId("notice-pictures"), sealed ? "notice.pictures.but" : "notice.pictures");
    texts.refresh();
    byId("agree").disabled = byId("notice-facts").hidden = false;
  } catch {
    texts.setText(byId("notice-failed"), "notice.failed");
  }
}

function connect(device) {
  registration?.connection.close();
  const connection = new Connection(device, ADDRESS);
  const camera = registration?.camera ?? new Camera(byId("video"));
  const overlay = registration?.overlay ?? new Overlay(byId("overlay"), byId("finder"), camera);
  registration = new Registration(connection, camera, overlay);
  showView("connecting");
  connection.open();
  takeNamed();
}

async function enrol(event) {
  event.preventDefault();
  const device = await key.enrol(byId("device-key").value);
  texts.setText(byId("setup-wrong"), device ? null : "setup.wrong");
  if (!device) return;
  byId("device-key").value = "";
  connect(device);
}

function addListeners() {
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button?.dataset.do) ACTIONS[button.dataset.do]();
    else if (button?.dataset.language) {
      texts.setLanguage(button.dataset.language);
      registration?.setLanguage(texts.language);
    }
  });
  byId("setup").addEventListener("submit", enrol);
  byId("choices").addEventListener("change", () => {
    const chosen = [...new FormData(byId("choices")).keys()].map((name) => [name, true]);
    registration?.setOptions(Object.fromEntries(chosen));
  });
  byId("permit").addEventListener("submit", (event) => {
    event.preventDefault();
    registration?.usePermit(byId("permit-code").value);
    byId("permit-code").value = "";
  });
  new MutationObserver(() => {
    byId("stop-button").hidden = !registration?.inSession || document.body.dataset.view === "stopping";
  }).observe(document.body, { attributes: true, attributeFilter: ["data-view", "data-stage"] });
  absence.watch(
    () => Boolean(registration) && !VIEWS_WITHOUT_WATCH.has(document.body.dataset.view) && !registration.challenge.running,
    () => registration.cancel("idle"),
  );
}

/** A relying party opens this page for one step-up (`/kiosk#su_…`, where face templates are kept with a dot and
 * what the holder's passkey gave), a counter or an office for one registration (`/kiosk#reg_…`). All of it leaves the
 * address at once. */
function takeAddress() {
  const id = location.hash.slice(1);
  if (!STEP_UP.test(id) && !REGISTRATION.test(id)) return;
  history.replaceState(null, "", location.pathname);
  named = id;
  takeNamed();
}

/** Take what the address named, unless an applicant stands here. */
function takeNamed() {
  if (!named || !registration || registration.inSession) return;
  const stepUp = STEP_UP.exec(named);
  if (stepUp) registration.takeStepUp(stepUp[1], stepUp[2] ?? null);
  else registration.takeRegistration(named);
  named = null;
}

await texts.load();
addListeners();
const device = await key.load();
if (device) connect(device);
else showView("setup");
takeAddress();
addEventListener("hashchange", takeAddress);
