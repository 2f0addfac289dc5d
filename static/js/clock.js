/** The server's time as this page knows it, so that a wrong local clock shows no wrong age. */

let offsetMs = 0;
let best = -Infinity;

/**
 * Learns from a message stamped `at` (ISO). Messages come late, never early: the largest
 * difference is nearest the truth. It fades, so that a corrected clock is followed.
 */
export function learn(at, local = Date.now()) {
  const difference = new Date(at).getTime() - local;
  if (Number.isNaN(difference)) return;
  best = Math.max(difference, best - 50);
  offsetMs = Math.abs(best - offsetMs) > 100 ? best : offsetMs;
}

/** Now in milliseconds since 1970, by the server's clock. */
export function now() {
  return Date.now() + offsetMs;
}

/** How far the local clock is off, in milliseconds (positive: the server is ahead). */
export function skew() {
  return offsetMs;
}
