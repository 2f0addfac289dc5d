/** Drawing at the pace the machine can keep: a storm must not fill the time in which a new alarm is to be shown. */

/** Of the time, at most one part in four goes to work that is paced; and nobody reads faster than this. */
const REST = 3;
const REST_MS = 200;

/**
 * A function that has `work` done: at once where it has rested, else as soon as it has: three times as long as it
 * took, at least a fifth of a second. Calls meanwhile are one call; the last state is always drawn.
 */
export function paced(work, { clock = performance, later = setTimeout } = {}) {
  let restUntil = 0;
  let waiting = false;
  const run = () => {
    waiting = false;
    const started = clock.now();
    work();
    const ended = clock.now();
    restUntil = ended + Math.max(REST_MS, REST * (ended - started));
  };
  return () => {
    if (waiting) return;
    const rest = restUntil - clock.now();
    if (rest <= 0) return run();
    waiting = true;
    later(run, rest);
  };
}
