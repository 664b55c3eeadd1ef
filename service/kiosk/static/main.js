// Entry of the page: its texts, this kiosk's key, the connection, and the action of each button.

import * as absence from "./absence.js";
import { Camera } from "./camera.js";
import { Connection } from "./connection.js";
import * as key from "./key.js";
import { Overlay } from "./overlay.js";
import { Registration } from "./registration.js";
import * as texts from "./texts.js";
import { byId, openDialog, showToast, showView } from "./view.js";

const ADDRESS = `${location.protocol === "http:" ? "ws" : "wss"}://${location.host}/v1/stream`;
const VIEWS_WITHOUT_WATCH = new Set(["setup", "connecting", "welcome", "verifying", "stopping", "result", "closed", "ended"]);
let registration = null;

/** Actions of buttons, by their attribute `data-do`. */
const ACTIONS = {
  welcome: () => registration.welcome(),
  notice: showNotice,
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
  showView("notice");
  texts.setText(byId("notice-failed"), null);
  try {
    const answer = await fetch("/v1/privacy", { cache: "no-store" });
    const { pictures, retention_days: days } = await answer.json();
    const seconds = pictures.at_most_seconds_streaming;
    if (!(seconds > 0 && days > 0)) throw new Error("facts are missing");
    Object.assign(texts.facts, { seconds, days });
    texts.refresh();
    byId("agree").disabled = byId("notice-facts").hidden = false;
  } catch {
    byId("agree").disabled = byId("notice-facts").hidden = true;
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

await texts.load();
addListeners();
const device = await key.load();
if (device) connect(device);
else showView("setup");
