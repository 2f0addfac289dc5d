/** Which alarm must sound: pure decisions. `audio.js` makes the noise. */
import { unseen } from "./grades.js";
import { shelved } from "./store.js";

export const MUTE_MS = 120000;

/** What may sound, the most pressing first. "+1": escalated to the supervisor, "+2": to the whole room. */
export const ALARMS = ["G1+2", "G1+1", "G1", "G2+2", "G2+1", "G2", "G3+2", "G3+1"];

/** The alarm one incident makes for `role`, or null: G3 and below sound only once escalated to whoever hears it. */
function alarmOf({ grade, escalation = 0 }, role) {
  if (grade === "G1" || grade === "G2") return escalation ? `${grade}+${escalation}` : grade;
  return escalation === 2 || (escalation === 1 && role === "supervisor") ? `G3+${escalation}` : null;
}

/**
 * One of ALARMS, or null: the most pressing of what still waits for an acknowledgement.
 * Muting silences everything that was there when it began; a G1 that arrives or goes to the room later still sounds.
 */
export function alarmFor(incidents, { now, muted = null, role = "" }) {
  let worst = ALARMS.length;
  for (const incident of incidents) {
    if (!unseen(incident)) continue;
    const rank = ALARMS.indexOf(alarmOf(incident, role));
    if (rank < 0 || rank >= worst || shelved(incident, now) || silenced(incident, now, muted)) continue;
    worst = rank;
  }
  return ALARMS[worst] ?? null;
}

function silenced({ grade, escalation, received_at: came, escalated_at: escalated }, now, muted) {
  if (!muted || now >= muted.until) return false;
  const newest = escalation === 2 && escalated ? escalated : came;
  return grade !== "G1" || new Date(newest).getTime() <= muted.since;
}

/** A mute that starts at `now`, or null to end the running one. */
export function toggleMute(muted, now) {
  return muted && now < muted.until ? null : { since: now, until: now + MUTE_MS };
}

/** Notes of one pattern: `[hertz, start s, length s, loudness 0–1]`, and the time to its repetition. */
export const PATTERNS = {
  G1: { every: 1.6, notes: [[988, 0, 0.14, 0.5], [784, 0.18, 0.14, 0.5], [988, 0.36, 0.14, 0.5], [784, 0.54, 0.2, 0.5]] },
  G2: { every: 4, notes: [[659, 0, 0.22, 0.22], [523, 0.26, 0.32, 0.2]] },
  // Escalated: the same voice with a third, higher call; to the whole room sooner and louder.
  "G1+1": { every: 1.5, notes: [[988, 0, 0.14, 0.55], [784, 0.18, 0.14, 0.55], [1319, 0.36, 0.14, 0.55], [988, 0.54, 0.2, 0.55]] },
  "G1+2": { every: 1.2, notes: [[1319, 0, 0.12, 0.6], [988, 0.15, 0.12, 0.6], [1319, 0.3, 0.12, 0.6], [988, 0.45, 0.12, 0.6], [1319, 0.6, 0.2, 0.6]] },
  "G2+1": { every: 3.4, notes: [[659, 0, 0.2, 0.26], [523, 0.24, 0.2, 0.24], [784, 0.48, 0.3, 0.26]] },
  "G2+2": { every: 2.8, notes: [[784, 0, 0.2, 0.32], [523, 0.24, 0.2, 0.3], [784, 0.48, 0.2, 0.32], [988, 0.72, 0.3, 0.32]] },
  "G3+1": { every: 12, notes: [[587, 0, 0.25, 0.14], [784, 0.3, 0.4, 0.14]] },
  "G3+2": { every: 8, notes: [[587, 0, 0.25, 0.18], [784, 0.3, 0.25, 0.18], [988, 0.6, 0.4, 0.18]] },
};
