// Small helpers for elements; nothing is ever built from text that could hold markup.

const SVG = "http://www.w3.org/2000/svg";
/** @type {Document | ShadowRoot} */
let root = document;
/** @type {any} */
let host = null;

/** Let the helpers find the elements of a component: those of its shadow, and the host's own for its slots. Without a
 * shadow they find those of the page again. */
export function useShadow(shadow) {
  root = shadow ?? document;
  host = shadow?.host ?? null;
}

/** The element whose data attributes say what is shown: `data-view`, `data-stage`, `data-hint`. */
export const page = () => (host ? root.getElementById("page") : document.body);

/** The component that is shown, or null on a page without one. */
export const component = () => host;

/** Let the component's page know of something. */
export const emit = (name, detail) => host?.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));

/** The element of an id; which kind it is, its user knows.
 * @type {(id: string) => any} */
export const byId = (id) => root.getElementById(id);

/** Every element of a selector, also of what the page put into the component's slots.
 * @type {(selector: string) => any[]} */
export const all = (selector) => [...root.querySelectorAll(selector), ...(host?.querySelectorAll(selector) ?? [])];

/** An element with text and classes. */
export function element(tag, text = "", name = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
}

/** A part of a drawing. */
export function shape(tag, attributes, name = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (name) made.setAttribute("class", name);
  return made;
}
