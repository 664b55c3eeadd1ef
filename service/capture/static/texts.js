// All sentences of a page or of the component; a change of language changes those that are shown.

import { all, component, emit, page } from "./dom.js";

export const LANGUAGES = ["en", "zh-Hant", "zh-Hans"];
const TAGS = { en: "en", "zh-Hant": "zh-Hant-HK", "zh-Hans": "zh-Hans-CN" };
const SIMPLIFIED = /^(zh-hans|zh-cn|zh-sg|zh-my|cmn-hans)/i; // as the service chooses by Accept-Language
const tables = {};
const shown = new Map(); // element to key and values
const replaced = new Set(); // sentences of the page's own: a recording says another one
export const facts = {}; // values that any sentence may use
export let language = "en";
let initial = "en"; // of the next applicant

/** Load the tables of a page and show the browser's own language. Officers' pages have two. */
export async function load(folder, names = ["en", "zh-Hant"]) {
  const loaded = {};
  for (const name of names) {
    const answer = await fetch(`${folder}/${name}.json`);
    loaded[name] = await answer.json();
  }
  use(loaded, browserLanguage(names));
}

/** Use these tables, one per language, and show one of them. */
export function use(given, name) {
  for (const each of Object.keys(given)) tables[each] = { ...given[each] };
  initial = name;
  setLanguage(name);
}

/** Go back to the language that the page began with. */
export function reset() {
  setLanguage(initial);
}

/** Replace sentences: `{en: {key: sentence}}`. Keys and languages that there are not are ignored. */
export function replace(given) {
  for (const name of Object.keys(tables)) {
    for (const [key, sentence] of Object.entries(given?.[name] ?? {})) {
      if (!(key in tables[name])) continue;
      tables[name][key] = String(sentence);
      replaced.add(`${name} ${key}`);
    }
  }
  refresh();
}

// Chromium does not always draw words anew when their typeface arrives.
globalThis.document?.fonts?.addEventListener("loadingdone", () => language in tables && refresh());

/** The language of these that the browser prefers. */
export function browserLanguage(names = LANGUAGES) {
  const own = navigator.languages.find((tag) => /^(en|zh|yue|cmn)/i.test(tag)) ?? "en";
  if (/^en/i.test(own)) return "en";
  return SIMPLIFIED.test(own) && names.includes("zh-Hans") ? "zh-Hans" : "zh-Hant";
}

/** True if this key has a sentence. */
export function has(key) {
  return key in tables.en;
}

/** True if the page that has the component replaced this sentence. */
export function isReplaced(key) {
  return replaced.has(`${language} ${key}`);
}

/** The sentence of a key, with values filled in. */
export function format(key, values = {}) {
  const given = { ...facts, ...values };
  const shownAs = (value) => (value instanceof Date ? day(value) : (value ?? "–"));
  return tables[language][key].replace(/\{(\w+)\}/g, (_, name) => shownAs(given[name]));
}

/** A day, without its time, as the language writes it. */
function day(date) {
  return date.toLocaleDateString(language === "en" ? "en-GB" : TAGS[language], { day: "numeric", month: "long" });
}

/** Show a sentence in an element, also after a change of language; null empties the element. */
export function setText(element, key, values = {}) {
  element.removeAttribute("lang");
  if (key) shown.set(element, { key, values });
  else shown.delete(element);
  const sentence = key ? format(key, values) : "";
  if (element.textContent !== sentence) element.textContent = sentence;
}

/** Show a sentence of the server, marked with the language that it was sent in. */
export function setServerText(element, sentence) {
  shown.delete(element);
  element.textContent = sentence;
  element.lang = TAGS[language];
}

/** Change the language of the whole page, or of the component alone. */
export function setLanguage(name) {
  language = name;
  if (component()) page().lang = TAGS[name];
  else {
    document.documentElement.lang = TAGS[name];
    document.title = `idproof · ${format("page.title")}`;
  }
  refresh();
  emit("language", described());
}

/** The language that is shown: its name, its tag (BCP 47), and the title of the page in it. */
export function described() {
  return { language, tag: TAGS[language], title: format("page.title") };
}

/** Set every sentence again, after a change of language or of the facts. */
export function refresh() {
  for (const element of all("[data-t]")) {
    if (has(element.dataset.t)) element.textContent = format(element.dataset.t);
  }
  for (const element of all("[data-t-label]")) {
    element.setAttribute("aria-label", format(element.dataset.tLabel));
  }
  for (const button of all("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
    button.replaceChildren(button.textContent); // drawn anew, in case its typeface has arrived
  }
  for (const [element, { key, values }] of shown) element.textContent = format(key, values);
}
