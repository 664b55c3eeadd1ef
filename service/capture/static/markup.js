// Elements from markup that is written in the source: an HTML parser for constants, so that a page's policy may forbid
// every string that becomes HTML (Trusted Types). What a server or an applicant says is never markup here.

const SVG = "http://www.w3.org/2000/svg";
const PIECE = /<(\/?)([a-z][\w-]*)((?:\s+[a-zA-Z][\w-]*(?:="[^"]*")?)*)\s*(\/?)>|([^<]+)/gy;
const ATTRIBUTE = /([a-zA-Z][\w-]*)(?:="([^"]*)")?/g;
const WITHOUT_END = new Set(["br", "input"]);
const FORBIDDEN = /^(?:script|style|iframe|object|embed|base|meta)$/;

/** A fragment of the elements of a template without any value in it. Throws if the template is not well-formed. */
export function markup({ raw }, ...values) {
  if (values.length) throw new TypeError("markup takes no values");
  const fragment = document.createDocumentFragment();
  /** @type {any[]} */
  const open = [fragment];
  const [source] = raw;
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < source.length) {
    const piece = PIECE.exec(source);
    if (!piece) throw new SyntaxError("markup is not well-formed");
    const [, end, tag, attributes, closed, words] = piece;
    if (words) {
      if (words.trim()) open.at(-1).append(words);
    } else if (end) {
      if (open.pop().localName !== tag) throw new SyntaxError(`markup: </${tag}> closes nothing`);
    } else {
      const made = begin(tag, attributes, open.at(-1));
      open.at(-1).append(made);
      if (!closed && !WITHOUT_END.has(tag)) open.push(made);
    }
  }
  if (open.length > 1) throw new SyntaxError(`markup: <${open.at(-1).localName}> is not closed`);
  return fragment;
}

function begin(tag, attributes, parent) {
  if (FORBIDDEN.test(tag)) throw new SyntaxError(`markup: no <${tag}>`);
  const drawn = tag === "svg" || parent.namespaceURI === SVG;
  const made = drawn ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [, name, value = ""] of attributes.matchAll(ATTRIBUTE)) {
    if (name.startsWith("on") || name === "style") throw new SyntaxError(`markup: no attribute ${name}`);
    made.setAttribute(name, value);
  }
  return made;
}
