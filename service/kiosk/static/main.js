// The page begins here: its words, this kiosk's key, the connection, and what each button does.

import { Camera } from "./camera.js";
import { Flow } from "./flow.js";
import * as idle from "./idle.js";
import * as key from "./key.js";
import { Link } from "./link.js";
import { Overlay } from "./overlay.js";
import { ask, by, remark, show } from "./view.js";
import * as words from "./words.js";

const ADDRESS = `${location.protocol === "http:" ? "ws" : "wss"}://${location.host}/v1/stream`;
const UNWATCHED = new Set(["setup", "connecting", "welcome", "verifying", "result", "closed", "ended"]);
let flow = null;

/** Buttons with `data-do`, by its value. */
const DEEDS = {
  welcome: () => flow.welcome(),
  notice,
  agree: () => flow.begin(),
  decline: () => flow.cancel("declined"),
  camera: () => flow.again(),
  ready: () => flow.ready(),
  help() {
    by("retake").hidden = !flow?.before;
    ask("help");
  },
  "close-help": () => by("help").close(),
  retake() {
    by("help").close();
    flow.retake();
  },
  stop: () => ask("stop"),
  "close-stop": () => by("stop").close(),
  cancel: () => flow.cancel("cancelled"),
  here: idle.stir,
  staff() {
    by("help").close();
    if (!flow?.link.say({ type: "staff" })) remark("staff.failed");
  },
  setup: () => show("setup"),
};

/** What happens to the pictures, from the service itself: without it nothing begins. */
async function notice() {
  show("notice");
  words.put(by("notice-failed"), null);
  try {
    const answer = await fetch("/v1/privacy", { cache: "no-store" });
    const { pictures, retention_days: days } = await answer.json();
    const seconds = pictures.at_most_seconds_streaming;
    if (!(seconds > 0 && days > 0)) throw new Error("no such facts");
    Object.assign(words.facts, { seconds, days });
    words.refresh();
    by("agree").disabled = by("notice-facts").hidden = false;
  } catch {
    by("agree").disabled = by("notice-facts").hidden = true;
    words.put(by("notice-failed"), "notice.failed");
  }
}

function connect(device) {
  flow?.link.end();
  const link = new Link(device, ADDRESS);
  const camera = flow?.camera ?? new Camera(by("video"));
  const overlay = flow?.overlay ?? new Overlay(by("overlay"), by("finder"), camera);
  flow = new Flow(link, camera, overlay);
  show("connecting");
  link.open();
}

async function enrol(event) {
  event.preventDefault();
  const device = await key.enrol(by("device-key").value);
  words.put(by("setup-wrong"), device ? null : "setup.wrong");
  if (!device) return;
  by("device-key").value = "";
  connect(device);
}

function listen() {
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button?.dataset.do) DEEDS[button.dataset.do]();
    else if (button?.dataset.language) {
      words.use(button.dataset.language);
      flow?.speak(words.language);
    }
  });
  by("setup").addEventListener("submit", enrol);
  by("choices").addEventListener("change", () => {
    const chosen = [...new FormData(by("choices")).keys()].map((name) => [name, true]);
    flow?.choose(Object.fromEntries(chosen));
  });
  new MutationObserver(() => {
    by("stop-button").hidden = !flow?.open;
  }).observe(document.body, { attributes: true, attributeFilter: ["data-view", "data-stage"] });
  idle.watch(
    () => Boolean(flow) && !UNWATCHED.has(document.body.dataset.view) && !flow.challenge.running,
    () => flow.cancel("idle"),
  );
}

await words.load();
listen();
const device = await key.load();
if (device) connect(device);
else show("setup");
