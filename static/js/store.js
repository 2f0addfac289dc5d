/**
 * What the page knows, as pure functions: the ledger's rows in, a state out.
 * No DOM, no clock, no network: Node tests it. A state is never changed in place.
 */
import { ENDED, GRADES, unseen } from "./grades.js";

/** How many ended incidents stay at hand (an open panel, reopening). */
const KEEP_ENDED = 200;

/** The state before anything is known. */
export function emptyState() {
  return { ready: false, cursor: "", at: null, seqs: {}, incidents: new Map(), ended: new Map(), feeds: [], floods: [] };
}

/** The state that a snapshot message says; ended incidents already seen stay readable. */
export function applySnapshot(state, message) {
  const incidents = new Map(message.incidents.map((incident) => [incident.number, incident]));
  const ended = new Map([...state.ended].filter(([number]) => !incidents.has(number)));
  return {
    ready: true, cursor: message.cursor, at: message.at ?? state.at, seqs: {},
    incidents, ended, feeds: message.feeds ?? state.feeds, floods: message.floods ?? [],
  };
}

/** Puts an incident where its status belongs; an older version than the known one changes nothing. */
function place(incidents, ended, incident) {
  const known = incidents.get(incident.number) ?? ended.get(incident.number);
  if (known && known.version > incident.version) return;
  incidents.delete(incident.number);
  ended.delete(incident.number);
  (ENDED.has(incident.status) ? ended : incidents).set(incident.number, incident);
}

/**
 * Applies a "changes" message. A row already applied is skipped; a row that does not follow
 * the last one of its municipality means something was missed: then nothing is applied and
 * `gap` is true, and the caller must take a fresh snapshot.
 *
 * Returns `{state, gap, applied}`, `applied` being the rows that were new, in order.
 */
export function applyChanges(state, message, { contiguous = true } = {}) {
  const seqs = { ...state.seqs };
  const applied = [];
  for (const change of message.changes) {
    const last = seqs[change.municipality];
    if (last !== undefined && change.seq <= last) continue;
    if (contiguous && last !== undefined && change.seq !== last + 1) return { state, gap: true, applied: [] };
    seqs[change.municipality] = change.seq;
    applied.push(change);
  }
  const incidents = new Map(state.incidents);
  const ended = new Map(state.ended);
  for (const change of applied) if (change.incident) place(incidents, ended, change.incident);
  for (const number of ended.keys()) {
    if (ended.size <= KEEP_ENDED) break;
    ended.delete(number);
  }
  const floods = applied.reduce(flooded, state.floods);
  return { state: { ...state, cursor: message.cursor, seqs, incidents, ended, floods }, gap: false, applied };
}

/** The floods after a ledger row: one a municipality at most. */
function flooded(floods, { kind, municipality, detail }) {
  if (kind !== "flood.began" && kind !== "flood.ended") return floods;
  const others = floods.filter((one) => one.municipality !== municipality);
  return kind === "flood.began" ? [...others, detail] : others;
}

/** Applies a "tick": feeds and time; the ledger did not move. */
export function applyTick(state, message) {
  return { ...state, at: message.at, feeds: message.feeds ?? state.feeds };
}

/** Adds ended incidents that were looked up over REST, without touching what is live. */
export function addEnded(state, list) {
  const ended = new Map(state.ended);
  for (const incident of list) if (!state.incidents.has(incident.number)) ended.set(incident.number, incident);
  return { ...state, ended };
}

/** The incident of that number, ended or not. */
export function incidentOf(state, number) {
  return state.incidents.get(number) ?? state.ended.get(number) ?? null;
}

/** Whether the incident is shelved at `now` (milliseconds). A shelf that ran out has returned by itself. */
export function shelved(incident, now) {
  return Boolean(incident.shelved_until) && new Date(incident.shelved_until).getTime() > now;
}

/** When it came, in milliseconds; read once, since a flood is sorted many times a second. */
const started = (incident) => {
  let at = times.get(incident);
  if (at === undefined) times.set(incident, (at = new Date(incident.received_at ?? incident.occurred_at).getTime()));
  return at;
};
const times = new WeakMap();

const lesser = ({ grade }) => Number(grade > "G2");

/**
 * The order of the queue: shelved ones last, then grade, then the youngest first. A supervisor sees what was escalated
 * to them first, of the urgent and of the lesser grades each: nothing lesser comes before a G1 or G2.
 */
export function compare(a, b, now, role = "") {
  return (
    shelved(a, now) - shelved(b, now) ||
    (role === "supervisor" && (lesser(a) - lesser(b) || (b.escalation ?? 0) - (a.escalation ?? 0))) ||
    GRADES.indexOf(a.grade) - GRADES.indexOf(b.grade) ||
    started(b) - started(a) ||
    (a.number < b.number ? 1 : -1)
  );
}

function matches(incident, words) {
  if (!words.length) return true;
  const text = [
    incident.number, incident.code, incident.title?.ko, incident.title?.en, incident.address, incident.place,
    incident.summary, incident.source?.device_id, incident.holder?.name,
  ].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

/**
 * The queue as shown: `rows` in order, and `hidden`, the number of G1/G2 that the filter
 * keeps out of sight, which the page must say.
 */
export function queueOf(incidents, { now, text = "", grades = null, unseenOnly = false, role = "" }) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [];
  let hidden = 0;
  for (const incident of incidents.values()) {
    const shown = matches(incident, words) && (!grades || grades.has(incident.grade)) && (!unseenOnly || unseen(incident));
    if (shown) rows.push(incident);
    else if (incident.grade === "G1" || incident.grade === "G2") hidden += 1;
  }
  rows.sort((a, b) => compare(a, b, now, role));
  return { rows, hidden };
}

/** How many wait for an acknowledgement, by grade. */
export function unseenCounts(incidents) {
  const counts = { G1: 0, G2: 0, G3: 0, G4: 0, total: 0 };
  for (const incident of incidents.values()) {
    if (!unseen(incident)) continue;
    counts[incident.grade] += 1;
    counts.total += 1;
  }
  return counts;
}

/** Milliseconds past the acknowledgement target at `now`; negative while there is time, null without a target. */
export function overdue(incident, now) {
  if (!unseen(incident) || !incident.ack_due_at) return null;
  return now - new Date(incident.ack_due_at).getTime();
}
