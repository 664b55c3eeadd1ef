// What the operators' page shows of this device: its software, and the state of its camera. Nothing about a person.

let version = null; // promise of the version of these modules, as the service that they came from states it
let health = { state: "missing" }; // as it was last known

/** Report the device over its connection, with what is known of the camera: `{state, width, height, frames_per_s}`. */
export async function reportHealth(connection, found = null) {
  health = found ?? (await guessed());
  version ??= fetch(new URL("./version.json", import.meta.url))
    .then((answer) => answer.json())
    .then((stated) => stated.version ?? "unknown")
    .catch(() => "unknown");
  const software = `idproof-capture ${await version}; ${browser()}`.replace(/[^ -~]/g, "").slice(0, 80);
  connection.send({ type: "report", software, camera: health });
}

/** Report a camera that was opened, unless its picture was measured or it was reported as open before. */
export async function reportOpened(connection, { width, height }) {
  if (health.width || !width || health.state === "poor") return;
  await reportHealth(connection, { state: "ok", width, height });
}

/** Without opening it: a camera that is there is taken for one that works, unless it was found otherwise. */
async function guessed() {
  if (["lost", "poor", "refused"].includes(health.state)) return health;
  const devices = await (navigator.mediaDevices?.enumerateDevices?.() ?? []);
  return devices.some(({ kind }) => kind === "videoinput") ? { ...health, state: "ok" } : { state: "missing" };
}

function browser() {
  const found = /(Firefox|Edg|Chrome|Version)\/(\d+)/.exec(navigator.userAgent);
  return found ? `${found[1] === "Version" ? "Safari" : found[1]} ${found[2]}` : "browser";
}
