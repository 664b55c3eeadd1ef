// The decision: what, why, and the officer's own words; sent once, with the officer's name.

import { byId, element } from "/capture/static/dom.js";
import * as texts from "/capture/static/texts.js";
import { ask } from "/review/static/service.js";

/** Offer the decisions of a review. */
export function offer(found, officer) {
  const choices = Object.keys(found.decisions).map((decision) => {
    const label = element("label");
    const radio = element("input");
    Object.assign(radio, { type: "radio", name: "decision", value: decision, required: true });
    radio.addEventListener("change", () => offerReasons(found.decisions[decision]));
    label.append(radio, element("span", texts.format(`decision.${decision}`)), element("small", texts.format(`decision.${decision}.how`)));
    return label;
  });
  byId("choices").replaceChildren(...choices);
  offerReasons([]);
  byId("sure").checked = false;
  byId("sure-text").textContent = texts.format("decide.sure", { officer });
}

/** Send the decision; returns the service's answer. */
export function send(found, officer) {
  const decision = byId("choices").querySelector(":checked").value;
  const comment = byId("comment").value.trim() || null;
  const body = { decision, officer, reason: byId("reason").value, comment };
  return ask("POST", `/v1/registrations/${found.registration}/review`, body);
}

function offerReasons(codes) {
  const blank = element("option", texts.format("decide.reason.choose"));
  blank.value = "";
  const options = codes.map((code) => {
    const option = element("option", texts.format(`reason.${code}`));
    option.value = code;
    return option;
  });
  byId("reason").replaceChildren(blank, ...options);
  if (codes.length === 1) byId("reason").value = codes[0];
}
