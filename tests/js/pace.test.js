import assert from "node:assert/strict";
import { test } from "node:test";
import { paced } from "../../static/js/pace.js";

/** A clock that moves only when told, and the timers set on it. */
function stage(cost) {
  const timers = [];
  const clock = { at: 0, now() { return this.at; } };
  const done = [];
  const run = paced(() => { done.push(clock.at); clock.at += cost; }, { clock, later: (work, ms) => timers.push({ work, ms }) });
  return { timers, clock, done, run };
}

test("cheap work is done at once, then five times a second at most", () => {
  const { run, done, timers, clock } = stage(0);
  run(); run(); run();
  assert.deepEqual(done, [0]);
  assert.deepEqual(timers.map(({ ms }) => ms), [200]);
  clock.at = 200;
  timers[0].work();
  assert.deepEqual(done, [0, 200]);
});

test("costly work rests three times as long as it took, and calls meanwhile are one", () => {
  const { run, done, timers, clock } = stage(100);
  run(); run(); run();
  assert.deepEqual(done, [0]);
  assert.deepEqual(timers.map(({ ms }) => ms), [300]);
  clock.at = 400;
  timers[0].work();
  assert.deepEqual(done, [0, 400]);
});

test("rested, it is done at once again", () => {
  const { run, done, clock } = stage(10);
  run();
  clock.at = 1000;
  run();
  assert.deepEqual(done, [0, 1000]);
});
