// Every sentence of the page, in English and in Traditional Chinese; what is shown follows a change of language.

export const LANGUAGES = ["en", "zh-Hant"];
const TAGS = { en: "en", "zh-Hant": "zh-Hant-HK" };
const tables = {};
const shown = new Map(); // element to key and values
export const facts = {}; // values that any sentence may use
export let language = "en";

/** Load both tables; the browser's own language is the first one shown. */
export async function load() {
  for (const name of LANGUAGES) {
    const answer = await fetch(`/kiosk/static/texts/${name}.json`);
    tables[name] = await answer.json();
  }
  use(first());
}

/** The language that the browser is set to, of those there are. */
export function first() {
  const own = navigator.languages.find((tag) => /^(en|zh|yue)/.test(tag)) ?? "en";
  return own.startsWith("en") ? "en" : "zh-Hant";
}

/** Whether there is a sentence of this key. */
export function has(key) {
  return key in tables.en;
}

/** One sentence. */
export function say(key, values = {}) {
  const all = { ...facts, ...values };
  return tables[language][key].replace(/\{(\w+)\}/g, (_, name) => all[name] ?? "–");
}

/** Show a sentence in an element, in whatever language is chosen then; no key empties it. */
export function put(element, key, values = {}) {
  element.removeAttribute("lang");
  if (key) shown.set(element, { key, values });
  else shown.delete(element);
  const sentence = key ? say(key, values) : "";
  if (element.textContent !== sentence) element.textContent = sentence;
}

/** Show a sentence that the server said, marked as the language it was said in. */
export function quote(element, sentence) {
  shown.delete(element);
  element.textContent = sentence;
  element.lang = TAGS[language];
}

/** Change the language of the whole page. */
export function use(name) {
  language = name;
  document.documentElement.lang = TAGS[name];
  document.title = `idproof · ${say("page.title")}`;
  refresh();
}

/** Say everything again, after a change of language or of the facts. */
export function refresh() {
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = say(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-label]")) {
    element.setAttribute("aria-label", say(element.dataset.tLabel));
  }
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
  for (const [element, { key, values }] of shown) element.textContent = say(key, values);
}
