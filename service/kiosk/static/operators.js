// The operators' page: counts of each device, requested every five seconds. The key is held in this module only.

import { byId, element } from "/capture/static/dom.js";

const INTERVAL_MS = 5000; // chosen by hand
let key = null;

const number = (value) => (value ?? "–").toString();
const share = (part, whole) => (whole ? `${part} of ${whole}` : "–");
const sum = (devices, name) => devices.reduce((total, device) => total + (device[name] ?? 0), 0);

async function load() {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  let answer;
  try {
    answer = await fetch("/v1/kiosks", { headers, cache: "no-store" });
  } catch {
    return showProblem("The service does not answer. It is asked again in a few seconds.");
  }
  if (answer.status === 401 || answer.status === 403) {
    byId("board").hidden = true;
    byId("enter").hidden = false;
    return showProblem(key ? "This key may not see the kiosks." : "");
  }
  if (!answer.ok) return showProblem(`The service answers with ${answer.status}. It is asked again in a few seconds.`);
  showProblem("");
  return showOverview(await answer.json());
}

function showProblem(sentence) {
  byId("problem").textContent = sentence;
}

function showOverview(overview) {
  byId("enter").hidden = true;
  byId("board").hidden = false;
  byId("at").textContent = `As of ${new Date(overview.at).toLocaleTimeString("en-GB")}`;
  showNumbers(overview);
  const called = overview.devices.filter((device) => device.staff_called);
  const names = called.map((device) => device.name).join(", ");
  if (byId("calls").dataset.names !== names) byId("calls").textContent = names && `Somebody asks for staff at: ${names}`;
  byId("calls").dataset.names = names;
  byId("devices").replaceChildren(...overview.devices.map(deviceRow));
  byId("hints").replaceChildren(...hintRows(overview.devices));
}

function showNumbers({ devices, places, waiting }) {
  const [finished, first, begun] = ["finished", "first_try", "started"].map((name) => sum(devices, name));
  const shown = [
    ["being verified", places ? `${places.used} of ${places.of}` : "–"],
    ["waiting for a place", number(waiting)],
    ["in a session now", number(devices.filter(({ state }) => !["off", "idle"].includes(state)).length)],
    ["begun", number(begun)],
    ["finished at the first try", share(first, finished)],
  ];
  const items = shown.map(([name, value]) => {
    const item = element("li");
    item.append(element("strong", value), element("span", name));
    return item;
  });
  byId("numbers").replaceChildren(...items);
}

function deviceRow(device) {
  const row = element("tr");
  const name = element("th", device.name);
  name.scope = "row";
  name.append(element("small", device.device));
  const state = element("td");
  const busy = !["off", "idle"].includes(device.state);
  const look = device.staff_called ? "called" : busy ? "busy" : "";
  const said = device.staff_called ? "asks for staff" : device.state.replaceAll("_", " ");
  state.append(element("span", said, `state ${look}`));
  const counts = [device.started, device.finished, share(device.first_try, device.finished), device.retries, device.cancelled, device.lapsed];
  const cells = [...counts, device.accept, device.refer, device.reject].map((value) => element("td", number(value)));
  row.append(name, state, ...cells);
  return row;
}

function hintRows(devices) {
  const all = new Map();
  for (const { hints: given } of devices) {
    for (const [hint, { shown, sessions }] of Object.entries(given ?? {})) {
      const old = all.get(hint) ?? { shown: 0, sessions: 0 };
      all.set(hint, { shown: old.shown + shown, sessions: old.sessions + sessions });
    }
  }
  const begun = sum(devices, "started");
  return [...all].sort(([, a], [, b]) => b.sessions - a.sessions || b.shown - a.shown).map(([hint, count]) => {
    const row = element("tr");
    const name = element("th", hint.replaceAll("_", " "));
    name.scope = "row";
    const bar = element("meter");
    bar.max = Math.max(1, begun);
    bar.value = count.sessions;
    bar.setAttribute("aria-label", `${count.sessions} of ${begun} sessions`);
    const last = element("td");
    last.append(bar);
    row.append(name, element("td", number(count.sessions)), element("td", number(count.shown)), last);
    return row;
  });
}

byId("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  key = byId("admin").value.trim();
  byId("admin").value = "";
  load();
});
load();
setInterval(() => {
  if (!byId("board").hidden) load();
}, INTERVAL_MS);
