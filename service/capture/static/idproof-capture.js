// <idproof-capture>: the capture of one registration as a web component. The kiosk's page is its first user.

import { bytes } from "./base64url.js";
import { hmacKey } from "./chain.js";
import { Controls } from "./controls.js";
import { page, useShadow } from "./dom.js";
import { icons } from "./icons.js";
import { layers } from "./layers.js";
import { LAYOUTS } from "./layouts.js";
import { STYLES } from "./styles.js";
import english from "./texts/en.js";
import simplified from "./texts/zh-Hans.js";
import traditional from "./texts/zh-Hant.js";
import * as texts from "./texts.js";
import { showClosed, showView } from "./view.js";
import { views } from "./views.js";

const TABLES = { en: english, "zh-Hant": traditional, "zh-Hans": simplified };
const TOKEN = /^idpc_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/; // docs/stream.md
let shown = null; // the component that is on the page: there is one camera, and one applicant before it

export class IdproofCapture extends HTMLElement {
  #controls = null;
  #replaced = null;
  #device = null;
  #token = null;
  #named = null;

  constructor() {
    super();
    this.attachShadow({ mode: "open" });
  }

  /** Build the component, unless there is another one on the page. */
  connectedCallback() {
    if (shown) {
      console.error("idproof-capture: a page has one of these elements at a time");
      return;
    }
    shown = this;
    for (const name of ["device", "token", "texts"]) this.#takeEarly(name);
    this.#build();
    this.#controls = new Controls(this.shadowRoot, { spoken: this.hasAttribute("voice") });
    if (this.#device) this.#controls.connect(this.#device);
    if (this.#token !== null) this.#useToken();
    if (this.#named) this.#controls.take(this.#named);
  }

  /** End the connection, so that the service overwrites the pictures, and close the camera. */
  disconnectedCallback() {
    if (shown !== this) return;
    this.#controls.close();
    this.#controls = null;
    this.shadowRoot.replaceChildren();
    useShadow(null);
    shown = null;
  }

  /** The language that is shown: `{language, tag, title}`; the event `language` has the same. */
  get language() {
    return texts.described();
  }

  /** Connect as an enrolled device, `{id, key}`; null asks for one, with what the page put into the slot `setup`. */
  set device(device) {
    this.#device = device;
    if (!this.#controls) return;
    if (device) this.#controls.connect(device);
    else showView("setup");
  }

  /** Capture with a capture token, as the service made it for this page's backend. It leaves the element at once. */
  set token(token) {
    this.#token = String(token);
    if (this.#controls) this.#useToken();
  }

  static observedAttributes = ["token", "language"];

  attributeChangedCallback(name, _before, value) {
    if (value === null) return;
    if (name === "language") {
      if (this.#controls && texts.LANGUAGES.includes(value)) texts.setLanguage(value);
      return;
    }
    this.token = value;
    this.removeAttribute("token");
  }

  /** Replace sentences of the component: `{en: {"welcome.title": "…"}}`. */
  set texts(given) {
    this.#replaced = given;
    if (this.#controls) texts.replace(given);
  }

  /** Capture for something that was opened elsewhere: `{registration}`, or `{stepUp, holderKey}`. It begins at once
   * if no applicant stands here, and else with the next device. */
  take(named) {
    this.#named = named;
    this.#controls?.take(named);
  }

  /** Take a property that the page set before this module was loaded. */
  #takeEarly(name) {
    if (!Object.hasOwn(this, name)) return;
    const value = this[name];
    delete this[name];
    this[name] = value;
  }

  async #useToken() {
    const [, id, secret] = TOKEN.exec(this.#token) ?? [];
    this.#token = null;
    if (!id) {
      showClosed("token_invalid", true);
      return;
    }
    page().classList.remove("staff"); // no operator sees a page with a token
    const raw = bytes(secret);
    const key = await hmacKey(raw);
    raw.fill(0);
    this.#controls?.connect({ id, key, token: true });
  }

  #build() {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES + LAYOUTS);
    this.shadowRoot.adoptedStyleSheets = [sheet];
    const inside = document.createElement("div");
    inside.id = "page";
    inside.part = "page";
    inside.dataset.view = "connecting";
    inside.append(views(), layers(), icons());
    this.shadowRoot.replaceChildren(inside);
    useShadow(this.shadowRoot);
    texts.use(TABLES, this.#language);
    if (this.#replaced) texts.replace(this.#replaced);
    page().classList.toggle("staff", this.hasAttribute("staff"));
    page().dataset.handOff = String(this.hasAttribute("hand-off"));
  }

  get #language() {
    const wanted = this.getAttribute("language");
    return texts.LANGUAGES.includes(wanted) ? wanted : texts.browserLanguage();
  }
}

customElements.define("idproof-capture", IdproofCapture);
