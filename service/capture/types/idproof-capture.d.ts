/** The instruction that the page shows now. */
export interface GuidanceDetail {
  /** `card_front`, `card_tilt_left`, `card_tilt_right`, `selfie` or `liveness`. */
  stage: string;
  /** The code of the instruction: a hint of docs/stream.md; `good` while nothing has to change. */
  hint: string;
}

/** A verdict. Only the backend, which reads it from the service, may act on it. */
export interface DoneDetail {
  verification: string;
  /** Missing where a telephone captured in this page's place. */
  decision?: "accept" | "refer" | "reject";
}

export interface ErrorDetail {
  /** `camera_refused`, `camera_missing`, `camera_lost`, `token_invalid`, or a code of docs/stream.md. */
  code: string;
  /** False while the applicant can go on. */
  final: boolean;
}

export interface LanguageDetail {
  language: string;
  /** BCP 47. */
  tag: string;
  /** Title of the page in this language. */
  title: string;
}

export interface IdproofCaptureEventMap {
  ready: CustomEvent<Record<string, never>>;
  guidance: CustomEvent<GuidanceDetail>;
  done: CustomEvent<DoneDetail>;
  error: CustomEvent<ErrorDetail>;
  language: CustomEvent<LanguageDetail>;
  view: CustomEvent<{ view: string; before: string | undefined }>;
}

/** Sentences by language and key, in place of the component's own. */
export type Texts = { [language: string]: { [key: string]: string } };

/** `<idproof-capture service="https://register.example">`. Attributes: `service`, `token`, `language`, `hand-off`, `voice`, `staff`. */
export declare class IdproofCapture extends HTMLElement {
  /** The capture token that the page's backend got from the service. It cannot be read. */
  set token(token: string);
  set texts(texts: Texts);
  /** An enrolled device, on a page of the service itself; null shows what is in the slot `setup`. */
  set device(device: { id: string; key: CryptoKey } | null);
  get language(): LanguageDetail;
  take(named: { registration: string } | { stepUp: string; holderKey: string | null }): void;
  addEventListener<K extends keyof IdproofCaptureEventMap>(
    type: K,
    listener: (this: IdproofCapture, event: IdproofCaptureEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof IdproofCaptureEventMap>(
    type: K,
    listener: (this: IdproofCapture, event: IdproofCaptureEventMap[K]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | EventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "idproof-capture": IdproofCapture;
  }
}
