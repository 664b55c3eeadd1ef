// Small helpers for elements; nothing is ever built from text that could hold markup.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

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
