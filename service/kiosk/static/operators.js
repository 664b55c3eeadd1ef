// The operators' page: counts of each device, requested every five seconds. The key is held in this module only.

import { byId, element } from "/capture/static/dom.js";
import english from "/capture/static/texts/en.js";
import simplified from "/capture/static/texts/zh-Hans.js";
import traditional from "/capture/static/texts/zh-Hant.js";
import * as texts from "/capture/static/texts.js";
import * as alarm from "./alarm.js";

const INTERVAL_MS = 5000; // chosen by hand
const DAY_MS = 86_400_000;
const HINTS = { en: english, "zh-Hant": traditional, "zh-Hans": simplified }; // what the applicants' page says
const FREE = new Set(["off", "idle"]);
let key = null;
let overview = null;
let asked = 0; // number of the newest request: an answer to an earlier one is not shown

const number = (value) => (value ?? "–").toString();
const sum = (name) => overview.devices.reduce((total, device) => total + (device[name] ?? 0), 0);
const day = (date) => date.toISOString().slice(0, 10);

function request(path, options = {}) {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  return fetch(path, { ...options, headers, cache: "no-store" });
}

/** The chosen days as a query; empty for everything since each enrolment. */
function period() {
  const chosen = ["since", "until"].filter((name) => byId(name).value).map((name) => [name, byId(name).value]);
  return chosen.length ? `?${new URLSearchParams(chosen)}` : "";
}

async function load() {
  const mine = ++asked;
  const answer = await request(`/v1/kiosks${period()}`).catch(() => null);
  const found = answer?.ok ? await answer.json() : null;
  if (mine !== asked) return;
  if (found) {
    showProblem(null);
    overview = found;
    show();
    return;
  }
  const refused = answer?.status === 401 || answer?.status === 403;
  if (refused) {
    byId("board").hidden = true;
    byId("enter").hidden = false;
  }
  if (!answer) showProblem("problem.away");
  else if (refused) showProblem(key ? "problem.key" : null);
  else if (answer.status === 422) showProblem("problem.period");
  else showProblem("problem.status", { status: answer.status });
}

function showProblem(name, values) {
  texts.setText(byId("problem"), name, values);
}

function show() {
  if (!overview) return;
  byId("enter").hidden = true;
  byId("board").hidden = false;
  const time = new Date(overview.at).toLocaleTimeString(texts.described().tag === "en" ? "en-GB" : texts.described().tag);
  texts.setText(byId("at"), "at", { time });
  showCalls();
  showNumbers();
  byId("devices").replaceChildren(...overview.devices.map(deviceRow));
  byId("hints").replaceChildren(...hintRows());
  byId("told").hidden = period() !== ""; // hints are not counted by day
}

const isCalling = (device) => Boolean(device.staff_called) && !device.staff_acknowledged;

function showCalls() {
  const calling = overview.devices.filter(isCalling);
  alarm.sound(calling.length > 0);
  document.title = `${calling.length ? `(${calling.length}) ` : ""}idproof · ${texts.format("page.title")}`;
  const shown = `${texts.language} ${calling.map(({ device }) => device)}`;
  if (byId("calls").dataset.shown === shown) return;
  byId("calls").dataset.shown = shown;
  const names = calling.map(({ name }) => name).join(", ");
  byId("calls").textContent = calling.length ? texts.format("call", { names }) : "";
}

function showNumbers() {
  const { places, waiting, devices } = overview;
  const finished = sum("finished");
  const busy = devices.filter(({ state }) => !FREE.has(state)).length;
  const shown = [
    ["places", places ? `${places.used} / ${places.of}` : "–"],
    ["waiting", number(waiting)],
    ["now", number(busy)],
    ["started", number(sum("started"))],
    ["finished", share(finished, sum("started"))],
    ...["accept", "refer", "reject"].map((name) => [name, share(sum(name), finished)]),
  ];
  const items = shown.map(([name, value]) => {
    const item = element("li");
    item.append(element("strong", value), element("span", texts.format(`number.${name}`)));
    return item;
  });
  byId("numbers").replaceChildren(...items);
}

function share(part, of) {
  return of ? texts.format("share", { part, of, percent: Math.round((100 * part) / of) }) : "–";
}

const seconds = (value) => (value === null || value === undefined ? "–" : texts.format("seconds", { seconds: value }));

function deviceRow(device) {
  const row = element("tr");
  const name = element("th", device.name);
  name.scope = "row";
  name.append(element("small", device.device));
  const { started, finished } = device;
  const rates = ["accept", "refer", "reject"].map((each) => share(device[each], finished));
  const counts = [number(started), share(finished, started), share(device.first_try, finished), ...rates];
  const rest = [seconds(device.median_s), seconds(device.p90_s), number(device.retries), number(device.cancelled), number(device.lapsed)];
  const cells = [...counts, ...rest].map((value) => element("td", value));
  row.append(name, stateCell(device), ...cells, cameraCell(device), element("td", device.software ?? "–", "left"));
  return row;
}

function stateCell(device) {
  const cell = element("td", "", "left");
  const called = Boolean(device.staff_called);
  const look = isCalling(device) ? "called" : called || !FREE.has(device.state) ? "busy" : "";
  const said = called ? "state.called" : `state.${device.state}`;
  cell.append(element("span", texts.has(said) ? texts.format(said) : device.state, `state ${look}`));
  if (isCalling(device)) {
    const seen = element("button", texts.format("call.seen"), "plain");
    seen.type = "button";
    seen.dataset.acknowledge = device.device;
    seen.setAttribute("aria-label", `${texts.format("call.seen")}: ${device.name}`);
    cell.append(seen);
  } else if (called) cell.append(element("small", texts.format("call.coming")));
  return cell;
}

function cameraCell({ camera, state: now }) {
  const cell = element("td", "", "left");
  const look = camera && camera.state !== "ok" && now !== "off" ? "called" : "";
  const state = camera?.state === "ok" && !camera.width ? "found" : (camera?.state ?? "unknown"); // "ok" without a size was not opened
  cell.append(element("span", texts.format(`camera.${state}`), `state ${look}`));
  if (camera?.width) {
    const rate = camera.frames_per_s ? `, ${Math.round(camera.frames_per_s)}/s` : "";
    cell.append(element("small", `${camera.width} × ${camera.height}${rate}`));
  }
  return cell;
}

function hintRows() {
  const all = new Map();
  for (const { hints: given } of overview.devices) {
    for (const [hint, { shown, sessions }] of Object.entries(given ?? {})) {
      const old = all.get(hint) ?? { shown: 0, sessions: 0 };
      all.set(hint, { shown: old.shown + shown, sessions: old.sessions + sessions });
    }
  }
  const begun = sum("started");
  return [...all].sort(([, a], [, b]) => b.sessions - a.sessions || b.shown - a.shown).map(([hint, count]) => {
    const row = element("tr");
    const name = element("th", HINTS[texts.language][`hint.${hint}`] ?? hint.replaceAll("_", " "));
    name.scope = "row";
    const bar = element("meter");
    bar.max = Math.max(1, begun);
    bar.value = count.sessions;
    bar.setAttribute("aria-label", share(count.sessions, begun));
    const last = element("td");
    last.append(bar);
    row.append(name, element("td", number(count.sessions)), element("td", number(count.shown)), last);
    return row;
  });
}

/** Save the table of the chosen days; a link cannot send the key, so the page fetches it. */
async function save() {
  const answer = await request(`/v1/kiosks/days.csv${period()}`).catch(() => null);
  if (!answer?.ok) {
    showProblem(answer?.status === 422 ? "problem.period" : "problem.away");
    return;
  }
  const link = element("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? "kiosks.csv";
  link.click();
  URL.revokeObjectURL(link.href);
}

function chooseDays(days) {
  const now = Date.now();
  byId("since").value = days ? day(new Date(now - (days - 1) * DAY_MS)) : "";
  byId("until").value = days ? day(new Date(now)) : "";
  load();
}

function switchSound() {
  alarm.set(!alarm.isOn);
  byId("sound").setAttribute("aria-checked", String(alarm.isOn));
  byId("sound").dataset.t = alarm.isOn ? "sound.on" : "sound.off";
  texts.refresh();
  show();
}

document.addEventListener("click", async ({ target }) => {
  const button = /** @type {any} */ (target).closest("button");
  if (!button) return;
  const { language, days, acknowledge } = button.dataset;
  if (language) {
    texts.setLanguage(language);
    show();
  } else if (days) chooseDays(Number(days));
  else if (acknowledge) {
    await request(`/v1/kiosks/${acknowledge}/call-acknowledgement`, { method: "POST" }).catch(() => null);
    load();
  } else if (button.id === "sound") switchSound();
  else if (button.id === "csv") save();
});
byId("period").addEventListener("change", load);
byId("period").addEventListener("submit", (event) => event.preventDefault());
byId("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  key = byId("admin").value.trim();
  byId("admin").value = "";
  load();
});
await texts.load("/kiosk/static/texts", texts.LANGUAGES);
load();
setInterval(() => {
  if (!byId("board").hidden) load();
}, INTERVAL_MS);
