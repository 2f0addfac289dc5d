/** What the windows of one person tell each other: which incident was chosen at the console. */

const NAME = "ocenter.chosen";
const channel = globalThis.BroadcastChannel && globalThis.document ? new BroadcastChannel(NAME) : null;

/** Tells the other windows that incident `number` was opened. */
export function tellChosen(number) {
  if (number) channel?.postMessage({ number });
}

/** Calls `run(number)` when another window opened an incident. */
export function onChosen(run) {
  channel?.addEventListener("message", ({ data }) => data?.number && run(data.number));
}
