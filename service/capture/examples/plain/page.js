// A relying party's page: it asks its own backend for a capture token, and for the outcome.

import "/idproof-capture.js";

const capture = document.querySelector("idproof-capture");
const outcome = document.getElementById("outcome");

capture.texts = { en: { "welcome.title": "Open your account with your card" } };
capture.addEventListener("error", ({ detail }) => {
  if (detail.final) outcome.textContent = `Stopped: ${detail.code}. Reload this page to try again.`;
});
capture.addEventListener("done", async () => {
  const answer = await fetch("/outcome"); // what the event says is the browser's word only
  outcome.textContent = (await answer.json()).outcome;
});

const answer = await fetch("/capture-token", { method: "POST" });
const { token, service } = await answer.json();
capture.setAttribute("service", service);
capture.token = token;
