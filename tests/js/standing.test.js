import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { breakerWords, countWords, quantiles, took } from "../../static/js/health-tables.js";
import { STATES, byWorst, changesInWords, contactWords, sinceWords, stateIcon, stateWord, troubleCounts, troubled } from "../../static/js/standing.js";

const NOW = Date.parse("2026-11-23T01:00:00Z");
const link = (slug, state, more = {}) => ({ slug, state, name: { ko: slug, en: slug }, kind: "feed", since: null, last_contact_at: null, ...more });

describe("how links stand", () => {
  test("every state has a word and a shape of its own", () => {
    assert.equal(new Set(STATES.map(stateWord)).size, STATES.length);
    assert.equal(new Set(STATES.map(stateIcon)).size, STATES.length);
  });

  test("the worst come first, and what somebody wanted is no trouble", () => {
    const links = ["ok", "paused", "late", "failing", "off", "noisy", "maintenance", "never", "stopped"].map((state) => link(state, state));
    assert.deepEqual(byWorst(links).map(({ slug }) => slug), ["failing", "stopped", "late", "noisy", "never", "maintenance", "paused", "off", "ok"]);
    assert.deepEqual(links.filter(troubled).map(({ slug }) => slug), ["late", "failing", "noisy", "stopped"]);
    assert.deepEqual(troubleCounts([link("a", "late"), link("b", "stopped"), link("c", "late"), link("d", "ok")]), [["stopped", 1], ["late", 2]]);
  });

  test("a state this page does not know yet is shown first and as it is", () => {
    assert.equal(byWorst([link("a", "stopped"), link("b", "on-fire")])[0].slug, "b");
    assert.equal(stateWord("on-fire"), "on-fire");
  });

  test("only what became better or worse is announced", () => {
    const before = [link("bells", "ok"), link("its", "stopped"), link("cap", "never"), link("gone", "late")];
    const after = [link("bells", "late"), link("its", "ok"), link("cap", "ok"), link("new", "failing")];
    assert.deepEqual(changesInWords(before, after), ["bells: late", "its: in order"]);
    assert.deepEqual(changesInWords(after, after), []);
    assert.deepEqual(changesInWords([], after), []);
  });

  test("since when, and when last heard", () => {
    const one = link("a", "late", { since: "2026-11-23T00:55:00Z", last_contact_at: "2026-11-23T00:59:48Z" });
    assert.equal(sinceWords(one, NOW), "since 5 min 0 s");
    assert.equal(contactWords(one, NOW), "last heard 12 s ago");
    assert.equal(sinceWords(link("a", "late"), NOW), "");
    assert.equal(contactWords(link("a", "never"), NOW), "never heard");
  });
});

describe("figures of the health page", () => {
  test("times in the unit that fits, nothing as a dash", () => {
    assert.deepEqual([null, 0.4, 42.4, 999, 1260, 61_000].map(took), ["–", "0 ms", "42 ms", "999 ms", "1.3 s", "61 s"]);
    assert.equal(quantiles({ count: 0, p50_ms: null, p95_ms: null, p99_ms: null }), "–");
    assert.equal(quantiles({ count: 9, p50_ms: 41.6, p95_ms: 120, p99_ms: 950 }), "42 / 120 / 950 ms");
    assert.equal(quantiles({ count: 9, p50_ms: 41.6, p95_ms: 120, p99_ms: 60_000 }), "0.0 / 0.1 / 60.0 s");
  });

  test("counts end where the server stops counting", () => {
    assert.deepEqual([0, 9999, 10_000].map(countWords), ["0", "9999", "10000+"]);
  });

  test("the breaker in words", () => {
    assert.equal(breakerWords({ state: "closed", failures: 0, until: null }, NOW), "closed");
    assert.equal(breakerWords({ state: "closed", failures: 2, until: null }, NOW), "closed, 2 failures");
    assert.equal(breakerWords({ state: "half_open", failures: 5, until: "2026-11-23T00:59:00Z" }, NOW), "trying again");
    assert.equal(breakerWords({ state: "open", failures: 5, until: "2026-11-23T01:00:25Z" }, NOW), "open, 25 s left");
  });
});
