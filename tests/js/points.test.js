import assert from "node:assert/strict";
import { test } from "node:test";
import { group, members, partingLevel, project, SINGLE_LEVEL, unproject } from "../../static/js/map/grid.js";
import { decodePoints } from "../../static/js/map/packed.js";

function packed(head, columns) {
  const count = columns[0].length;
  const text = new TextEncoder().encode(JSON.stringify(head));
  const bytes = new Uint8Array(8 + text.length + 4 * count * columns.length);
  bytes.set([0x4f, 0x43, 0x50, 0x31]);
  new DataView(bytes.buffer).setUint32(4, text.length, true);
  bytes.set(text, 8);
  columns.forEach((values, c) => values.forEach((value, i) => {
    const step = value - (values[i - 1] ?? 0);
    const zigzag = ((step << 1) ^ (step >> 31)) >>> 0;
    for (let plane = 0; plane < 4; plane += 1) bytes[8 + text.length + (4 * c + plane) * count + i] = (zigzag >>> (8 * plane)) & 255;
  }));
  return bytes.buffer;
}

const HEAD = { purposes: ["a"], kinds: [], per_degree: 100000, sets: [{ name: "cameras", count: 3, columns: ["id", "lat", "lon", "group"] }] };

test("a packed document is read back, downwards and upwards", () => {
  const { sets, purposes } = decodePoints(packed(HEAD, [[7, 2000000000, 5], [3635040, 3635039, 3700000], [12738450, 12738450, -12738450], [0, 1, 0]]));
  assert.deepEqual([...sets.cameras.id], [7, 2000000000, 5]);
  assert.deepEqual([...sets.cameras.lat], [36.3504, 36.35039, 37]);
  assert.deepEqual([...sets.cameras.lon], [127.3845, 127.3845, -127.3845]);
  assert.deepEqual(purposes, ["a"]);
});

test("what is cut off or something else is refused", () => {
  const whole = packed(HEAD, [[1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2, 3]]);
  assert.throws(() => decodePoints(whole.slice(0, whole.byteLength - 1)), /cut off/);
  assert.throws(() => decodePoints(new TextEncoder().encode('{"cameras": []}').buffer), /no|not/);
  assert.throws(() => decodePoints(new ArrayBuffer(3)));
});

test("the projection is Web Mercator and goes back", () => {
  const { x, y } = project([0, 36.35, -60], [0, 127.38, 10]);
  assert.deepEqual([x[0], y[0]], [128, 128]);
  const back = unproject(x[1], y[1]);
  assert.ok(Math.abs(back.lat - 36.35) < 1e-9 && Math.abs(back.lon - 127.38) < 1e-9);
});

const scattered = (n, seed = 1) => {
  let state = seed;
  const random = () => { state = (state * 1103515245 + 12345) % 2147483648; return state / 2147483648; };
  const lat = Float64Array.from({ length: n }, () => 36.2 + 0.3 * random());
  const lon = Float64Array.from({ length: n }, () => 127.25 + 0.3 * random());
  return project(lat, lon);
};

test("every shown point is in exactly one item, at every level", () => {
  const points = scattered(5000);
  const shown = Uint8Array.from({ length: 5000 }, (_, i) => (i % 3 ? 1 : 0));
  for (let level = 9; level <= 18; level += 1) {
    const items = group(points, shown, level);
    assert.equal(items.count.reduce((sum, one) => sum + one, 0), shown.reduce((sum, one) => sum + one, 0));
    const counted = new Uint32Array(items.x.length);
    items.owner.forEach((item, i) => { assert.equal(item >= 0, Boolean(shown[i])); if (item >= 0) counted[item] += 1; });
    assert.deepEqual([...counted], [...items.count]);
  }
});

test("groups are of three or more, stand apart from most, and end at street level", () => {
  const points = scattered(5000);
  const far = group(points, null, 11);
  assert.ok(far.x.length < 1200 && [...far.count].every((count) => count !== 2));
  const street = group(points, null, SINGLE_LEVEL);
  assert.equal(street.x.length, 5000);
});

test("cameras of one pole stay one item with all its members", () => {
  const points = project([36.35, 36.35, 36.36, 36.35], [127.38, 127.38, 127.39, 127.38]);
  const items = group(points, null, 18);
  assert.equal(items.x.length, 2);
  assert.deepEqual(members(items, items.owner[0]), [0, 1, 3]);
  assert.deepEqual(members(items, items.owner[0], 2), [0, 1]);
});

test("a group says where it parts; one pole never does", () => {
  const points = project([36.35, 36.3501, 36.3502, 36.35], [127.38, 127.38, 127.38, 127.38]);
  const at = (level) => group(points, null, level);
  const level = partingLevel(at, 10, at(10).owner[0]);
  assert.ok(level > 10 && level <= SINGLE_LEVEL);
  const pole = project([36.35, 36.35, 36.35], [127.38, 127.38, 127.38]);
  const one = (step) => group(pole, null, step);
  assert.equal(partingLevel(one, 10, one(10).owner[0]), SINGLE_LEVEL + 1);
});

test("a hundred thousand points are grouped in a moment", () => {
  const points = scattered(100000);
  group(points, null, 12);
  const times = [11, 13, 15, 16].map((level) => { const from = performance.now(); group(points, null, level); return performance.now() - from; });
  assert.ok(Math.min(...times) < 150, `took ${times.map(Math.round)} ms`);
});
