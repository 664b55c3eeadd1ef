// A relying party's page in React, before the backend of ../plain.

import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { Capture } from "./Capture.jsx";

/** @param {{service: string, token: string}} props */
function Page({ service, token }) {
  const [outcome, setOutcome] = useState("");
  const [showOutcome] = useState(() => async () => {
    const answer = await fetch("/outcome"); // what the event says is the browser's word only
    setOutcome((await answer.json()).outcome);
  });
  const [showError] = useState(() => (/** @type {import("idproof-capture").ErrorDetail} */ { code, final }) => {
    if (final) setOutcome(`Stopped: ${code}`);
  });
  return (
    <>
      <Capture service={service} token={token} onDone={showOutcome} onError={showError} />
      <p id="outcome" role="status">{outcome}</p>
    </>
  );
}

const answer = await fetch("/capture-token", { method: "POST" });
const { token, service } = await answer.json();
const root = /** @type {HTMLElement} */ (document.getElementById("root"));
createRoot(root).render(<StrictMode><Page service={service} token={token} /></StrictMode>);
