import assert from "node:assert/strict";
import { test } from "node:test";
import { groupNear } from "../../static/js/map/grouping.js";
import { spread } from "../../static/js/map/spread.js";

const item = (number, grade, x, y, status = "open") => ({ incident: { number, grade, status }, x, y });
const numbers = (groups) => groups.map((group) => group.map(({ incident }) => incident.number));

test("a group speaks with its worst unacknowledged incident", () => {
  const groups = groupNear([item("held-1", "G1", 0, 0, "acked"), item("new-3", "G3", 5, 0), item("new-2", "G2", 8, 3)], 30);
  assert.deepEqual(numbers(groups), [["new-2", "new-3", "held-1"]]);
});

test("what lies apart stays apart, and the open incident always stands alone", () => {
  const items = [item("a", "G2", 0, 0), item("b", "G2", 10, 0), item("c", "G2", 100, 0)];
  assert.deepEqual(numbers(groupNear(items, 30)), [["c"], ["b", "a"]]);
  assert.deepEqual(numbers(groupNear(items, 30, ({ incident }) => incident.number === "b")), [["c"], ["b"], ["a"]]);
  assert.equal(groupNear(items, 0).length, 3);
});

test("labels on one pole and on the incident step aside, far ones stay", () => {
  const placed = spread([{ x: 0, y: 0 }, { x: 0, y: 0 }, { x: 200, y: 100 }], { apart: 24, clear: 36 });
  assert.ok(Math.hypot(placed[0].x - placed[1].x, placed[0].y - placed[1].y) > 20);
  assert.ok(placed.every(({ x, y }) => Math.hypot(x, y) > 35));
  assert.deepEqual(placed[2], { x: 200, y: 100 });
});
