// Word between the kiosk's page and the officers' page that opened it, in another tab of the same browser.

const CHANNEL = "idproof-counter";

/** Tell the officers' page that there is something to look at. */
export function tellCounter(registration) {
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage({ registration });
  channel.close();
}

/** Call `look(registration)` whenever the kiosk's page says that there is something to look at. */
export function hearKiosk(look) {
  new BroadcastChannel(CHANNEL).addEventListener("message", ({ data }) => look(data.registration));
}
