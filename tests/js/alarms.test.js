import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ACTIONS, availability, menu } from "../../static/js/actions.js";
import { acknowledgeEach } from "../../static/js/group-row.js";
import { asksOf, offerOf } from "../../static/js/handover.js";
import { escalatedOf, floodOf, returnedFrom } from "../../static/js/alarms.js";
import { percent, place, priorityShares, rate, seconds } from "../../static/js/load-words.js";
import { shelfOf } from "../../static/js/shelf.js";

const NOW = Date.parse("2026-11-23T01:00:00Z");
const at = (s) => new Date(NOW + s * 1000).toISOString();
const map = (...list) => new Map(list.map((one) => [one.number, one]));
const incident = (number, more = {}) => ({ number, grade: "G3", status: "open", received_at: at(-60), escalation: 0, shelved_until: null, shelf: null, holder: null, offer: null, moves: ["assign", "offer", "shelve"], ...more });
const offer = (to, by, asked, until = 60) => ({ to: { username: to, name: to }, by: { username: by, name: by }, asked, until: at(until) });

test("what is escalated and still waits is counted, the worst first", () => {
  const found = escalatedOf(map(incident("a", { escalation: 1 }), incident("b", { grade: "G1", escalation: 1 }), incident("c", { escalation: 2 }), incident("d", { escalation: 2, status: "acked" }), incident("e")));
  assert.deepEqual(found.map(({ number }) => number), ["b", "c", "a"]);
});

describe("what is back from the shelf", () => {
  const on = (number) => incident(number, { shelved_until: at(600) });
  const row = (kind, body, more = {}) => ({ kind, incident: body, actor: { name: "kim" }, detail: {}, ...more });

  test("is told with its cause, once", () => {
    const before = { incidents: map(on("a"), on("b"), on("c")) };
    const applied = [row("incident.unshelved", incident("a"), { detail: { because: "time" } }), row("incident.noted", incident("a")), row("incident.joined", incident("b")), row("incident.noted", on("c"))];
    const after = { incidents: map(incident("a"), incident("b"), on("c")) };
    assert.deepEqual(returnedFrom(applied, before, after).map(({ incident: one, because }) => [one.number, because]), [["a", "time"], ["b", "change"]]);
  });

  test("is nothing that ended, nor a row without an incident", () => {
    const before = { incidents: map(on("a")) };
    assert.deepEqual(returnedFrom([row("flood.began", null), row("incident.cancelled", incident("a", { status: "cancelled" }))], before, { incidents: map() }), []);
  });
});

test("the shelf holds what is put aside and not yet due, the first to return first", () => {
  const found = shelfOf(map(incident("a", { shelved_until: at(60) }), incident("b", { shelved_until: at(30) }), incident("c", { shelved_until: at(-1) }), incident("d")), NOW);
  assert.deepEqual(found.map(({ number }) => number), ["b", "a"]);
});

test("the flood of one's own municipality is the one shown", () => {
  const floods = [{ municipality: "36110" }, { municipality: "30000" }];
  assert.equal(floodOf({ floods }, { municipality: { code: "30000" } }).municipality, "30000");
  assert.equal(floodOf({ floods: [] }, { municipality: { code: "30000" } }), null);
});

describe("an offer", () => {
  test("is there while its time runs, and waits for whom it asks", () => {
    const mine = incident("a", { offer: offer("lee", "kim", "lee") });
    assert.ok(offerOf(mine, NOW));
    assert.equal(offerOf(mine, NOW + 61000), null);
    assert.deepEqual(asksOf(map(mine, incident("b")), "lee", NOW).map(({ number }) => number), ["a"]);
    assert.deepEqual(asksOf(map(mine), "kim", NOW), []);
  });

  const operator = { username: "kim", actions: ["assign", "offer"] };
  const supervisor = { username: "park", actions: ["assign", "offer", "direct"] };
  const held = (username, more = {}) => incident("a", { holder: { username, name: username }, ...more });
  const can = (me, one) => ["assign", "request", "offer"].filter((id) => availability(id, one, me, NOW).allowed);

  test("is how an operator gives and gets what somebody holds; a supervisor needs none", () => {
    assert.deepEqual(can(operator, incident("a")), ["assign"]);
    assert.deepEqual(can(operator, held("kim")), ["offer"]);
    assert.deepEqual(can(operator, held("lee")), ["request"]);
    assert.deepEqual(can(operator, held("lee", { offer: offer("choi", "lee", "choi") })), []);
    assert.deepEqual(can(supervisor, held("lee")), ["assign", "offer"]);
    assert.deepEqual(can(supervisor, incident("a")), ["assign", "offer"]);
  });

  test("has its words and its place among the actions", () => {
    assert.equal(ACTIONS.request.move, "offer");
    assert.ok(menu(held("kim"), operator, NOW).more.includes("offer"));
  });
});

describe("acknowledging a group", () => {
  test("is one operation each; who was faster is counted and stops nothing", async () => {
    const asked = [];
    const result = await acknowledgeEach(["a", "b", "c", "d", "e"], async (number) => {
      asked.push(number);
      if (number === "b") throw Object.assign(new Error("taken"), { status: 409 });
    }, 2);
    assert.deepEqual(asked.sort(), ["a", "b", "c", "d", "e"]);
    assert.deepEqual([result.done, result.refused, result.error], [4, 1, null]);
  });

  test("stops where the server does not answer", async () => {
    const result = await acknowledgeEach(["a", "b", "c"], async () => { throw Object.assign(new Error("away"), { status: 0 }); }, 1);
    assert.deepEqual([result.done, result.error.status], [0, 0]);
  });
});

describe("the load in words", () => {
  test("claims nothing where there was nothing", () => {
    assert.equal(percent(null), "–");
    assert.equal(seconds(null), "–");
    assert.equal(priorityShares({ low: 0, medium: 0, high: 0 }), null);
  });

  test("is exact", () => {
    assert.deepEqual([percent(0.934), percent(0.0042, 1), rate(1.44), seconds(18.4), seconds(125)], ["93 %", "0.4 %", "1.4", "18 s", "2 min 5 s"]);
    assert.deepEqual(priorityShares({ low: 8, medium: 1, high: 1 }), { low: 0.8, medium: 0.1, high: 0.1 });
    assert.ok(place(1) < place(2) && place(2) < place(10) && place(500) === 1);
  });
});
