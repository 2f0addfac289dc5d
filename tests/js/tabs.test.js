import assert from "node:assert/strict";
import { test } from "node:test";
import { TABS, worstUnseen } from "../../static/js/tabs.js";
import { THEMES, nextTheme } from "../../static/js/theme.js";

const incident = (grade, status = "open") => ({ grade, status });
const room = (...list) => new Map(list.map((one, i) => [i, one]));

test("the queue's tab says the worst grade that waits", () => {
  assert.equal(worstUnseen(room(incident("G3"), incident("G1", "acked"), incident("G2"))), "G2");
  assert.equal(worstUnseen(room(incident("G5"), incident("G1", "confirmed"))), null);
});

test("there are three tabs", () => assert.deepEqual(TABS, ["queue", "map", "incident"]));

test("the button goes through all themes and round", () => {
  const seen = [];
  for (let name = "dark", i = 0; i < 3; i += 1, name = nextTheme(name)) seen.push(name);
  assert.deepEqual(seen, Object.keys(THEMES));
  assert.equal(nextTheme(seen.at(-1)), seen[0]);
  assert.equal(nextTheme("unknown"), seen[0]);
});
