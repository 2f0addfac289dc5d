/**
 * The server's time as this page knows it, so that a wrong local clock shows no wrong age. It counts on the
 * browser's monotonic clock: whoever sets the computer's clock meanwhile changes nothing here.
 */

/** Messages this much later than the best so far, this often in a row: the server's clock was set back. */
const BACK_MS = 2000;
const BACK_TIMES = 5;
/** What lies within this of the known offset is the network's doing. */
const JITTER_MS = 100;

let offsetMs = Date.now() - performance.now();
let best = -Infinity;
let lower = [];
let learnt = false;

/**
 * Learns from a message stamped `at` (ISO), heard at `heard` (`performance.now()`). Messages come late, never
 * early: the largest difference is nearest the truth. It fades, so that a corrected clock is followed.
 */
export function learn(at, heard = performance.now()) {
  const difference = new Date(at).getTime() - heard;
  if (Number.isNaN(difference)) return;
  lower = difference < best - BACK_MS ? [...lower, difference] : [];
  best = lower.length >= BACK_TIMES ? Math.max(...lower) : Math.max(difference, best - 50);
  if (lower.length >= BACK_TIMES) lower = [];
  offsetMs = learnt && Math.abs(best - offsetMs) <= JITTER_MS ? offsetMs : best;
  learnt = true;
}

/** Now in milliseconds since 1970, by the server's clock. */
export function now() {
  return performance.now() + offsetMs;
}

/** How far the local clock is off, in milliseconds (positive: the server is ahead); 0 until the server was heard. */
export function skew(local = Date.now()) {
  return learnt ? now() - local : 0;
}
