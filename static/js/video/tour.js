/** A tour through a layout's scenes, as pure functions of the time: `{index, since, on}`, in milliseconds. */

export function newTour(at) {
  return { index: 0, since: at, on: false };
}

/** The tour at `at`: the next scene after `seconds`, round and round; a single scene stays. */
export function toured(tour, { at, seconds, count }) {
  const index = Math.min(tour.index, count - 1);
  if (!tour.on || count < 2) return index === tour.index ? tour : { ...tour, index };
  const steps = Math.floor((at - tour.since) / (seconds * 1000));
  if (steps < 1) return index === tour.index ? tour : { ...tour, index };
  return { ...tour, index: (index + steps) % count, since: tour.since + steps * seconds * 1000 };
}

/** The scene chosen by hand; a running tour goes on from there with its whole time. */
export function shownScene(tour, index, at) {
  return { ...tour, index, since: at };
}

/** Runs or rests. */
export function switched(tour, on, at) {
  return { ...tour, on, since: at };
}

/** Whole seconds until the next scene, or null while it rests. */
export function secondsLeft(tour, { at, seconds, count }) {
  if (!tour.on || count < 2) return null;
  return Math.max(0, Math.ceil((tour.since + seconds * 1000 - at) / 1000));
}
