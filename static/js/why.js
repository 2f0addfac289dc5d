/** Why an event is in its incident, and what a merge, a split or their undoing will do: in words. Pure. */
import { clock, distance, span, windowWords } from "./format.js";
import { t, tn } from "./i18n.js";

/** "60 m (≤ 150 m)", or the distance alone where the rule of its time is not known any more. */
const within = (value, limit) => (limit == null ? value : `${value} (≤ ${limit})`);

/** The reason as `{hand, words}`; `hand` where a person decided it. */
export function whyWords(why) {
  const by = { by: why.by, time: clock(why.at), other: why.other };
  const words = {
    opened: t("Opened this incident"), same_subject: t("Continues the same report of its source"),
    merge: t("Merged by hand out of %(other)s · %(by)s, %(time)s", by), split: t("Split off by hand from %(other)s · %(by)s, %(time)s", by),
    undo: t("Put back here from %(other)s · %(by)s, %(time)s", by),
  };
  if (why.how !== "rule") return { hand: ["merge", "split", "undo"].includes(why.how), words: words[why.how] ?? why.how };
  const near = within(distance(why.distance_m), why.radius_m == null ? null : distance(why.radius_m));
  const gap = within(span(why.gap_s * 1000), why.window_s == null ? null : windowWords(why.window_s));
  return { hand: false, words: t("Joined by rule: distance %(near)s, time gap %(gap)s", { near, gap }) };
}

/** Whether the events may be split off: some, and not all. `count` is the incident's own number of events. */
export function canSplit(ticked, count) {
  return ticked > 0 && ticked < count;
}

/** Which way to merge with a neighbour: "into" it, it "from" there into this one, or null where neither is possible. */
export function mergeWay(neighbour) {
  if (!neighbour.refusal) return "into";
  return neighbour.refusal_other_way ? null : "from";
}

/** What merging `part` into `whole` will do, as lines. */
export function mergeLines(part, whole) {
  const lines = [
    tn("%(count)s event of %(part)s moves to %(whole)s.", "%(count)s events of %(part)s move to %(whole)s.", part.event_count, { part: part.number, whole: whole.number }),
    t("%(part)s becomes “merged” and leaves the queue.", { part: part.number }),
    t("%(whole)s stays as it is: grade %(grade)s, with %(holder)s.", { whole: whole.number, grade: whole.grade, holder: whole.holder?.name ?? t("nobody") }),
  ];
  return [...lines, t("It can be undone while both are as they are.")];
}

/** What splitting `ticked` events off will do, as lines. */
export function splitLines(incident, ticked) {
  return [
    tn("%(count)s event leaves %(number)s for a new incident.", "%(count)s events leave %(number)s for a new incident.", ticked, { number: incident.number }),
    t("The new incident is unacknowledged: it sounds and wants somebody."),
    tn("%(count)s event stays here.", "%(count)s events stay here.", incident.event_count - ticked),
    t("What these sources report next goes to the new incident, not here."),
  ];
}

/** What undoing a merge or split will do, as lines. */
export function undoLines({ kind, part, whole, events }) {
  const values = { part, whole };
  if (kind === "merge") {
    return [
      tn("%(part)s comes back with %(count)s event, in the state it had.", "%(part)s comes back with its %(count)s events, in the state it had.", events.length, values),
      t("What its sources report next goes to %(part)s, not to %(whole)s.", values),
    ];
  }
  return [
    tn("%(count)s event goes back to %(whole)s.", "%(count)s events go back to %(whole)s.", events.length, values),
    t("%(part)s becomes “merged” and leaves the queue.", values),
  ];
}

const KST_MS = 9 * 3600 * 1000;
const DAY_MS = 24 * 3600 * 1000;

/** The last moment at which a clock in Korea showed "HH:MM", as ISO text; null for this very minute or no time. */
export function momentOf(words, now) {
  const found = /^(\d{2}):(\d{2})/.exec(words ?? "");
  if (!found) return null;
  const midnight = Math.floor((now + KST_MS) / DAY_MS) * DAY_MS - KST_MS;
  let at = midnight + (Number(found[1]) * 60 + Number(found[2])) * 60_000;
  if (at > now) at -= DAY_MS;
  return now - at < 60_000 ? null : new Date(at).toISOString();
}

/** A coordinate pair as people write it ("36.35, 127.38"), or null. Korea only: what is swapped is put right. */
export function readPosition(words) {
  const found = words.trim().match(/^\(?\s*(-?\d{1,3}(?:\.\d+)?)\s*[,;\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*\)?$/);
  if (!found) return null;
  const [a, b] = [Number(found[1]), Number(found[2])];
  const [lat, lon] = a > 90 && b <= 90 ? [b, a] : [a, b];
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? { lat, lon } : null;
}
