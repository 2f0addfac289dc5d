import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ALARMS, MUTE_MS, PATTERNS, alarmFor, toggleMute } from "../../static/js/sound.js";

const NOW = Date.parse("2026-11-23T01:00:00Z");
const incident = (grade, status = "open", ageS = 5) => ({ grade, status, received_at: new Date(NOW - ageS * 1000).toISOString(), shelved_until: null });

test("the worst unacknowledged grade sounds; G3 and below are silent", () => {
  assert.equal(alarmFor([incident("G3"), incident("G4")], { now: NOW }), null);
  assert.equal(alarmFor([incident("G3"), incident("G2")], { now: NOW }), "G2");
  assert.equal(alarmFor([incident("G2"), incident("G1")], { now: NOW }), "G1");
});

test("acknowledging ends the sound, reopening brings it back", () => {
  for (const status of ["acked", "verifying", "confirmed", "notified", "responding", "resolved"]) assert.equal(alarmFor([incident("G1", status)], { now: NOW }), null);
  assert.equal(alarmFor([incident("G1", "reopened")], { now: NOW }), "G1");
});

describe("muting", () => {
  test("silences for two minutes what was there, and then ends", () => {
    const muted = toggleMute(null, NOW);
    assert.equal(muted.until - NOW, MUTE_MS);
    assert.equal(alarmFor([incident("G1"), incident("G2")], { now: NOW + 1000, muted }), null);
    assert.equal(alarmFor([incident("G1")], { now: NOW + MUTE_MS, muted }), "G1");
  });

  test("does not silence a G1 that comes later; a later G2 waits", () => {
    const muted = toggleMute(null, NOW - 60000);
    assert.equal(alarmFor([incident("G1")], { now: NOW, muted }), "G1");
    assert.equal(alarmFor([incident("G2")], { now: NOW, muted }), null);
  });

  test("pressed again ends", () => assert.equal(toggleMute(toggleMute(null, NOW), NOW + 10), null));
});

test("G1 is more pressing than G2: it repeats sooner and louder", () => {
  assert.ok(PATTERNS.G1.every < PATTERNS.G2.every);
  const loudest = (pattern) => Math.max(...pattern.notes.map((note) => note[3]));
  assert.ok(loudest(PATTERNS.G1) > loudest(PATTERNS.G2));
});

describe("an escalation", () => {
  const late = (grade, escalation, more = {}) => ({ ...incident(grade, "open", 100), escalation, escalated_at: new Date(NOW - 1000).toISOString(), ...more });

  test("sounds otherwise at every step, and more pressing", () => {
    assert.equal(alarmFor([late("G2", 1), incident("G2")], { now: NOW }), "G2+1");
    assert.equal(alarmFor([late("G2", 2), late("G2", 1)], { now: NOW }), "G2+2");
    assert.equal(alarmFor([late("G2", 2), incident("G1")], { now: NOW }), "G1");
    assert.equal(alarmFor([late("G1", 1), incident("G1")], { now: NOW }), "G1+1");
    assert.ok(ALARMS.every((name) => PATTERNS[name]), "every alarm has its pattern");
    for (const grade of ["G1", "G2", "G3"]) assert.ok(PATTERNS[`${grade}+2`].every < PATTERNS[`${grade}+1`].every);
  });

  test("of a lesser grade sounds for the supervisor, and at the second step for everybody", () => {
    assert.equal(alarmFor([late("G4", 1)], { now: NOW, role: "operator" }), null);
    assert.equal(alarmFor([late("G4", 1)], { now: NOW, role: "supervisor" }), "G3+1");
    assert.equal(alarmFor([late("G3", 2)], { now: NOW, role: "operator" }), "G3+2");
  });

  test("of a G1 to the whole room breaks a mute that began before", () => {
    const muted = toggleMute(null, NOW - 5000);
    assert.equal(alarmFor([late("G1", 1)], { now: NOW, muted }), null);
    assert.equal(alarmFor([late("G1", 2)], { now: NOW, muted }), "G1+2");
  });

  test("ends with the acknowledgement", () => assert.equal(alarmFor([late("G1", 2, { status: "acked" })], { now: NOW }), null));
});
