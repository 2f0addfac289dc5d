import assert from "node:assert/strict";
import { test } from "node:test";
import { linkState, relayTo, sendingTo } from "../../static/js/agencies.js";
import { groupedCodes } from "../../static/js/codes.js";
import { Picker } from "../../static/js/picker.js";
import { byPerson } from "../../static/js/timeline.js";
import { canSplit, mergeLines, mergeWay, momentOf, readPosition, splitLines, undoLines, whyWords } from "../../static/js/why.js";

const why = (how, more = {}) => ({ how, distance_m: null, gap_s: null, radius_m: null, window_s: null, by: null, at: null, other: null, ...more });
const AT = "2026-11-23T01:00:00Z"; // 10:00:00 in Korea

test("a rule's joining says distance, gap and what the rule allowed", () => {
  const { hand, words } = whyWords(why("rule", { distance_m: 60.4, gap_s: 12, radius_m: 150, window_s: 300 }));
  assert.equal(words, "Joined by rule: distance 60 m (≤ 150 m), time gap 12 s (≤ 5 min)");
  assert.equal(hand, false);
});

test("where the rule of its time is not known any more, nothing is made up", () => {
  assert.equal(whyWords(why("rule", { distance_m: 60, gap_s: 0 })).words, "Joined by rule: distance 60 m, time gap 0 s");
});

test("what people moved says who, when and from where", () => {
  const by = { by: "kim", at: AT, other: "30000-1" };
  for (const how of ["merge", "split", "undo"]) {
    const { hand, words } = whyWords(why(how, by));
    assert.equal(hand, true);
    for (const part of ["kim", "10:00:00", "30000-1"]) assert.ok(words.includes(part), words);
  }
  assert.equal(whyWords(why("opened")).hand, false);
  assert.equal(whyWords(why("something new")).words, "something new");
});

test("some events can be split off, never none and never all", () => {
  assert.deepEqual([canSplit(0, 3), canSplit(1, 3), canSplit(2, 3), canSplit(3, 3), canSplit(1, 1)], [false, true, true, false, false]);
});

test("a merge goes the way that is possible, this one into the other first", () => {
  assert.equal(mergeWay({ refusal: null, refusal_other_way: null }), "into");
  assert.equal(mergeWay({ refusal: "more urgent", refusal_other_way: null }), "from");
  assert.equal(mergeWay({ refusal: "ended", refusal_other_way: "ended" }), null);
});

test("what will happen names numbers and counts", () => {
  const part = { number: "A", event_count: 2, grade: "G3" };
  const whole = { number: "B", event_count: 5, grade: "G2", holder: { name: "Kim" } };
  assert.equal(mergeLines(part, whole)[0], "2 events of A move to B.");
  assert.ok(mergeLines(part, whole)[2].includes("Kim") && mergeLines(part, { ...whole, holder: null })[2].includes("nobody"));
  assert.deepEqual([splitLines(whole, 1)[0], splitLines(whole, 1)[2]], ["1 event leaves B for a new incident.", "4 events stay here."]);
  assert.equal(undoLines({ kind: "merge", part: "A", whole: "B", events: ["1", "2"] })[0], "A comes back with its 2 events, in the state it had.");
  assert.equal(undoLines({ kind: "split", part: "A", whole: "B", events: ["1"] })[0], "1 event goes back to B.");
});

test("positions as people write them", () => {
  const place = { lat: 36.35, lon: 127.38 };
  for (const words of ["36.35, 127.38", "36.35 127.38", " (36.35;127.38) ", "127.38, 36.35"]) assert.deepEqual(readPosition(words), place, words);
  for (const words of ["", "36.35", "here", "36.35, 127.38, 5", "91, 181", "1e3, 5"]) assert.equal(readPosition(words), null, words);
});

test("a time of day in Korea is the last one that was", () => {
  const now = Date.parse("2026-11-23T01:00:30Z");
  assert.equal(momentOf("09:40", now), "2026-11-23T00:40:00.000Z");
  assert.equal(momentOf("10:00", now), null);
  assert.equal(momentOf("23:59", now), "2026-11-22T14:59:00.000Z");
  assert.equal(momentOf("", now), null);
});

const CODES = [
  { code: "SYS-01", family: "SYS", name: { ko: "카메라 장애", en: "Camera down" } },
  { code: "CRM-04", family: "CRM", name: { ko: "절도", en: "Theft" } },
  { code: "CRM-02", family: "CRM", name: { ko: "강도", en: "Robbery" } },
  { code: "FIR-01", family: "FIR", name: { ko: "화재", en: "Fire" } },
];

test("types are found in either language, by code and by family, and stand in their groups", () => {
  const found = (words) => groupedCodes(CODES, words).flatMap(({ codes }) => codes.map(({ code }) => code));
  assert.deepEqual(found(""), ["CRM-04", "CRM-02", "FIR-01", "SYS-01"]);
  assert.deepEqual([found("절도"), found("THEFT"), found("crm-0"), found("crime rob"), found("없음")], [["CRM-04"], ["CRM-04"], ["CRM-04", "CRM-02"], ["CRM-02"], []]);
});

test("what sending to an agency does follows from its last relay", () => {
  const incident = (...states) => ({ relays: states.map((state, i) => ({ agency: "police112", state, id: i })) });
  const does = (...states) => sendingTo(incident(...states), "police112");
  assert.deepEqual([does(), does("queued"), does("failed"), does("closed"), does("by_hand")], ["open", "update", "again", "anew", "anew"]);
  assert.deepEqual([does("closed", "sent"), does("closed", "declined")], ["update", "anew"]);
  assert.equal(relayTo(incident("closed", "sent"), "police112").id, 1);
  assert.equal(relayTo({}, "police112"), null);
});

test("an agency's link is said, and whether a message would wait", () => {
  const links = [{ slug: "a", kind: "agency", state: "paused" }, { slug: "b", kind: "agency", state: "slow" }, { slug: "c", kind: "feed", state: "ok" }];
  assert.equal(linkState({ slug: "a", enabled: true }, links).waits, true);
  assert.equal(linkState({ slug: "b", enabled: true }, links).waits, false);
  assert.equal(linkState({ slug: "c", enabled: true }, links), null);
  assert.equal(linkState({ slug: "b", enabled: false }, links).waits, true);
});

test("a click answers whoever asks, and opens otherwise", () => {
  const heard = [];
  const picker = new Picker({ askPlace: (onPlace) => heard.push(Boolean(onPlace)) });
  assert.equal(picker.take("A"), false);
  picker.begin({ onIncident: (number) => heard.push(number) });
  assert.equal(picker.take("A"), true);
  picker.begin({ onPlace: () => {} });
  assert.equal(picker.take("B"), false);
  picker.end();
  assert.deepEqual(heard, [false, "A", false, true, false]);
});

test("the filter leaves what people did", () => {
  assert.deepEqual(["user", "system", "agency", "feed", undefined].map((kind) => byPerson({ actor: kind && { kind } })), [true, false, false, false, false]);
});
