/** Drawing at the pace the machine can keep: a storm must not fill the time in which a new alarm is to be shown. */

/** Of the time, at most one part in four goes to work that is paced; and nobody reads faster than this. */
const REST = 3;
const REST_MS = 200;

/** While somebody moves the map, whose every frame counts. */
const BUSY_REST_MS = 1000;

/**
 * A function that has `work` done: at once where it has rested, else as soon as it has: three times as long as it
 * took, at least a fifth of a second, or a second while `busy()`. Calls meanwhile are one call; the last state is
 * always drawn.
 */
export function paced(work, { busy = () => false, clock = performance, later = setTimeout } = {}) {
  let restUntil = 0;
  let waiting = false;
  const run = () => {
    waiting = false;
    const started = clock.now();
    work();
    const ended = clock.now();
    restUntil = ended + Math.max(busy() ? BUSY_REST_MS : REST_MS, REST * (ended - started));
  };
  return () => {
    if (waiting) return;
    const rest = restUntil - clock.now();
    if (rest <= 0) return run();
    waiting = true;
    later(run, rest);
  };
}
