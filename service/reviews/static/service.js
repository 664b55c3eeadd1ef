// Requests to the service. The key is held in this module only: a reload or a closed page forgets it.

import * as texts from "/capture/static/texts.js";

const LANGUAGE = { en: "en", "zh-Hant": "zh-Hant" };
let key = null;

/** Use a key from now on; null forgets it. */
export function useKey(given) {
  key = given;
}

/** The service's refusal of a request. */
export class Refused extends Error {
  constructor(status, code) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

/** Send a request; its answer as an object, or null for an empty one. Throws `Refused`. */
export async function ask(method, path, body) {
  const headers = { Authorization: `Bearer ${key}`, "Accept-Language": LANGUAGE[texts.language] };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    const sent = body === undefined ? undefined : JSON.stringify(body);
    answer = await fetch(path, { method, headers, body: sent, cache: "no-store", credentials: "omit", redirect: "error" });
  } catch {
    throw new Refused(0, "unreachable");
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  let code = "internal";
  try {
    code = (await answer.json()).code ?? code;
  } catch {
    // Not of this service.
  }
  throw new Refused(answer.status, code);
}
