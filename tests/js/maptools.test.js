import assert from "node:assert/strict";
import { test } from "node:test";
import { beyond, visibleOnMap } from "../../static/js/map/filter.js";
import { crossesItself, insideArea, metres, parsePosition, pathMetres, polygonOf, ringSquareMetres } from "../../static/js/map/geometry.js";
import { groupNear, oldest } from "../../static/js/map/grouping.js";

const at = (lat, lon) => ({ lat, lon });
const incident = (number, grade, more = {}) => ({ number, grade, status: "open", family: "BEL", lat: 36.35, lon: 127.38, received_at: "2026-11-27T01:00:00Z", ...more });
const mapOf = (...list) => new Map(list.map((one) => [one.number, one]));

test("distances are those of the globe", () => {
  assert.ok(Math.abs(metres(at(36, 127), at(37, 127)) - 111195) < 1);
  assert.ok(Math.abs(metres(at(36.35, 127.38), at(36.35, 127.39)) - 895.6) < 1);
  assert.equal(pathMetres([at(36, 127)]), 0);
  assert.ok(Math.abs(pathMetres([at(36, 127), at(37, 127), at(36, 127)]) - 2 * 111195) < 2);
});

test("an area is measured within a thousandth", () => {
  const square = [at(36.35, 127.38), at(36.36, 127.38), at(36.36, 127.39), at(36.35, 127.39)];
  assert.ok(Math.abs(ringSquareMetres(square) / (1111.95 * 895.55) - 1) < 0.001);
  assert.equal(crossesItself(square), false);
  assert.equal(crossesItself([square[0], square[2], square[1], square[3]]), true);
});

test("inside is inside, a hole is not, and neither is nowhere", () => {
  const area = { type: "Polygon", coordinates: [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]], [[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]]] };
  assert.equal(insideArea(2, 2, area), true);
  assert.equal(insideArea(5, 5, area), false);
  assert.equal(insideArea(12, 2, area), false);
  assert.equal(insideArea(2, 2, { type: "MultiPolygon", coordinates: [[[[20, 20], [30, 20], [30, 30], [20, 20]]], area.coordinates] }), true);
  assert.equal(insideArea(null, null, area), false);
  assert.equal(insideArea(2, 2, null), false);
  assert.deepEqual(polygonOf([at(1, 2), at(3, 4), at(5, 6)]).coordinates, [[[2, 1], [4, 3], [6, 5], [2, 1]]]);
});

test("coordinates are read in the ways people write them, and nothing else is", () => {
  assert.deepEqual(parsePosition("36.35,127.38"), at(36.35, 127.38));
  assert.deepEqual(parsePosition(" 36.35  127.38 "), at(36.35, 127.38));
  assert.deepEqual(parsePosition("-3, 100"), at(-3, 100));
  for (const text of ["", "둔산동", "36.35", "136.35,27", "36.35,197.1", "1,2,3", "30000-20261127-0001"]) assert.equal(parsePosition(text), null, text);
});

test("layers hide what they are told, count G1 and G2, and never the open one", () => {
  const all = mapOf(incident("a", "G1"), incident("b", "G3"), incident("c", "G3", { family: "TRF" }), incident("d", "G2", { family: "TRF" }));
  const numbers = (off, chosen) => [...visibleOnMap(all, new Set(off), chosen).shown.keys()].join("");
  assert.equal(numbers([]), "abcd");
  assert.equal(numbers(["grade:G3"]), "ad");
  assert.equal(numbers(["traffic"]), "ab");
  assert.equal(numbers(["grade:G1", "traffic"], "a"), "ab");
  assert.equal(visibleOnMap(all, new Set(["grade:G3"])).hidden, 0);
  assert.equal(visibleOnMap(all, new Set(["grade:G1", "traffic"])).hidden, 2);
});

test("incidents without a place and outside the city are told apart", () => {
  const all = mapOf(incident("a", "G1"), incident("b", "G3", { lat: null, lon: null }), incident("c", "G3", { lat: 35.1, lon: 129 }));
  const { unplaced, outside } = beyond(all, [36.1, 127.2, 36.5, 127.6]);
  assert.deepEqual([unplaced.map(({ number }) => number), outside.map(({ number }) => number)], [["b"], ["c"]]);
  assert.deepEqual(beyond(all, null).outside, []);
});

test("the oldest of a group is the oldest that still waits", () => {
  const held = incident("a", "G1", { status: "acked", received_at: "2026-11-27T00:00:00Z" });
  const [one, two] = [incident("b", "G2", { received_at: "2026-11-27T01:00:00Z" }), incident("c", "G3", { received_at: "2026-11-27T02:00:00Z" })];
  assert.equal(oldest([two, held, one]), Date.parse("2026-11-27T01:00:00Z"));
  assert.equal(oldest([held]), Date.parse("2026-11-27T00:00:00Z"));
});

test("grouping by cells is grouping by looking at every group", () => {
  let state = 7;
  const random = () => { state = (state * 1103515245 + 12345) % 2147483648; return state / 2147483648; };
  const items = Array.from({ length: 600 }, (_, i) => ({ incident: incident(String(i).padStart(4, "0"), `G${1 + Math.floor(random() * 4)}`), x: random() * 800, y: random() * 600 }));
  const groups = groupNear(items, 30);
  const leaders = groups.map(([first]) => first);
  for (const group of groups) for (const item of group) assert.ok(Math.hypot(item.x - group[0].x, item.y - group[0].y) <= 30);
  for (const a of leaders) for (const b of leaders) assert.ok(a === b || Math.hypot(a.x - b.x, a.y - b.y) > 30);
  assert.equal(groups.reduce((sum, group) => sum + group.length, 0), 600);
});
