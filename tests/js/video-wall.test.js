import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HOLD_MS, calls, followed, holdLeft, kept, stillFollowed } from "../../static/js/video/follow.js";
import { emptyLayout, readLayout, readWalls, saved, sceneFor, withCamera, withGrid, withScene, withoutCamera, withoutScene } from "../../static/js/video/layout.js";
import { newTour, secondsLeft, shownScene, switched, toured } from "../../static/js/video/tour.js";
import { picturesFirst } from "../../static/js/video/well.js";
import { Turning } from "../../static/js/video/turning.js";

const camera = (id) => ({ id, name: `C${id}`, ptz: false, video: true, address: "not kept" });
const full = (grid, count) => Array.from({ length: count }, (_, i) => camera(i + 1)).reduce(({ layout, index }, one) => withCamera(layout, index, one), { layout: emptyLayout(grid), index: 0 });
const ids = (layout) => layout.scenes.map((scene) => scene.map((one) => one?.id ?? 0));

describe("a layout", () => {
  test("takes cameras into free places, and into a scene more when it is full", () => {
    const { layout, index } = full(4, 6);
    assert.deepEqual(ids(layout), [[1, 2, 3, 4], [5, 6, 0, 0]]);
    assert.equal(index, 1);
    assert.equal(withCamera(layout, 0, camera(2)).layout, layout);
    assert.deepEqual(ids(withCamera(withoutCamera(layout, 0, 2), 0, camera(9)).layout)[0], [1, 9, 3, 4]);
  });

  test("loses no camera in a smaller grid", () => {
    assert.deepEqual(ids(withGrid(full(16, 6).layout, 4)), [[1, 2, 3, 4], [5, 6, 0, 0]]);
    assert.deepEqual(ids(withGrid(full(4, 3).layout, 9)), [[1, 2, 3, 0, 0, 0, 0, 0, 0]]);
  });

  test("always has a scene", () => {
    const two = withScene(emptyLayout(4));
    assert.equal(two.scenes.length, 2);
    assert.deepEqual(ids(withoutScene(withoutScene(two, 1), 0)), [[0, 0, 0, 0]]);
  });

  test("finds the smallest grid for an incident's cameras", () => {
    assert.deepEqual([0, 1, 2, 3, 5, 9, 12].map((n) => sceneFor(Array(n).fill(camera(1))).grid), [1, 1, 2, 4, 9, 9, 16]);
  });

  test("survives the way to the server and back, and whatever else is kept there", () => {
    const { layout } = full(4, 5);
    assert.deepEqual(readLayout(JSON.parse(JSON.stringify(layout))), layout);
    for (const bad of [null, 7, "x", [], { grid: 5 }, { scenes: 3 }, { grid: 4, scenes: [["x", { id: "1" }, null]] }, { scenes: [] }]) {
      assert.deepEqual(ids(readLayout(bad)), [[0, 0, 0, 0]]);
    }
    assert.deepEqual(readWalls(undefined), { layouts: [], current: emptyLayout() });
  });

  test("is saved under its name, once", () => {
    const [a, b] = [{ ...emptyLayout(), name: "a" }, { ...emptyLayout(), name: "b" }];
    const list = saved(saved(saved([], a), b), { ...a, grid: 9 });
    assert.deepEqual(list.map(({ name, grid }) => [name, grid]), [["b", 4], ["a", 9]]);
    assert.equal(Array.from({ length: 30 }, (_, i) => ({ ...a, name: `n${i}` })).reduce(saved, []).length, 12);
  });
});

test("cameras that have a picture come first, the nearest of them before all", () => {
  const near = [[1, false], [2, true], [3, undefined], [4, false], [5, true]].map(([id, video]) => ({ id, video }));
  assert.deepEqual(picturesFirst(near).map(({ id }) => id), [2, 3, 5, 1, 4]);
});

describe("a tour", () => {
  const scenes = { seconds: 10, count: 3 };
  const running = switched(newTour(0), true, 0);

  test("changes the scene every so many seconds, round and round", () => {
    const at = (ms) => toured(running, { ...scenes, at: ms }).index;
    assert.deepEqual([0, 9999, 10000, 20000, 30000, 70000].map(at), [0, 0, 1, 2, 0, 1]);
    assert.equal(secondsLeft(toured(running, { ...scenes, at: 12000 }), { ...scenes, at: 12000 }), 8);
  });

  test("keeps its beat when asked late", () => {
    assert.deepEqual(toured(running, { ...scenes, at: 25000 }), { index: 2, since: 20000, on: true });
  });

  test("rests, stays on a single scene, and goes on from a scene chosen by hand", () => {
    assert.equal(toured(switched(running, false, 5000), { ...scenes, at: 90000 }).index, 0);
    assert.equal(toured(running, { seconds: 10, count: 1, at: 90000 }).index, 0);
    assert.equal(secondsLeft(running, { seconds: 10, count: 1, at: 1 }), null);
    const chosen = shownScene(running, 2, 9000);
    assert.equal(toured(chosen, { ...scenes, at: 18999 }).index, 2);
    assert.equal(toured(chosen, { ...scenes, at: 19000 }).index, 0);
  });

  test("never points at a scene that was taken away", () => {
    assert.equal(toured(shownScene(newTour(0), 2, 0), { seconds: 10, count: 2, at: 1 }).index, 1);
  });
});

describe("turning to an incident", () => {
  const incident = (number, grade, lat = 36) => ({ number, grade, lat });
  const fire = followed(null, incident("1", "G1"), { at: 0 });

  test("happens for G1 and G2 with a place, and goes back after a while", () => {
    assert.equal(fire.number, "1");
    assert.equal(followed(null, incident("2", "G3"), { at: 0 }), null);
    assert.equal(calls(incident("3", "G1", null)), false);
    assert.equal(stillFollowed(fire, { at: HOLD_MS - 1 }), fire);
    assert.equal(stillFollowed(fire, { at: HOLD_MS }), null);
    assert.equal(holdLeft(fire, 50000), 10);
  });

  test("a G2 does not push a G1 away; a G1 pushes, and one chosen by hand always comes in", () => {
    assert.equal(followed(fire, incident("2", "G2"), { at: 1 }), fire);
    assert.equal(followed(fire, incident("2", "G1"), { at: 1 }).number, "2");
    assert.equal(followed(fire, incident("2", "G4"), { at: 1, chosen: true }).number, "2");
  });

  test("stays as long as one wants, but not with an incident that is over", () => {
    const stays = kept(fire);
    assert.equal(stillFollowed(stays, { at: 10 * HOLD_MS }), stays);
    assert.equal(holdLeft(stays, 1), null);
    assert.equal(stillFollowed(stays, { at: 1, ended: true }), null);
    assert.equal(kept(null), null);
  });
});

describe("turning a camera", () => {
  const rig = (answer = () => Promise.resolve()) => {
    const sent = [];
    const errors = [];
    let renew = null;
    const timer = { setInterval: (run) => { renew = run; return 1; }, clearInterval: () => { renew = null; } };
    const turning = new Turning({ send: (body) => { sent.push(body); return answer(body); }, onError: (error) => errors.push(error.message), timer });
    return { turning, sent, errors, renew: () => renew?.(), settle: () => new Promise((resolve) => setImmediate(resolve)) };
  };
  const left = { pan: -1, tilt: 0, zoom: 0 };

  test("moves while it is held, is renewed, and stops when let go", async () => {
    const { turning, sent, renew, settle } = rig();
    turning.hold(left);
    await settle();
    renew();
    await settle();
    turning.release();
    await settle();
    renew();
    turning.release();
    await settle();
    assert.deepEqual(sent, [{ ...left, seconds: 2 }, { ...left, seconds: 2 }, { stop: true }]);
  });

  test("a stop waits for the movement before it, and nothing comes between", async () => {
    let answer;
    const { turning, sent, renew, settle } = rig(() => new Promise((resolve) => { answer = resolve; }));
    turning.hold(left);
    renew();
    turning.release();
    await settle();
    assert.equal(sent.length, 1);
    answer();
    await settle();
    assert.deepEqual(sent.at(-1), { stop: true });
    assert.equal(sent.length, 2);
  });

  test("a refusal is told and ends the movement", async () => {
    const { turning, sent, errors, renew, settle } = rig(() => Promise.reject(new Error("busy")));
    turning.hold(left);
    await settle();
    renew();
    turning.release();
    await settle();
    assert.deepEqual([sent.length, errors], [1, ["busy"]]);
  });
});
