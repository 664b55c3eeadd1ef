// Spoken sentences: by a voice of the browser for the language if that voice is on this device, else by a recording.
// No sentence goes to a service of somebody else: a voice that is not local is never used.

import * as texts from "./texts.js";

const FOLDER = new URL("./voices/", import.meta.url);
/** Languages of the browser's voices that speak a language of ours: Cantonese for the traditional script. */
const SPOKEN = { en: /^en\b/i, "zh-Hant": /^(yue|zh[-_](hant[-_])?hk)\b/i, "zh-Hans": /^(cmn|zh[-_](hans[-_])?cn|zh[-_]hans$)/i };
const REPEAT_MS = 12_000; // after which an instruction that still holds is said again; chosen by hand
const UNLOCK_MS = 300; // within which a browser allows sound, if it does; chosen by hand

/** Dispatches `begin` and `end` (detail: `{key, language, by}`) for each sentence, and `change` when it is switched. */
export const events = new EventTarget();
let on = false;
let context = null;
let listed = null; // the list of recordings
let last = []; // keys that `again` says
let waiting = null; // keys that follow once the current sentence has ended
let current = null; // what is said now: `{stop}`
let turn = 0; // rises with everything that interrupts
let repeating = 0;
const recordings = new Map(); // bytes by file: a hint is said many times

/** True while sentences are spoken. */
export const isOn = () => on;

/** Switch the voice. Whoever switches it on hears what the screen says now. */
export function set(wanted, { silent = false } = {}) {
  if (on === wanted) return;
  on = wanted;
  stop();
  if (on && !silent) start(["spoken.on", ...last]);
  events.dispatchEvent(new Event("change"));
}

/** Say sentences, one after the other, by their keys. What is said at the moment ends first, unless it is `now`; of
 * what waits meanwhile only the newest is said. `repeated`: say it again every while until something else is said. `later`: only when `again` asks for it. */
export function say(keys, { now = false, repeated = false, later = false } = {}) {
  last = keys.filter((key) => texts.has(key));
  clearInterval(repeating);
  if (repeated) repeating = setInterval(() => on && !current && start(last), REPEAT_MS);
  if (later) stop();
  if (!on || !last.length || later) return;
  if (current && !now) waiting = last;
  else start(last);
}

/** Say the last sentences again. */
export function again() {
  if (on) start(last);
}

/** Say nothing more. */
export function stop() {
  turn += 1;
  waiting = null;
  current?.stop();
  current = null;
}

/** Forget what was said, for the next applicant. */
export function forget() {
  stop();
  clearInterval(repeating);
  last = [];
}

async function start(keys) {
  stop();
  const mine = turn;
  for (const key of keys) {
    await speak(key, mine);
    if (mine !== turn) return;
  }
  current = null;
  if (waiting) start(waiting);
}

async function speak(key, mine) {
  const voice = localVoice();
  const said = voice ? utter(key, voice) : await recorded(key);
  if (!said) return;
  if (mine !== turn) {
    said.stop();
    return;
  }
  current = said;
  const detail = { key, language: texts.language, by: voice ? "browser" : "recording" };
  events.dispatchEvent(new CustomEvent("begin", { detail }));
  said.start();
  await said.ended;
  events.dispatchEvent(new CustomEvent("end", { detail }));
}

/** A voice of the browser that is on this device and speaks the language, or null. */
function localVoice() {
  const voices = globalThis.speechSynthesis?.getVoices() ?? [];
  return voices.find(({ lang, localService }) => localService === true && SPOKEN[texts.language].test(lang)) ?? null;
}

function utter(key, voice) {
  const utterance = new SpeechSynthesisUtterance(texts.format(key));
  utterance.voice = voice;
  utterance.lang = voice.lang;
  let resolve;
  const ended = new Promise((done) => (resolve = done));
  utterance.onend = utterance.onerror = resolve;
  const cancel = () => {
    speechSynthesis.cancel();
    resolve();
  };
  return { ended, start: () => speechSynthesis.speak(utterance), stop: cancel };
}

/** The recording of a sentence, ready to be played; null if there is none, or if the browser allows no sound yet. */
async function recorded(key) {
  const language = texts.language;
  if (texts.isReplaced(key)) return null;
  try {
    listed ??= await (await requested("voices.json")).json();
    if (!(key in listed[language])) return null;
    const file = `${language}/${key}.mp3`;
    if (!recordings.has(file)) recordings.set(file, await (await requested(file)).arrayBuffer());
    context ??= new AudioContext();
    await Promise.race([context.resume(), new Promise((resolve) => setTimeout(resolve, UNLOCK_MS))]);
    if (context.state !== "running") return null; // nobody has touched the page yet
    return player(await context.decodeAudioData(recordings.get(file).slice(0)));
  } catch {
    return null; // without sound the words on the screen remain
  }
}

/** A file of the recordings. What fails is not kept, so that the next sentence asks again. */
async function requested(file) {
  const answer = await fetch(new URL(file, FOLDER));
  if (!answer.ok) throw new Error(`${file}: ${answer.status}`);
  return answer;
}

function player(buffer) {
  const source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(context.destination);
  let resolve;
  const ended = new Promise((done) => (resolve = done));
  source.onended = resolve;
  let begun = false;
  return {
    ended,
    start: () => {
      begun = true;
      source.start();
    },
    stop: () => {
      if (begun) source.stop();
      resolve();
    },
  };
}
