// All sentences of a page, in English and in Traditional Chinese; a change of language changes those that are shown.

export const LANGUAGES = ["en", "zh-Hant"];
const TAGS = { en: "en", "zh-Hant": "zh-Hant-HK" };
const tables = {};
const shown = new Map(); // element to key and values
export const facts = {}; // values that any sentence may use
export let language = "en";

/** Load both tables of a page and show the browser's own language. */
export async function load(folder = "/kiosk/static/texts") {
  for (const name of LANGUAGES) {
    const answer = await fetch(`${folder}/${name}.json`);
    tables[name] = await answer.json();
  }
  setLanguage(browserLanguage());
}

/** The available language that the browser prefers. */
export function browserLanguage() {
  const own = navigator.languages.find((tag) => /^(en|zh|yue)/.test(tag)) ?? "en";
  return own.startsWith("en") ? "en" : "zh-Hant";
}

/** True if this key has a sentence. */
export function has(key) {
  return key in tables.en;
}

/** The sentence of a key, with values filled in. */
export function format(key, values = {}) {
  const all = { ...facts, ...values };
  return tables[language][key].replace(/\{(\w+)\}/g, (_, name) => (all[name] instanceof Date ? day(all[name]) : (all[name] ?? "–")));
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

/** Change the language of the whole page. */
export function setLanguage(name) {
  language = name;
  document.documentElement.lang = TAGS[name];
  document.title = `idproof · ${format("page.title")}`;
  refresh();
}

/** Set every sentence again, after a change of language or of the facts. */
export function refresh() {
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = format(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-label]")) {
    element.setAttribute("aria-label", format(element.dataset.tLabel));
  }
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
  for (const [element, { key, values }] of shown) element.textContent = format(key, values);
}
