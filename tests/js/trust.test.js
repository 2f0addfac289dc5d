import assert from "node:assert/strict";
import { test } from "node:test";
import { learn, now, skew } from "../../static/js/clock.js";
import { CatchUp, isNewVersion, skewKind } from "../../static/js/trust.js";

test("rows that come after a lost line are caught up, and told once", () => {
  const gap = new CatchUp();
  gap.applied(3);
  assert.equal(gap.level(), 0);
  gap.lost();
  gap.applied(2);
  gap.lost();
  gap.applied(5);
  assert.equal(gap.level(), 7);
  assert.equal(gap.level(), 0);
});

test("a line lost for nothing is not worth a word", () => {
  const gap = new CatchUp();
  gap.lost();
  assert.equal(gap.level(), 0);
});

test("another build is a new version; a server that names none is not", () => {
  assert.equal(isNewVersion("a", "b"), true);
  assert.equal(isNewVersion("a", "a"), false);
  assert.equal(isNewVersion("a", undefined), false);
  assert.equal(isNewVersion("", "b"), false);
});

test("a clock is said from two seconds, warned about from thirty, either way", () => {
  assert.deepEqual([0, 1900, 2100, -2100, 29000, 31000, -31000].map(skewKind), ["", "", "said", "said", "said", "warned", "warned"]);
});

test("setting the computer's clock moves no time on the page", () => {
  const server = Date.now() + 60_000;
  for (let i = 0; i < 6; i += 1) learn(new Date(server).toISOString(), performance.now());
  assert.ok(Math.abs(skew() - 60_000) < 200);
  const shown = now();
  assert.ok(Math.abs(skew(Date.now() + 600_000) + 540_000) < 200);
  assert.ok(now() - shown < 200);
});

test("a server's clock that was set back is followed after a few messages, one late message is not", () => {
  const heard = performance.now();
  const say = (ms) => learn(new Date(ms).toISOString(), heard);
  const far = now() + 100_000;
  say(far);
  say(far - 20_000);
  assert.ok(now() > far - 2000);
  for (let i = 0; i < 5; i += 1) say(far - 20_000);
  assert.ok(Math.abs(now() - (far - 20_000)) < 2000);
});
