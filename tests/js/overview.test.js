import assert from "node:assert/strict";
import { test } from "node:test";
import { glance } from "../../static/js/overview.js";

const incident = (number, status, relays = []) => [number, { number, status, grade: "G2", relays }];
const relay = (state, attention = null) => ({ state, attention });

test("the room at a glance counts who waits, what runs and whom to call", () => {
  const incidents = new Map([
    incident("a", "open"), incident("b", "acked"),
    incident("c", "responding", [relay("dispatched"), relay("closed")]),
    incident("d", "confirmed", [relay("queued", { reason: "timeout" }), relay("sent")]),
    incident("e", "confirmed", [relay("failed")]), incident("f", "confirmed", [relay("by_hand")]),
  ]);
  assert.deepEqual(glance(incidents), { waiting: 1, inHand: 5, relays: 2, calls: 2 });
});
