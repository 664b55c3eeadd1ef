// Entry of the service's own page of the component: a telephone opens it by the link of a hand-off, and another page
// embeds it. The token is in the fragment of the address, which no server sees, and leaves it at once.

import "./idproof-capture.js";

const TOKEN = /^[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/; // docs/stream.md
/** @type {any} */
const capture = document.querySelector("idproof-capture");

function takeAddress() {
  const token = location.hash.slice(1);
  if (location.hash) history.replaceState(null, "", location.pathname);
  if (TOKEN.test(token)) capture.token = `idpc_${token}`;
  return TOKEN.test(token);
}

function follow({ tag, title }) {
  document.documentElement.lang = tag;
  document.title = `idproof · ${title}`;
}

capture.addEventListener("language", ({ detail }) => follow(detail));
follow(capture.language);
if (!takeAddress()) capture.token = ""; // the page says that it cannot go on
addEventListener("hashchange", takeAddress);
