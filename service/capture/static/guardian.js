// A guardian of an applicant of 11 to 17: registers first, then joins the child's session with the proof of that.

import { byId } from "./dom.js";
import * as texts from "./texts.js";
import { isCapturing, showView } from "./view.js";

export class Guardian {
  constructor(connection) {
    this.connection = connection;
    this.forget();
  }

  /** Leave nothing of guardian and child. */
  forget() {
    Object.assign(this, { proof: null, joining: false, child: null, consent: null });
    byId("guardian-text").textContent = "";
  }

  /** Offer what may come next after a verdict: the guardian's own accept, or a child who came without a guardian. */
  show(verdict, nonce) {
    this.joining = false;
    this.proof = verdict.guardian ? { verification: verdict.id, nonce } : null;
    const { registration } = verdict;
    const here = registration && (registration.visit || isCapturing(registration)); // else the guardian joins at the counter
    const alone = here && registration.next.advice.includes("bring_guardian");
    if (alone) this.child = verdict.registration.id;
    if (alone) this.#showAlone();
    byId("guardian-offer").hidden = !this.proof && !alone;
    byId("guardian-go").className = alone ? "go" : "plain";
    texts.setText(byId("guardian-how"), this.proof ? "guardian.offer" : null);
    texts.setText(byId("guardian-go"), this.proof ? "guardian.go" : alone ? "guardian.begin" : null);
  }

  /** Without a guardian another try would end as before. */
  #showAlone() {
    texts.setText(byId("result-title"), "guardian.alone.title");
    texts.setText(byId("result-text"), "guardian.alone.text");
    byId("result-again").hidden = byId("result-reasons").hidden = true;
  }

  /** Go on from the result: with the child if the guardian was accepted, else with the guardian. Returns the
   * registration that the next session continues, or null. */
  goOn() {
    this.joining = this.proof !== null;
    return this.joining ? this.child : null;
  }

  /** Ask for the text that the guardian consents to, in the language of the page. */
  ask(session) {
    this.session = session;
    this.consent = null;
    byId("guardian-agree").disabled = true;
    byId("guardian-text").textContent = "";
    this.connection.send({ type: "guardian_consent", session });
    showView("guardian");
  }

  take({ text, sha256 }) {
    if (!this.joining) return;
    this.consent = sha256;
    texts.setServerText(byId("guardian-text"), text);
    byId("guardian-agree").disabled = false;
  }

  /** The guardian agreed to the text that is shown. */
  agree() {
    if (!this.consent) return;
    byId("guardian-agree").disabled = true;
    this.connection.send({ type: "guardian", session: this.session, ...this.proof, consent_sha256: this.consent });
  }

  /** The guardian joined: the proof is not needed again. */
  joined() {
    this.forget();
  }
}
