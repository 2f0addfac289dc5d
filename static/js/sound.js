/** Which alarm must sound: pure decisions. `audio.js` makes the noise. */
import { unseen } from "./grades.js";
import { shelved } from "./store.js";

export const MUTE_MS = 120000;

/**
 * "G1", "G2" or null: the worst grade still waiting for an acknowledgement.
 * Muting silences everything that was there when it began; a G1 that arrives later still sounds.
 */
export function alarmFor(incidents, { now, muted = null }) {
  let worst = null;
  for (const incident of incidents) {
    if (incident.grade !== "G1" && incident.grade !== "G2") continue;
    if (!unseen(incident) || shelved(incident, now) || silenced(incident, now, muted)) continue;
    if (incident.grade === "G1") return "G1";
    worst = "G2";
  }
  return worst;
}

function silenced(incident, now, muted) {
  if (!muted || now >= muted.until) return false;
  return incident.grade !== "G1" || new Date(incident.received_at).getTime() <= muted.since;
}

/** A mute that starts at `now`, or null to end the running one. */
export function toggleMute(muted, now) {
  return muted && now < muted.until ? null : { since: now, until: now + MUTE_MS };
}

/** Notes of one pattern: `[hertz, start s, length s, loudness 0–1]`, and the time to its repetition. */
export const PATTERNS = {
  G1: { every: 1.6, notes: [[988, 0, 0.14, 0.5], [784, 0.18, 0.14, 0.5], [988, 0.36, 0.14, 0.5], [784, 0.54, 0.2, 0.5]] },
  G2: { every: 4, notes: [[659, 0, 0.22, 0.22], [523, 0.26, 0.32, 0.2]] },
};
