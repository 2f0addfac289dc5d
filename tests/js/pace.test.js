import assert from "node:assert/strict";
import { test } from "node:test";
import { paced } from "../../static/js/pace.js";

/** A clock that moves only when told, and the timers set on it; `fire()` runs the next one when it is due. */
function stage(cost) {
  const timers = [];
  const clock = { at: 0, now() { return this.at; } };
  const done = [];
  const run = paced(() => { done.push(clock.at); clock.at += cost; }, { clock, later: (work, ms) => timers.push({ work, at: clock.at + ms }) });
  const fire = () => { const { work, at } = timers.shift(); clock.at = Math.max(clock.at, at); work(); };
  return { timers, clock, done, run, fire };
}

test("work is done in a task of its own, and calls until then are one", () => {
  const { run, done, timers, fire } = stage(0);
  run(); run(); run();
  assert.deepEqual([done.length, timers.length], [0, 1]);
  fire();
  run();
  fire();
  assert.deepEqual(done, [0, 0]);
});

test("costly work rests three times as long as it took", () => {
  const { run, done, fire } = stage(100);
  run();
  fire();
  run(); run();
  fire();
  assert.deepEqual(done, [0, 400]);
});

test("rested, it is done next again", () => {
  const { run, done, clock, fire } = stage(10);
  run();
  fire();
  clock.at = 1000;
  run();
  fire();
  assert.deepEqual(done, [0, 1000]);
});

test("what comes while it works is drawn after it", () => {
  const timers = [];
  let calls = 0;
  const run = paced(() => { calls += 1; if (calls === 1) run(); }, { clock: { now: () => 0 }, later: (work) => timers.push(work) });
  run();
  timers.shift()();
  timers.shift()();
  assert.equal(calls, 2);
});
