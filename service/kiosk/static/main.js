// Entry of the kiosk's page: this kiosk's key, what the address names, and the component that does the rest.

import "/capture/static/idproof-capture.js";
import * as key from "./key.js";

const STEP_UP = /^(su_[0-9A-HJKMNP-TV-Z]{26})(?:\.([A-Za-z0-9_-]{43}))?$/; // docs/stream.md
const REGISTRATION = /^reg_[0-9A-HJKMNP-TV-Z]{26}$/; // docs/after-refer.md
/** @type {any} */
const capture = document.querySelector("idproof-capture");
/** @type {(id: string) => any} */
const byId = (id) => document.getElementById(id);

async function enrol(event) {
  event.preventDefault();
  const device = await key.enrol(byId("device-key").value);
  byId("setup-wrong").hidden = Boolean(device);
  if (!device) return;
  byId("device-key").value = "";
  capture.device = device;
}

/** A relying party opens this page for one step-up (`/kiosk#su_…`, where face templates are kept with a dot and
 * what the holder's passkey gave), a counter or an office for one registration (`/kiosk#reg_…`). All of it leaves the
 * address at once. */
function takeAddress() {
  const id = location.hash.slice(1);
  const stepUp = STEP_UP.exec(id);
  if (!stepUp && !REGISTRATION.test(id)) return;
  history.replaceState(null, "", location.pathname);
  capture.take(stepUp ? { stepUp: stepUp[1], holderKey: stepUp[2] ?? null } : { registration: id });
}

function follow({ language, tag, title }) {
  document.documentElement.lang = tag;
  document.title = `idproof · ${title}`;
  return language;
}

capture.addEventListener("language", ({ detail }) => follow(detail));
follow(capture.language);
byId("setup").addEventListener("submit", enrol);
capture.device = await key.load();
takeAddress();
addEventListener("hashchange", takeAddress);
