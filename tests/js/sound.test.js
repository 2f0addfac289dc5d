import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MUTE_MS, PATTERNS, alarmFor, toggleMute } from "../../static/js/sound.js";

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
