import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { addEnded, applyChanges, applySnapshot, applyTick, emptyState, incidentOf, overdue, queueOf, shelved, unseenCounts } from "../../static/js/store.js";

const START = Date.parse("2026-11-23T01:00:00Z");
const at = (seconds) => new Date(START + seconds * 1000).toISOString();

function incident(number, more = {}) {
  return {
    number, municipality: "30000", code: "BEL-01", title: { ko: "비상벨 호출", en: "Emergency bell" }, grade: "G2", status: "open",
    address: "중교로 32", place: "대흥동", summary: "", received_at: at(0), occurred_at: at(0), ack_due_at: null, shelved_until: null,
    source: { device_id: "B-1187" }, holder: null, relays: [], moves: [], version: 1, ...more,
  };
}

const change = (seq, body, kind = "incident.opened") => ({ seq, at: at(seq), kind, municipality: body.municipality, incident: { ...body, version: seq } });
const message = (...changes) => ({ type: "changes", cursor: `c${changes.at(-1)?.seq ?? 0}`, changes });
const snapshot = (cursor, incidents) => ({ type: "snapshot", cursor, at: at(0), incidents, feeds: [] });
const numbers = (state) => [...state.incidents.keys()].sort();

describe("changes", () => {
  test("give the same state as a fresh snapshot, in whatever frames they come", () => {
    const statuses = ["open", "acked", "verifying", "confirmed", "notified", "closed"];
    const rows = [];
    for (let seq = 1; seq <= 60; seq += 1) rows.push(change(seq, incident(`N-${seq % 7}`, { status: statuses[(seq * 5) % 6] })));
    const last = new Map(rows.map((row) => [row.incident.number, row.incident]));
    const fresh = applySnapshot(emptyState(), snapshot("c60", [...last.values()].filter(({ status }) => status !== "closed")));
    for (const size of [1, 3, 7, 60]) {
      let state = applySnapshot(emptyState(), snapshot("c0", []));
      for (let i = 0; i < rows.length; i += size) state = applyChanges(state, message(...rows.slice(i, i + size))).state;
      assert.deepEqual(numbers(state), numbers(fresh));
      for (const [number, body] of fresh.incidents) assert.deepEqual(state.incidents.get(number), body);
      assert.equal(state.cursor, fresh.cursor);
    }
  });

  test("let an ended incident leave the queue and stay readable", () => {
    for (const status of ["merged", "false_alarm", "test", "closed", "cancelled"]) {
      const state = applySnapshot(emptyState(), snapshot("c1", [incident("N-1")]));
      const next = applyChanges(state, message(change(2, incident("N-1", { status })))).state;
      assert.equal(next.incidents.size, 0);
      assert.equal(incidentOf(next, "N-1").status, status);
    }
  });

  test("of merges and their undoing, in whatever frames they come, give the state of a fresh snapshot", () => {
    const bodies = new Map([0, 1, 2, 3].map((n) => [`N-${n}`, incident(`N-${n}`)]));
    const rows = [];
    const write = (number, more, kind) => {
      bodies.set(number, { ...bodies.get(number), ...more, version: rows.length + 1 });
      rows.push(change(rows.length + 1, bodies.get(number), kind));
    };
    for (let i = 0; i < 40; i += 1) {
      const [part, whole] = [`N-${(i * 7) % 4}`, `N-${(i * 7 + 1 + (i % 3)) % 4}`];
      const into = bodies.get(part).merged_into;
      if (into) {
        write(into, {}, "incident.unmerged");
        write(part, { status: "open", merged_into: null }, "incident.unmerged");
      } else if (!bodies.get(whole).merged_into) {
        write(part, { status: "merged", merged_into: whole }, "incident.merged");
        write(whole, { event_count: i }, "incident.joined");
      }
    }
    const fresh = applySnapshot(emptyState(), snapshot("end", [...bodies.values()].filter(({ status }) => status !== "merged")));
    for (const size of [1, 2, 5, rows.length]) {
      let state = applySnapshot(emptyState(), snapshot("c0", []));
      for (let i = 0; i < rows.length; i += size) state = applyChanges(state, message(...rows.slice(i, i + size))).state;
      assert.deepEqual(numbers(state), numbers(fresh));
      for (const [number, body] of bodies) assert.equal(incidentOf(state, number)?.merged_into ?? null, body.merged_into ?? null);
    }
  });

  test("bring a reopened incident back", () => {
    let state = applySnapshot(emptyState(), snapshot("c1", [incident("N-1")]));
    state = applyChanges(state, message(change(2, incident("N-1", { status: "closed" })), change(3, incident("N-1", { status: "reopened" })))).state;
    assert.deepEqual(numbers(state), ["N-1"]);
    assert.equal(state.ended.size, 0);
  });

  test("that came already change nothing", () => {
    const first = applyChanges(applySnapshot(emptyState(), snapshot("c0", [])), message(change(1, incident("N-1")), change(2, incident("N-1", { status: "acked" }))));
    const again = applyChanges(first.state, message(change(1, incident("N-1")), change(2, incident("N-1", { status: "acked" })), change(3, incident("N-2"))));
    assert.equal(again.gap, false);
    assert.deepEqual(again.applied.map(({ seq }) => seq), [3]);
    assert.equal(again.state.incidents.get("N-1").status, "acked");
  });

  test("with a hole are refused whole, and say so", () => {
    const { state } = applyChanges(applySnapshot(emptyState(), snapshot("c0", [])), message(change(1, incident("N-1"))));
    const holed = applyChanges(state, message(change(2, incident("N-2")), change(4, incident("N-4"))));
    assert.equal(holed.gap, true);
    assert.equal(holed.state, state);
  });

  test("of two municipalities are numbered separately", () => {
    const other = incident("M-1", { municipality: "36110" });
    const result = applyChanges(applySnapshot(emptyState(), snapshot("c0", [])), message(change(7, incident("N-1")), change(90, other), change(8, incident("N-2")), change(91, other)));
    assert.equal(result.gap, false);
    assert.deepEqual(result.state.seqs, { 30000: 8, 36110: 91 });
  });

  test("may have holes where the reader sees only some families", () => {
    const { state } = applyChanges(emptyState(), message(change(1, incident("N-1"))));
    assert.equal(applyChanges(state, message(change(9, incident("N-9"))), { contiguous: false }).gap, false);
  });

  test("never put an older version over a newer one", () => {
    const state = applySnapshot(emptyState(), snapshot("c9", [incident("N-1", { status: "acked", version: 9 })]));
    assert.equal(applyChanges(state, message(change(8, incident("N-1")))).state.incidents.get("N-1").status, "acked");
  });

  test("leave the former state untouched", () => {
    const state = applySnapshot(emptyState(), snapshot("c0", [incident("N-1")]));
    const before = structuredClone(state);
    applyChanges(state, message(change(5, incident("N-1", { status: "closed" })), change(6, incident("N-2"))));
    assert.deepEqual(state, before);
  });
});

test("a snapshot forgets what it does not name, but keeps ended incidents readable", () => {
  let state = applySnapshot(emptyState(), snapshot("c1", [incident("N-1"), incident("N-2")]));
  state = applyChanges(state, message(change(2, incident("N-1", { status: "closed" })))).state;
  state = applySnapshot(state, snapshot("c9", [incident("N-3")]));
  assert.deepEqual(numbers(state), ["N-3"]);
  assert.equal(incidentOf(state, "N-1").status, "closed");
  assert.deepEqual(state.seqs, {});
});

test("a tick brings feeds and leaves incidents and cursor", () => {
  const state = applySnapshot(emptyState(), snapshot("c1", [incident("N-1")]));
  const ticked = applyTick(state, { type: "tick", cursor: "c1", at: at(9), feeds: [{ slug: "bells" }] });
  assert.equal(ticked.incidents, state.incidents);
  assert.deepEqual(ticked.feeds, [{ slug: "bells" }]);
});

test("ended incidents that were looked up do not hide live ones", () => {
  const state = addEnded(applySnapshot(emptyState(), snapshot("c1", [incident("N-1")])), [incident("N-1", { status: "closed" }), incident("N-2", { status: "closed" })]);
  assert.equal(incidentOf(state, "N-1").status, "open");
  assert.equal(incidentOf(state, "N-2").status, "closed");
});

describe("the queue", () => {
  const list = [
    incident("old-2", { received_at: at(-300) }), incident("new-2", { received_at: at(-10) }),
    incident("old-1", { grade: "G1", received_at: at(-900) }), incident("g4", { grade: "G4" }), incident("g5", { grade: "G5" }),
    incident("shelved", { grade: "G3", shelved_until: at(600) }), incident("back", { grade: "G3", shelved_until: at(-1) }),
  ];
  const byNumber = new Map(list.map((one) => [one.number, one]));

  test("is ordered by grade, then the youngest first, with the shelved last", () => {
    const { rows } = queueOf(byNumber, { now: START });
    assert.deepEqual(rows.map(({ number }) => number), ["old-1", "new-2", "old-2", "back", "g4", "g5", "shelved"]);
  });

  test("puts a new G1 on top", () => {
    const more = new Map(byNumber).set("new-1", incident("new-1", { grade: "G1", received_at: at(0) }));
    assert.equal(queueOf(more, { now: START }).rows[0].number, "new-1");
  });

  test("finds by words in any order, in both languages, and says how many urgent ones a filter hides", () => {
    const found = queueOf(new Map(byNumber).set("x", incident("x", { place: "은행동", title: { ko: "화재", en: "Fire" }, grade: "G1" })), { now: START, text: "fire 은행동" });
    assert.deepEqual(found.rows.map(({ number }) => number), ["x"]);
    assert.equal(found.hidden, 3);
    assert.equal(queueOf(byNumber, { now: START, grades: new Set(["G3", "G4", "G5"]) }).hidden, 3);
    assert.equal(queueOf(byNumber, { now: START, grades: new Set(["G1", "G2"]) }).hidden, 0);
  });

  test("counts who waits; information waits for nobody", () => {
    const counts = unseenCounts(new Map(byNumber).set("held", incident("held", { status: "acked" })));
    assert.deepEqual(counts, { G1: 1, G2: 2, G3: 2, G4: 1, total: 6 });
  });
});

test("a shelf ends by itself", () => {
  assert.equal(shelved(incident("N", { shelved_until: at(1) }), START), true);
  assert.equal(shelved(incident("N", { shelved_until: at(1) }), START + 1000), false);
});

test("the acknowledgement target counts down, then up, and ends with the acknowledgement", () => {
  const waiting = incident("N", { ack_due_at: at(30) });
  assert.equal(overdue(waiting, START), -30000);
  assert.equal(overdue(waiting, START + 42000), 12000);
  assert.equal(overdue({ ...waiting, status: "acked" }, START + 42000), null);
  assert.equal(overdue(incident("N"), START), null);
});

describe("floods", () => {
  const room = (seq, kind, detail = {}) => ({ seq, at: at(seq), kind, municipality: "30000", incident: null, actor: { kind: "system", name: "ocenter" }, detail });
  const flood = { municipality: "30000", since: at(1), alarms: 11, operators: 1, window_s: 600 };

  test("begin and end by the ledger's rows, which have no incident", () => {
    let state = applyChanges(emptyState(), message(room(1, "flood.began", flood))).state;
    assert.deepEqual(state.floods, [flood]);
    assert.equal(state.incidents.size, 0);
    state = applyChanges(state, message(room(2, "flood.ended", {}))).state;
    assert.deepEqual(state.floods, []);
  });

  test("are told by the snapshot, and another municipality's stays", () => {
    const state = applySnapshot(emptyState(), { ...snapshot("c1", []), floods: [flood, { ...flood, municipality: "36110" }] });
    assert.deepEqual(applyChanges(state, message(room(1, "flood.ended"))).state.floods.map((one) => one.municipality), ["36110"]);
  });
});

test("a supervisor sees what was escalated first, and never a lesser grade before a G1 or G2", () => {
  const list = [incident("a", { grade: "G1", status: "acked" }), incident("b", { grade: "G2", escalation: 1 }), incident("c", { grade: "G4", escalation: 2 }), incident("d", { grade: "G3" })];
  const order = (role) => queueOf(new Map(list.map((one) => [one.number, one])), { now: START, role }).rows.map(({ number }) => number);
  assert.deepEqual(order("supervisor"), ["b", "a", "c", "d"]);
  assert.deepEqual(order("operator"), ["a", "b", "d", "c"]);
});
