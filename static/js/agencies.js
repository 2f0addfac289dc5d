/** What a relay to an agency would mean just now: how its link is, what it was told before, what sending does. Pure. */
import { t } from "./i18n.js";
import { stateWord } from "./standing.js";

const ENDED = new Set(["closed", "declined", "cancelled", "by_hand"]);
/** Links in these states take nothing now: what is sent waits. */
const WAITS = new Set(["failing", "maintenance", "paused", "off"]);

/** The last relay to the agency in the incident, or null. */
export function relayTo(incident, slug) {
  return (incident.relays ?? []).filter((relay) => relay.agency === slug).at(-1) ?? null;
}

/** What sending does: "open" a case, open it "anew" after an end, send the failed message "again", or an "update". */
export function sendingTo(incident, slug) {
  const before = relayTo(incident, slug);
  if (!before) return "open";
  if (ENDED.has(before.state)) return "anew";
  return before.state === "failed" ? "again" : "update";
}

/** The link's state in words, and whether what is sent waits there; null where nothing is known of it. */
export function linkState(agency, links) {
  if (!agency.enabled) return { word: stateWord("off"), waits: true, state: "off" };
  const link = links.find((one) => one.slug === agency.slug && one.kind === "agency");
  return link ? { word: stateWord(link.state), waits: WAITS.has(link.state), state: link.state } : null;
}

/** The button's words for what sending does. */
export function sendLabel(sending, name) {
  const words = { open: t("Send to %(name)s", { name }), anew: t("Open a new case at %(name)s", { name }), again: t("Send again to %(name)s", { name }), update: t("Send the update to %(name)s", { name }) };
  return words[sending];
}
