import assert from "node:assert/strict";
import { test } from "node:test";
import { learn, now, skew } from "../../static/js/clock.js";
import { etaLeft } from "../../static/js/eta.js";
import { age, bearing, clock, counter, dateTime, distance, position, span } from "../../static/js/format.js";
import { named, t, tn } from "../../static/js/i18n.js";

test("times of day are Korean, whatever offset they came with and wherever the browser is", () => {
  assert.equal(clock("2026-11-23T11:04:31Z"), "20:04:31");
  assert.equal(clock("2026-11-23T20:04:31+09:00"), "20:04:31");
  assert.equal(dateTime("2026-11-23T16:00:00Z"), "2026-11-24 01:00:00 KST");
  assert.equal(clock(null), "");
});

test("counters count up to days", () => {
  assert.equal(counter(18_400), "00:18");
  assert.equal(counter(102_000), "01:42");
  assert.equal(counter(3_729_000), "1:02:09");
  assert.equal(counter(86_400_000 * 2 + 3 * 3_600_000), "2d 03:00");
  assert.equal(counter(-5), "00:00");
});

test("spans, ages and distances are short", () => {
  assert.equal(span(18_000), "18 s");
  assert.equal(span(192_000), "3 min 12 s");
  assert.equal(age(412), "0.4");
  assert.equal(age(12_900), "12");
  assert.equal(distance(117.6), "118 m");
  assert.equal(distance(1240), "1.2 km");
});

test("bearings are eight words, also past a full turn", () => {
  assert.deepEqual([0, 44, 90, 181, 337, 359, -45, 405].map(bearing), ["N", "NE", "E", "S", "NW", "N", "NW", "NE"]);
});

test("an unknown place is a dash", () => {
  assert.equal(position(null, null), "–");
  assert.equal(position(36.3275, 127.4235), "36.32750, 127.42350");
});

test("texts are filled by name, and a missing catalogue leaves English", () => {
  assert.equal(t("Muted %(time)s", { time: "01:59" }), "Muted 01:59");
  assert.equal(tn("%(count)s event", "%(count)s events", 3), "3 events");
  assert.equal(named({ ko: "화재", en: "Fire" }), "화재");
  assert.equal(named(null), "");
});

test("an ETA counts down from when it was told, and starts anew when told again", () => {
  const relay = { id: "r1", eta_s: 60 };
  assert.equal(etaLeft(relay, 1000), 60000);
  assert.equal(etaLeft({ ...relay }, 11000), 50000);
  assert.equal(etaLeft({ ...relay, eta_s: 30 }, 12000), 30000);
  assert.equal(etaLeft({ ...relay, eta_s: null }, 12000), null);
});

test("the server's clock is learnt from the least delayed message", () => {
  const local = Date.now();
  const heard = performance.now();
  learn(new Date(local + 3_600_000 - 800).toISOString(), heard);
  learn(new Date(local + 3_600_000 - 20).toISOString(), heard);
  learn(new Date(local + 3_600_000 - 900).toISOString(), heard);
  assert.ok(Math.abs(skew() - 3_600_000) < 1000);
  assert.ok(Math.abs(now() - Date.now() - skew()) < 50);
});
