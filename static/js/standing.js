/** How a link stands: words, shapes and their order. The same eleven states as the server's, the worst first. */
import { span } from "./format.js";
import { named, t } from "./i18n.js";

export const STATES = ["failing", "stopped", "bad_data", "late", "slow", "noisy", "never", "maintenance", "paused", "off", "ok"];

const TONES = { failing: "bad", stopped: "bad", bad_data: "bad", late: "warn", slow: "warn", noisy: "warn", ok: "good" };
const ICONS = {
  failing: "circle-x", stopped: "wifi-off", bad_data: "triangle-alert", late: "clock", slow: "timer", noisy: "bell-ring",
  never: "circle-help", maintenance: "settings", paused: "hand", off: "minus", ok: "circle-check",
};

/** The state in a word; one that this page does not know yet is shown as it is. */
export function stateWord(state) {
  const words = {
    failing: t("failing"), stopped: t("stopped"), bad_data: t("bad data"), late: t("late"), slow: t("slow"), noisy: t("noisy"),
    never: t("never heard"), maintenance: t("maintenance"), paused: t("paused"), off: t("switched off"), ok: t("in order"),
  };
  return words[state] ?? state;
}

/** The icon whose shape says the state without colour. */
export function stateIcon(state) {
  return ICONS[state] ?? "circle-help";
}

/** "bad", "warn", "good" or "quiet": as somebody wanted it, or not known yet. */
export function stateTone(state) {
  return TONES[state] ?? "quiet";
}

/** Whether somebody should look at it. */
export function troubled(link) {
  return ["bad", "warn"].includes(stateTone(link.state));
}

const rank = (state) => (STATES.includes(state) ? STATES.indexOf(state) : 0);

/** The links, the worst first; within a state as they came. */
export function byWorst(links) {
  return [...links].sort((a, b) => rank(a.state) - rank(b.state));
}

/** How many links are in each troubled state, the worst first: `[["stopped", 2], ["late", 1]]`. */
export function troubleCounts(links) {
  const counts = new Map();
  for (const link of byWorst(links)) if (troubled(link)) counts.set(link.state, (counts.get(link.state) ?? 0) + 1);
  return [...counts];
}

/** What changed between two lists, in words, the worst first; empty where nothing that matters did. */
export function changesInWords(before, after) {
  const known = new Map(before.map((link) => [link.slug, link]));
  return byWorst(after)
    .filter((link) => known.has(link.slug) && known.get(link.slug).state !== link.state && (troubled(link) || troubled(known.get(link.slug))))
    .map((link) => `${named(link.name)}: ${stateWord(link.state)}`);
}

/** "since 4 min 10 s", or nothing where it is not known. */
export function sinceWords(link, now) {
  return link.since ? t("since %(time)s", { time: span(now - new Date(link.since).getTime()) }) : "";
}

/** "last heard 12 s ago", or that it never was. */
export function contactWords(link, now) {
  return link.last_contact_at ? t("last heard %(time)s ago", { time: span(now - new Date(link.last_contact_at).getTime()) }) : t("never heard");
}
