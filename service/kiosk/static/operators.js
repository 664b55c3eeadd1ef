// The operators' page: counts of each device, asked for every five seconds. The key lives in this module alone.

const EVERY_MS = 5000;
const by = (id) => document.getElementById(id);
let key = null;

function element(tag, text = "", name = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
}

const number = (value) => (value ?? "–").toString();
const share = (part, whole) => (whole ? `${part} of ${whole}` : "–");
const sum = (devices, name) => devices.reduce((total, device) => total + (device[name] ?? 0), 0);

async function ask() {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  let answer;
  try {
    answer = await fetch("/v1/kiosks", { headers, cache: "no-store" });
  } catch {
    return problem("The service does not answer. It is asked again in a few seconds.");
  }
  if (answer.status === 401 || answer.status === 403) {
    by("board").hidden = true;
    by("enter").hidden = false;
    return problem(key ? "This key may not see the kiosks." : "");
  }
  if (!answer.ok) return problem(`The service answers with ${answer.status}. It is asked again in a few seconds.`);
  problem("");
  return show(await answer.json());
}

function problem(sentence) {
  by("problem").textContent = sentence;
}

function show(floor) {
  by("enter").hidden = true;
  by("board").hidden = false;
  by("at").textContent = `As of ${new Date(floor.at).toLocaleTimeString("en-GB")}`;
  numbers(floor);
  const called = floor.devices.filter((device) => device.staff_called);
  const names = called.map((device) => device.name).join(", ");
  if (by("calls").dataset.names !== names) by("calls").textContent = names && `Somebody asks for staff at: ${names}`;
  by("calls").dataset.names = names;
  by("devices").replaceChildren(...floor.devices.map(device));
  by("hints").replaceChildren(...hints(floor.devices));
}

function numbers({ devices, places, waiting }) {
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
  by("numbers").replaceChildren(...items);
}

function device(one) {
  const row = element("tr");
  const name = element("th", one.name);
  name.scope = "row";
  name.append(element("small", one.device));
  const state = element("td");
  const busy = !["off", "idle"].includes(one.state);
  const look = one.staff_called ? "called" : busy ? "busy" : "";
  const said = one.staff_called ? "asks for staff" : one.state.replaceAll("_", " ");
  state.append(element("span", said, `state ${look}`));
  const counts = [one.started, one.finished, share(one.first_try, one.finished), one.retries, one.cancelled, one.lapsed];
  const cells = [...counts, one.accept, one.refer, one.reject].map((value) => element("td", number(value)));
  row.append(name, state, ...cells);
  return row;
}

function hints(devices) {
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

by("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  key = by("admin").value.trim();
  by("admin").value = "";
  ask();
});
ask();
setInterval(() => {
  if (!by("board").hidden) ask();
}, EVERY_MS);
