import assert from "node:assert/strict";
import { test } from "node:test";
import { whereabouts } from "../../static/js/whereabouts.js";

const CITY = [36.1, 127.2, 36.5, 127.6];

test("a place is inside, outside or unknown", () => {
  assert.equal(whereabouts({ lat: 36.3, lon: 127.4 }, CITY), "");
  assert.equal(whereabouts({ lat: 35.2, lon: 127.4 }, CITY), "outside");
  assert.equal(whereabouts({ lat: 36.3, lon: 129.1 }, CITY), "outside");
  assert.equal(whereabouts({ lat: null, lon: null }, CITY), "unknown");
});

test("an area is known without a point, and without bounds nothing is outside", () => {
  assert.equal(whereabouts({ lat: null, lon: null, area: { type: "Polygon" } }, CITY), "");
  assert.equal(whereabouts({ lat: 35.2, lon: 129 }, null), "");
});
