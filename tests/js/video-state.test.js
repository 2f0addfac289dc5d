import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PATIENCE_MS, STALE_MS, aliveEvery, counts, due, idle, patience, step } from "../../static/js/video/state.js";
import { Stagger } from "../../static/js/video/stagger.js";
import { lamp, words } from "../../static/js/video/words.js";

const VIEW = { view: "v1", hls: "/video/x/index.m3u8", snapshot: "/video/x/snapshot.jpg" };
const play = (...events) => events.reduce(step, idle());
const opened = [{ type: "open", at: 1000 }, { type: "granted", at: 1200, view: VIEW }];
const live = [...opened, { type: "heard", at: 2000, state: "live", seconds: 9 }, { type: "frame", at: 3000 }];

describe("a tile", () => {
  test("is idle, connects, and is live with its first picture", () => {
    assert.equal(idle().phase, "idle");
    assert.equal(play(...opened).phase, "connecting");
    assert.equal(play(...opened, { type: "heard", at: 2000, state: "live", seconds: 3 }).phase, "connecting");
    assert.equal(play(...live).phase, "live");
  });

  test("is not live without new pictures, whatever the server says", () => {
    const later = play(...live, { type: "heard", at: 6900, state: "live" }, { type: "tick", at: 3000 + STALE_MS });
    assert.equal(later.phase, "frozen");
    assert.equal(counts(later, 3000 + STALE_MS).seconds, STALE_MS / 1000);
    assert.equal(step(later, { type: "frame", at: 8000 }).phase, "live");
  });

  test("is not live when the server says otherwise, though pictures still come from the buffer", () => {
    const lost = play(...live, { type: "heard", at: 4000, state: "lost", seconds: 2 }, { type: "frame", at: 4100 });
    assert.equal(lost.phase, "lost");
    assert.equal(counts(lost, 5000).seconds, 3);
    assert.equal(step(lost, { type: "heard", at: 5100, state: "live", seconds: 0 }).phase, "live");
    assert.equal(play(...live, { type: "heard", at: 4000, state: "frozen", seconds: 7 }).phase, "frozen");
  });

  test("counts a frozen picture from when it froze, not from when it was heard", () => {
    const frozen = play(...live, { type: "heard", at: 20000, state: "frozen", seconds: 7 });
    assert.equal(counts(frozen, 21000).seconds, 8);
  });

  test("has no signal when no picture ever came", () => {
    assert.equal(play(...opened, { type: "tick", at: 1000 + PATIENCE_MS - 1 }).phase, "connecting");
    assert.equal(play(...opened, { type: "tick", at: 1000 + PATIENCE_MS }).phase, "lost");
  });

  test("hears nothing and shows nothing once closed", () => {
    const closed = play(...live, { type: "close", at: 4000 }, { type: "frame", at: 4100 }, { type: "heard", at: 4200, state: "live" });
    assert.deepEqual(closed, idle());
  });
});

describe("refusals", () => {
  const refused = (status, more = {}) => play({ type: "open", at: 0 }, { type: "refused", at: 100, status, ...more });

  test("forbidden and no stream stay, and nothing is tried again", () => {
    for (const [status, phase] of [[403, "forbidden"], [400, "forbidden"], [409, "none"], [404, "none"]]) {
      assert.equal(refused(status).phase, phase);
      assert.equal(due(refused(status), 1e9), null);
    }
  });

  test("the limit says who is in and when it tries again, and tries", () => {
    const state = refused(503, { problem: { limit: 16, in_use: 16 }, retryAfter: 7 });
    assert.equal(state.phase, "limit");
    assert.equal(due(state, 7099), null);
    assert.equal(due(state, 7100), "open");
    assert.match(words(state, 2100).detail, /16 of 16 in use, trying again in 5 s/);
  });

  test("a server out of reach is tried again, later each time, and said", () => {
    let state = refused(0);
    assert.equal(due(state, 1100), "open");
    state = step(step(state, { type: "open", at: 1100 }), { type: "refused", at: 1200, status: 502 });
    assert.equal(state.phase, "lost");
    assert.equal(due(state, 3199), null);
    assert.equal(due(state, 3200), "open");
    assert.deepEqual([1, 2, 3, 5, 50].map(patience), [1000, 2000, 4000, 15000, 15000]);
  });

  test("what the server says about the reason or its gateway is read on the tile", () => {
    assert.equal(words(refused(400, { told: "No active incident of that number." }), 200).detail, "No active incident of that number.");
    assert.equal(words(refused(503, { told: "The media gateway does not answer." }), 100).detail, "");
    const twice = step(step(refused(503), { type: "open", at: 1100 }), { type: "refused", at: 1200, status: 503, retryAfter: 5, told: "The media gateway does not answer." });
    assert.equal(words(twice, 3200).detail, "The media gateway does not answer. · trying again in 3 s");
  });

  test("an answer after closing changes nothing", () => {
    assert.equal(step(idle(), { type: "refused", at: 1, status: 503, problem: { limit: 1, in_use: 1 } }).phase, "idle");
  });
});

test("a broken player plays the same view again; an ended view is opened anew", () => {
  const broken = play(...live, { type: "broken", at: 4000 });
  assert.equal(due(broken, 5000), "play");
  assert.equal(broken.view, VIEW);
  const gone = play(...live, { type: "broken", at: 4000, gone: true });
  assert.equal(due(gone, 5000), "open");
  assert.equal(gone.view, null);
});

test("heartbeats come sooner while something is wrong", () => {
  assert.ok(aliveEvery(play(...live)) > aliveEvery(play(...opened)));
});

test("every state but live is said in words, with its time", () => {
  assert.equal(words(play(...live), 3000).title, "");
  assert.equal(words(play(...live, { type: "heard", at: 4000, state: "lost", seconds: 42 }), 4000).title, "No signal · 42 s");
  assert.equal(words(play(...live, { type: "heard", at: 4000, state: "frozen", seconds: 61 }), 4000).title, "Picture frozen · 1 min 1 s");
  assert.equal(words(play(...opened), 5000).title, "Connecting");
  for (const status of [403, 409]) assert.ok(words(play({ type: "open", at: 0 }, { type: "refused", at: 1, status }), 2).title);
});

test("the lamp tells the picture's real age, and never calls an old one live", () => {
  assert.deepEqual(lamp(2340), { text: "LIVE 2.3s", late: false });
  assert.deepEqual(lamp(12900), { text: "12 s late", late: true });
  assert.deepEqual(lamp(null), { text: "LIVE", late: false });
});

describe("starting in turn", () => {
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const clockwork = () => {
    const rung = [];
    return { setTimeout: (run) => rung.push(run), ring: () => rung.shift()?.() };
  };

  test("no more than so many at once, with a pause between two", async () => {
    const timer = clockwork();
    const stagger = new Stagger({ atOnce: 2, gapMs: 10, timer });
    const begun = [];
    const finish = [];
    for (const name of ["a", "b", "c"]) stagger.add(() => { begun.push(name); return new Promise((resolve) => finish.push(resolve)); });
    await settle();
    assert.deepEqual(begun, ["a"]);
    timer.ring();
    await settle();
    assert.deepEqual(begun, ["a", "b"]);
    timer.ring();
    await settle();
    assert.deepEqual(begun, ["a", "b"]);
    finish[0]();
    await settle();
    assert.deepEqual(begun, ["a", "b", "c"]);
  });

  test("one that is cancelled in the queue never starts; one that fails frees its place", async () => {
    const timer = clockwork();
    const stagger = new Stagger({ atOnce: 1, gapMs: 10, timer });
    const begun = [];
    stagger.add(async () => { begun.push("a"); throw new Error("no"); });
    const cancel = stagger.add(async () => begun.push("b"));
    stagger.add(async () => begun.push("c"));
    cancel();
    await settle();
    timer.ring();
    await settle();
    assert.deepEqual(begun, ["a", "c"]);
  });
});
