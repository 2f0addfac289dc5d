/** What the shift is and what one may do in it, as pure functions. No DOM, no clock, no network: Node tests it. */
import { clockMinutes } from "../format.js";
import { t } from "../i18n.js";

/** Who comes within this time before a change of shifts comes for the next one. */
export const EARLY_MS = 60 * 60000;
/** A duty this long beyond its shift is asked about. */
export const OVERTIME_MS = 10 * 60000;

const ms = (at) => new Date(at).getTime();

/** The shift in a word. */
export function shiftName(shift) {
  return { day: t("Day shift"), evening: t("Evening shift"), night: t("Night shift") }[shift] ?? shift;
}

/** "Night B crew": whose duty it is. */
export function crewWords({ shift, crew }) {
  return t("%(shift)s, crew %(crew)s", { shift: shiftName(shift), crew });
}

/** "22:00–06:00" in KST. */
export function hours(span) {
  return `${clockMinutes(span.begins_at)}–${clockMinutes(span.ends_at)}`;
}

/** Which shift a person who signs in at `now` (milliseconds) most likely comes for: "now" or "next". */
export function comingFor(state, now) {
  return ms(state.now.ends_at) - now <= EARLY_MS ? "next" : "now";
}

/** Whether the duty's shift is over by more than the usual overlap. */
export function overdue(duty, now) {
  return Boolean(duty) && now - ms(duty.ends_at) > OVERTIME_MS;
}

const sameShift = (duty, handover) => Boolean(duty) && duty.crew === handover.crew && duty.shift === handover.shift && duty.day === handover.day;

/**
 * What this person can do with a handover: of "note", "refresh", "sign", "countersign", "return".
 * The server decides; this only spares a button that would be refused. `why` says what is in the way.
 */
export function turn(handover, me, duty) {
  if (!handover || handover.state === "archived" || handover.state === "returned") return { can: [], why: "" };
  if (!duty) return { can: [], why: t("Begin your duty first: a handover is between those on duty.") };
  const mine = sameShift(duty, handover);
  if (handover.state === "draft") {
    if (mine) return { can: ["note", "refresh", "sign"], why: "" };
    return { can: [], why: t("The outgoing shift has not signed it yet.") };
  }
  if (handover.outgoing?.username === me.username) return { can: ["return"], why: t("You have signed for the outgoing shift; somebody of the incoming one signs now.") };
  if (mine) return { can: ["return"], why: t("The incoming shift signs; you are of the shift that hands over.") };
  return { can: ["countersign", "return"], why: "" };
}

/** Whether the caller's own shift may begin a handover: on duty, and none is open. */
export function mayWrite(state) {
  return Boolean(state.duty) && !state.handover.open;
}

/** Notices the reader has not read, as they came: the important ones first. */
export function unread(notices) {
  return notices.filter((one) => !one.read_at);
}

/**
 * What the strip above the room says, the most pressing first: "begin" (not on duty), "sign" (a handover waits for
 * one's signature), "correct" (one's own was sent back), "over" (the shift has ended), or null.
 */
export function stripOf(state, me, now, { later = false } = {}) {
  if (!state) return null;
  if (!state.duty) return later ? null : "begin";
  const open = state.handover.open;
  if (open && turn(open, me, state.duty).can.includes("countersign")) return "sign";
  if (open?.state === "draft" && open.replaces && sameShift(state.duty, open)) return "correct";
  return overdue(state.duty, now) && !later ? "over" : null;
}

/** The state of the sound test in words. */
export function soundWords(sound) {
  return { heard: t("Sound heard"), not_heard: t("Sound not heard"), untested: t("Sound not tested") }[sound] ?? sound;
}

/** A handover's state in words. */
export function stateWords(state) {
  const words = { draft: t("Draft"), signed: t("Waits for the incoming shift"), archived: t("Archived"), returned: t("Returned for correction") };
  return words[state] ?? state;
}

/** What is no longer as it was signed, in words. */
export function wrongWords(wrong) {
  const words = {
    document: t("the text is not the one that was signed"), seal: t("the signature of the incoming shift does not fit"),
    audit: t("the audit chain says otherwise"),
  };
  return wrong.map((one) => words[one] ?? one);
}

/** Those on duty, gathered by shift and crew: `[{shift, crew, people}]`, in the order they began. */
export function crews(onDuty) {
  const groups = new Map();
  for (const one of onDuty) {
    const key = `${one.day} ${one.shift} ${one.crew}`;
    if (!groups.has(key)) groups.set(key, { shift: one.shift, crew: one.crew, people: [] });
    groups.get(key).people.push(one);
  }
  return [...groups.values()];
}

/** When a notice may end, as `[{code, label, at}]`: the ends of this shift and the next, a day, a week. */
export function notUntil(state, now) {
  return [
    { code: "shift", label: t("End of this shift (%(time)s)", { time: clockMinutes(state.now.ends_at) }), at: state.now.ends_at },
    { code: "next", label: t("End of the next shift (%(time)s)", { time: clockMinutes(state.next.ends_at) }), at: state.next.ends_at },
    { code: "day", label: t("24 hours"), at: new Date(now + 24 * 3600000).toISOString() },
    { code: "week", label: t("7 days"), at: new Date(now + 7 * 24 * 3600000).toISOString() },
  ];
}
