/** What an operator can do to an incident: words, keys, and what each asks for before it is sent. */
import { t } from "./i18n.js";
import { ENDED } from "./grades.js";

/** The moves that carry an incident forward, in order: the first allowed one is the next step. */
const FORWARD = ["acknowledge", "verify", "confirm", "resolve", "close", "reopen"];

/** Actions by id. `move` is the name in `incident.moves` and in the address; `asks` opens a dialog first. */
export const ACTIONS = {
  acknowledge: { move: "acknowledge", key: "A", icon: "check", label: () => t("Acknowledge") },
  verify: { move: "verify", icon: "eye", label: () => t("Verify") },
  confirm: { move: "confirm", icon: "circle-check", label: () => t("Confirm real") },
  "relay:police112": { move: "relay", agency: "police112", key: "P", icon: "shield", label: () => t("Relay 112"), asks: "relay" },
  "relay:fire119": { move: "relay", agency: "fire119", key: "F", icon: "flame", label: () => t("Relay 119"), asks: "relay" },
  relay: { move: "relay", icon: "send", label: () => t("Relay to…"), asks: "relay" },
  respond: { move: "respond", icon: "truck", label: () => t("Units responding") },
  resolve: { move: "resolve", icon: "circle-check", label: () => t("Resolve") },
  close: { move: "close", key: "C", icon: "archive", label: () => t("Close case"), asks: "close" },
  reopen: { move: "reopen", icon: "rotate-ccw", label: () => t("Reopen"), asks: "reason" },
  "false-alarm": { move: "false-alarm", icon: "ban", label: () => t("False alarm"), asks: "false-alarm" },
  assign: { move: "assign", icon: "hand", label: () => t("Take over") },
  request: { move: "offer", icon: "hand", label: () => t("Ask for it") },
  offer: { move: "offer", icon: "arrow-right", label: () => t("Hand over"), asks: "handover" },
  shelve: { move: "shelve", icon: "timer", label: () => t("Shelve"), asks: "shelve" },
  unshelve: { move: "unshelve", icon: "undo-2", label: () => t("Bring back") },
};

const SECONDARY = ["verify", "confirm", "relay", "respond", "resolve", "false-alarm", "reopen", "assign", "request", "offer", "shelve", "unshelve"];

/** Whether `id` can be done now: `{shown, allowed}`. `me` is `GET me`; `now` in milliseconds. */
export function availability(id, incident, me, now) {
  const { move } = ACTIONS[id];
  const shown = me.actions.includes(move);
  const moves = incident.moves ?? [];
  return { shown, allowed: shown && moves.includes(move) && makesSense(id, incident, me, now) };
}

function makesSense(id, incident, me, now) {
  const shelvedNow = Boolean(incident.shelved_until) && new Date(incident.shelved_until).getTime() > now;
  if (id === "shelve") return !shelvedNow && incident.grade > "G2";
  if (id === "unshelve") return shelvedNow;
  if (id === "assign" || id === "request" || id === "offer") return changesHands(id, incident, me, now);
  return true;
}

/** Who may take, ask for or hand over: what a colleague holds is asked for; a supervisor takes and gives it without. */
function changesHands(id, { holder, offer }, me, now) {
  const mine = holder?.username === me.username;
  const direct = me.actions.includes("direct");
  const pending = offer && new Date(offer.until).getTime() > now && offer.by.username !== me.username;
  if (id === "assign") return !mine && (!holder || direct);
  if (id === "request") return Boolean(holder) && !mine && !direct && !pending;
  return (mine || direct) && !(pending && !direct);
}

/** The next step of the incident's life, or null where nothing is allowed. */
export function nextStep(incident, me, now) {
  return FORWARD.find((id) => availability(id, incident, me, now).allowed) ?? null;
}

/** The four large buttons: next step, 112, 119, close; the rest that is allowed; and whether anything can be done at all. */
export function menu(incident, me, now) {
  const next = nextStep(incident, me, now);
  const main = [next ?? "acknowledge", "relay:police112", "relay:fire119", ...(next === "close" ? [] : ["close"])];
  const shown = main.filter((id) => availability(id, incident, me, now).shown);
  const more = SECONDARY.filter((id) => id !== next && availability(id, incident, me, now).allowed);
  const ended = ENDED.has(incident.status);
  return { next, main: ended ? shown.filter((id) => id === next) : shown, more, none: shown.length === 0 };
}
