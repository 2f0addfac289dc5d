import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { GROUP_AT_LEAST, blocksOf, entriesOf, orderOf } from "../../static/js/flood.js";
import { queueOf } from "../../static/js/store.js";

const NOW = Date.parse("2026-11-23T01:00:00Z");
const at = (seconds) => new Date(NOW + seconds * 1000).toISOString();
let count = 0;
const incident = (grade, place = "둔산동", family = "ORD", more = {}) => ({
  number: `N-${String((count += 1)).padStart(5, "0")}`, grade, place, family, status: "open", received_at: at(-count), shelved_until: null, shelf: null, escalation: 0, ...more,
});
const map = (list) => new Map(list.map((one) => [one.number, one]));
const cut = (list, more = {}) => blocksOf(queueOf(map(list), { now: NOW, role: more.role }).rows, { flood: true, now: NOW, ...more });
const suppressed = { shelved_until: at(600), shelf: { suppression: 7, reason: "x" } };

/** A small generator with a seed, so that a failure can be repeated. */
function randomly(seed) {
  let state = seed;
  return (n) => ((state = (state * 1103515245 + 12345) % 2147483648), Math.floor((state / 2147483648) * n));
}

function anyQueue(seed) {
  const pick = randomly(seed);
  return Array.from({ length: pick(120) }, () => {
    const grade = `G${1 + pick(5)}`;
    const shelvable = grade > "G2" && pick(4) === 0;
    return incident(grade, ["둔산동", "대흥동", ""][pick(3)], ["ORD", "TRF", "BEL"][pick(3)], {
      status: ["open", "acked", "reopened", "confirmed"][pick(4)], escalation: pick(3), received_at: at(-pick(5000)),
      ...(shelvable ? { shelved_until: at(60), shelf: { suppression: pick(2) ? 1 + pick(3) : null } } : {}),
    });
  });
}

test("whatever the queue: every G1 and G2 is a row of its own before every group, and nothing is lost or doubled", () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const list = anyQueue(seed);
    for (const role of ["operator", "supervisor"]) {
      for (const flood of [true, false]) {
        const blocks = cut(list, { role, flood });
        assert.deepEqual(orderOf(blocks).sort(), list.map(({ number }) => number).sort(), `seed ${seed}`);
        const single = new Set(blocks.filter((one) => one.incident).map((one) => one.incident.number));
        const urgent = list.filter(({ grade }) => grade <= "G2");
        assert.ok(urgent.every(({ number }) => single.has(number)), `seed ${seed}: an urgent one is folded`);
        const firstGroup = blocks.findIndex((one) => one.group);
        const lastUrgent = blocks.findLastIndex((one) => one.incident?.grade <= "G2");
        assert.ok(firstGroup < 0 || lastUrgent < firstGroup, `seed ${seed}: a group stands before an urgent one`);
        for (const { group } of blocks) {
          if (!group) continue;
          assert.ok(group.children.every(({ grade }) => grade > "G2"));
          assert.equal(group.suppressed || (flood && group.children.length >= GROUP_AT_LEAST), true);
        }
        const drawn = entriesOf(blocks, { opened: new Set(blocks.map((one) => one.group?.key)) }).filter((one) => one.incident);
        assert.equal(drawn.length, list.length, "unfolded, everything is there");
      }
    }
  }
});

describe("in a flood", () => {
  test("the same type in the same place is one group, which says how many, the worst, the oldest and who waits", () => {
    const list = [incident("G4"), incident("G3"), incident("G4", "둔산동", "ORD", { status: "acked" }), incident("G4", "대흥동"), incident("G4", "둔산동", "TRF")];
    const [{ group }, ...rest] = cut(list);
    assert.deepEqual([group.children.length, group.worst, group.unseen, group.place, group.family], [3, "G3", 2, "둔산동", "ORD"]);
    assert.equal(group.oldest, list[2].received_at);
    assert.ok(rest.every((one) => one.incident), "two of a kind stay rows");
  });

  test("what must stay in sight stays a row", () => {
    const list = [incident("G4"), incident("G4"), incident("G4"), incident("G4")];
    const blocks = cut(list, { alone: ({ number }) => number === list[0].number });
    assert.equal(blocks.find((one) => one.incident).incident, list[0]);
    assert.equal(blocks.find((one) => one.group).group.children.length, 3);
  });

  test("a folded group keeps the chosen child in sight, an unfolded one shows all", () => {
    const list = [incident("G4"), incident("G4"), incident("G4")];
    const blocks = cut(list);
    const shown = (options) => entriesOf(blocks, options).filter((one) => one.incident).map((one) => one.incident.number);
    assert.deepEqual(shown({}), []);
    assert.deepEqual(shown({ chosen: list[1].number }), [list[1].number]);
    assert.equal(shown({ opened: new Set([blocks[0].group.key]) }).length, 3);
    assert.equal(entriesOf(blocks, { chosen: list[1].number })[1].child, true);
  });
});

test("outside a flood nothing is grouped but what is suppressed, and that stands last", () => {
  const list = [incident("G4", "둔산동", "ORD", suppressed), ...Array.from({ length: 5 }, () => incident("G4")), incident("G3", "둔산동", "ORD", { shelved_until: at(60) })];
  const blocks = cut(list, { flood: false });
  assert.equal(blocks.filter((one) => one.group).length, 1);
  assert.equal(blocks.findIndex((one) => one.group) >= 5, true);
  assert.equal(blocks.find((one) => one.group).group.suppressed, true);
});

test("a suppressed source whose time is over is no longer put aside", () => {
  const list = [incident("G4", "둔산동", "ORD", { ...suppressed, shelved_until: at(-1) })];
  assert.ok(cut(list, { flood: false })[0].incident);
});
