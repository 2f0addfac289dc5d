/** Drawing at the pace the machine can keep: a storm must not fill the time in which a new alarm is to be shown. */

/** Of the time, at most one part in four goes to work that is paced. */
const REST = 3;

/**
 * A function that has `work` done in a task of its own: next while that is cheap, else as soon as it has rested three
 * times as long as it took. Calls meanwhile are one call; the last state is always drawn.
 */
export function paced(work, { clock = performance, later = setTimeout } = {}) {
  let restUntil = 0;
  let waiting = false;
  const run = () => {
    waiting = false;
    const started = clock.now();
    work();
    const ended = clock.now();
    restUntil = ended + REST * (ended - started);
  };
  return () => {
    if (waiting) return;
    waiting = true;
    later(run, Math.max(0, restUntil - clock.now()));
  };
}
