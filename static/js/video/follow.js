/** Which incident a wall turns to by itself, as pure functions: `{number, grade, until, kept}` or null. */

/** For so long an incident keeps the wall; then the wall goes back to what was shown. */
export const HOLD_MS = 60000;
const GRADES = ["G1", "G2"];

/** Whether `incident` is one a wall turns to. */
export function calls(incident) {
  return GRADES.includes(incident?.grade) && incident.lat != null;
}

/**
 * What is followed after `incident` came or was chosen. A G2 does not push a G1 away; a chosen one always comes in.
 */
export function followed(current, incident, { at, chosen = false }) {
  if (incident?.lat == null || (!chosen && !calls(incident))) return current;
  if (!chosen && current && current.grade < incident.grade && current.number !== incident.number) return current;
  return { number: incident.number, grade: incident.grade, until: at + HOLD_MS, kept: false };
}

/** Stays with it until it is let go by hand. */
export function kept(current) {
  return current && { ...current, kept: true };
}

/** What is still followed at `at`; `ended`: the incident is over. */
export function stillFollowed(current, { at, ended = false }) {
  return current && !ended && (current.kept || at < current.until) ? current : null;
}

/** Whole seconds until the wall goes back, or null while it stays. */
export function holdLeft(current, at) {
  return !current || current.kept ? null : Math.max(0, Math.ceil((current.until - at) / 1000));
}
