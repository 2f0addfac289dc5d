import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { comingFor, crewWords, crews, hours, mayWrite, notUntil, overdue, stripOf, turn, unread, wrongWords } from "../../static/js/shift/model.js";

const at = (time) => new Date(`2026-11-27T${time}+09:00`).getTime();
const NIGHT = { shift: "night", day: "2026-11-26", begins_at: "2026-11-26T22:00:00+09:00", ends_at: "2026-11-27T06:00:00+09:00" };
const DAY = { shift: "day", day: "2026-11-27", begins_at: "2026-11-27T06:00:00+09:00", ends_at: "2026-11-27T14:00:00+09:00" };
const duty = (more = {}) => ({ username: "kim", crew: "B", shift: "night", day: "2026-11-26", began_at: NIGHT.begins_at, ends_at: NIGHT.ends_at, ...more });
const handover = (more = {}) => ({ id: 7, state: "draft", crew: "B", shift: "night", day: "2026-11-26", outgoing: null, replaces: null, ...more });
const signed = (more = {}) => handover({ state: "signed", outgoing: { username: "kim" }, ...more });
const state = (more = {}) => ({ now: NIGHT, next: DAY, crews: ["A", "B"], duty: null, handover: { open: null, latest: null }, notices: [], ...more });
const KIM = { username: "kim" };
const PARK = { username: "park" };
const INCOMING = duty({ username: "park", crew: "A", shift: "day", day: "2026-11-27", ends_at: DAY.ends_at });

test("times are Korean, whatever the server's offset says", () => {
  assert.equal(hours(NIGHT), "22:00–06:00");
  assert.equal(hours({ begins_at: "2026-11-26T13:00:00Z", ends_at: "2026-11-26T21:00:00Z" }), "22:00–06:00");
});

test("whose duty it is", () => assert.equal(crewWords(duty()), "Night shift, crew B"));

test("who comes within an hour before the change comes for the next shift", () => {
  assert.equal(comingFor(state(), at("04:59:59")), "now");
  assert.equal(comingFor(state(), at("05:00:00")), "next");
  assert.equal(comingFor(state(), at("05:59:59")), "next");
});

test("a duty is over ten minutes after its shift", () => {
  assert.equal(overdue(duty(), at("06:10:00")), false);
  assert.equal(overdue(duty(), at("06:10:01")), true);
  assert.equal(overdue(null, at("23:00:00")), false);
});

describe("what one can do with a handover", () => {
  const can = (...args) => turn(...args).can;

  test("a draft belongs to the shift that hands over", () => {
    assert.deepEqual(can(handover(), KIM, duty()), ["note", "refresh", "sign"]);
    assert.deepEqual(can(handover(), PARK, INCOMING), []);
    assert.ok(turn(handover(), PARK, INCOMING).why);
  });

  test("a signed one is countersigned by somebody else of another shift or crew, or returned", () => {
    assert.deepEqual(can(signed(), PARK, INCOMING), ["countersign", "return"]);
    assert.deepEqual(can(signed(), PARK, duty({ crew: "C" })), ["countersign", "return"]);
    assert.deepEqual(can(signed(), PARK, duty()), ["return"]);
    assert.deepEqual(can(signed(), KIM, INCOMING), ["return"]);
    assert.ok(turn(signed(), KIM, INCOMING).why && turn(signed(), PARK, duty()).why);
  });

  test("nothing without a duty, and nothing with what is finished", () => {
    assert.deepEqual(can(handover(), KIM, null), []);
    assert.ok(turn(handover(), KIM, null).why);
    for (const ended of ["archived", "returned"]) assert.deepEqual(turn(signed({ state: ended }), PARK, INCOMING), { can: [], why: "" });
    assert.deepEqual(turn(null, KIM, duty()), { can: [], why: "" });
  });

  test("a new one is begun by who is on duty while none is open", () => {
    assert.equal(mayWrite(state({ duty: duty() })), true);
    assert.equal(mayWrite(state()), false);
    assert.equal(mayWrite(state({ duty: duty(), handover: { open: handover(), latest: null } })), false);
  });
});

describe("the strip", () => {
  const now = at("05:30:00");

  test("asks who is not on duty to begin, until told to wait", () => {
    assert.equal(stripOf(state(), KIM, now), "begin");
    assert.equal(stripOf(state(), KIM, now, { later: true }), null);
    assert.equal(stripOf(null, KIM, now), null);
  });

  test("is away while there is nothing to do", () => assert.equal(stripOf(state({ duty: duty() }), KIM, now), null));

  test("brings a handover to those who take over, also where they wanted to wait", () => {
    const open = { handover: { open: signed(), latest: null } };
    assert.equal(stripOf(state({ duty: INCOMING, ...open }), PARK, now, { later: true }), "sign");
    assert.equal(stripOf(state({ duty: duty(), ...open }), KIM, now), null);
  });

  test("tells the shift whose handover came back", () => {
    const open = { handover: { open: handover({ replaces: 6 }), latest: null } };
    assert.equal(stripOf(state({ duty: duty(), ...open }), KIM, now), "correct");
    assert.equal(stripOf(state({ duty: INCOMING, ...open }), PARK, now), null);
  });

  test("asks about a duty whose shift is over", () => {
    assert.equal(stripOf(state({ duty: duty() }), KIM, at("06:11:00")), "over");
    assert.equal(stripOf(state({ duty: duty() }), KIM, at("06:11:00"), { later: true }), null);
  });
});

test("unread notices keep their order", () => {
  assert.deepEqual(unread([{ id: 1, read_at: null }, { id: 2, read_at: "x" }, { id: 3, read_at: null }]).map(({ id }) => id), [1, 3]);
});

test("a notice may hold to the end of this shift or the next, a day or a week", () => {
  const ends = notUntil(state(), at("05:30:00"));
  assert.deepEqual(ends.map(({ code }) => code), ["shift", "next", "day", "week"]);
  assert.equal(ends[1].at, DAY.ends_at);
  assert.equal(ends[3].at, "2026-12-03T20:30:00.000Z");
});

test("those on duty are gathered by shift and crew", () => {
  const groups = crews([duty(), INCOMING, duty({ username: "lee" })]);
  assert.deepEqual(groups.map(({ crew, people }) => [crew, people.map(({ username }) => username)]), [["B", ["kim", "lee"]], ["A", ["park"]]]);
});

test("what is wrong with a document is said, also what this page does not know yet", () => {
  assert.equal(wrongWords(["document", "seal", "audit"]).length, 3);
  assert.deepEqual(wrongWords(["something new"]), ["something new"]);
});
