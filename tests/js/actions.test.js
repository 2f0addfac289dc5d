import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTIONS, availability, menu, nextStep } from "../../static/js/actions.js";

const NOW = Date.parse("2026-11-23T01:00:00Z");
const everything = ["acknowledge", "verify", "confirm", "false-alarm", "relay", "respond", "resolve", "close", "reopen", "assign", "note", "shelve", "unshelve"];
const operator = { username: "kim", actions: everything };
const auditor = { username: "park", actions: ["audit"] };
const incident = (status, moves, more = {}) => ({ status, moves, grade: "G3", holder: null, shelved_until: null, ...more });

test("the next step follows the incident's life", () => {
  assert.equal(nextStep(incident("open", ["acknowledge", "false-alarm", "relay"]), operator, NOW), "acknowledge");
  assert.equal(nextStep(incident("acked", ["verify", "confirm", "relay"]), operator, NOW), "verify");
  assert.equal(nextStep(incident("responding", ["resolve", "close"]), operator, NOW), "resolve");
  assert.equal(nextStep(incident("closed", ["reopen"]), operator, NOW), "reopen");
  assert.equal(nextStep(incident("merged", []), operator, NOW), null);
});

test("a role that may only look sees no action at all", () => {
  const choice = menu(incident("open", ["acknowledge", "relay"]), auditor, NOW);
  assert.equal(choice.none, true);
  assert.deepEqual([choice.main, choice.more], [[], []]);
});

test("critical and urgent incidents cannot be shelved", () => {
  for (const [grade, allowed] of [["G1", false], ["G2", false], ["G3", true], ["G5", true]]) {
    assert.equal(availability("shelve", incident("open", ["shelve"], { grade }), operator, NOW).allowed, allowed);
  }
});

test("what is shelved can be brought back, and only that", () => {
  const shelved = incident("acked", ["shelve", "unshelve"], { shelved_until: new Date(NOW + 1000).toISOString() });
  assert.equal(availability("unshelve", shelved, operator, NOW).allowed, true);
  assert.equal(availability("shelve", shelved, operator, NOW).allowed, false);
  assert.equal(availability("unshelve", shelved, operator, NOW + 1000).allowed, false);
});

test("one takes over what nobody holds, and asks for what a colleague does", () => {
  const mine = incident("acked", ["assign"], { holder: { username: "kim" } });
  assert.equal(availability("assign", mine, operator, NOW).allowed, false);
  assert.equal(availability("assign", { ...mine, holder: { username: "lee" } }, operator, NOW).allowed, false);
  assert.equal(availability("assign", { ...mine, holder: null }, operator, NOW).allowed, true);
});

test("no key is given twice", () => {
  const keys = Object.values(ACTIONS).map(({ key }) => key).filter(Boolean);
  assert.equal(new Set(keys).size, keys.length);
});
