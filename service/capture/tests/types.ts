// A user of the package's types: checked by tsc, never run.

import type { IdproofCapture } from "../types/idproof-capture.js";

export function use(capture: IdproofCapture, token: string): void {
  capture.token = token;
  capture.texts = { en: { "welcome.title": "Hello" } };
  capture.addEventListener("done", ({ detail }) => void detail.verification.length);
  capture.addEventListener("error", ({ detail }) => void (detail.final ? detail.code : ""));
  const ready = (event: CustomEvent<Record<string, never>>): void => void event.detail;
  capture.addEventListener("ready", ready);
  capture.removeEventListener("ready", ready);
  const found: IdproofCapture | null = document.querySelector("idproof-capture");
  // @ts-expect-error a token cannot be a number
  capture.token = 7;
  void found;
}
