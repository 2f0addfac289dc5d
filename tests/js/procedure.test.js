import assert from "node:assert/strict";
import { test } from "node:test";
import { blockingSteps, concerns, isNotice, mayWaive, shortForm, stepNow, timeLeft, verbs } from "../../static/js/procedure-view.js";

const NOW = Date.parse("2026-11-23T01:00:00Z");
const iso = (seconds) => new Date(NOW + seconds * 1000).toISOString();
const operator = { actions: ["procedure"] };
const supervisor = { actions: ["procedure", "override"] };
const auditor = { actions: ["audit"] };
const step = (id, more = {}) => ({ id, kind: "check", required: false, owner: "operator", state: "open", hand: false, options: [], action: null, since: null, ready_at: null, due_at: null, ...more });
const list = (steps, more = {}) => ({ state: "open", current: steps.find(({ state }) => state === "open")?.id ?? null, blocking: [], steps, ...more });

test("the clock turns amber near its end and says how far it is over", () => {
  const timed = (left) => step("a", { since: iso(left - 60), due_at: iso(left) });
  assert.deepEqual(timeLeft(timed(50), NOW), { ms: 50_000, tone: "" });
  assert.equal(timeLeft(timed(15), NOW).tone, "near");
  assert.deepEqual(timeLeft(timed(0), NOW), { ms: 0, tone: "over" });
  assert.equal(timeLeft(timed(-5), NOW).ms, -5_000);
  assert.equal(timeLeft(step("a"), NOW), null);
  assert.equal(timeLeft({ ...timed(5), state: "done" }, NOW), null);
});

test("a timer waits first, then wants to be done", () => {
  const timer = (ready) => step("t", { kind: "timer", since: iso(ready - 300), ready_at: iso(ready), due_at: iso(ready + 60) });
  assert.deepEqual(timeLeft(timer(30), NOW), { ms: 30_000, tone: "wait" });
  assert.equal(timeLeft(timer(-1), NOW).tone, "");
  assert.equal(timeLeft(timer(-50), NOW).tone, "near");
  assert.equal(timeLeft(timer(-61), NOW).tone, "over");
  assert.deepEqual(verbs(timer(30), list([timer(30)]), operator, NOW), ["skip"]);
  assert.deepEqual(verbs(timer(-1), list([timer(-1)]), operator, NOW), ["do", "skip"]);
  assert.deepEqual(verbs(step("t", { kind: "timer" }), list([step("a")]), operator, NOW), ["skip"]);
});

test("what may be done depends on kind, state, owner, role and time", () => {
  const may = (one, me = operator, more = {}, off = false) => verbs(one, list([one], more), me, NOW, off);
  assert.deepEqual(may(step("a")), ["do", "skip"]);
  assert.deepEqual(may(step("a", { action: "cameras", kind: "action" })), ["open", "do", "skip"]);
  assert.deepEqual(may(step("a", { kind: "choice" })), ["choose", "skip"]);
  assert.deepEqual(may(step("a", { state: "done", hand: true })), ["undo"]);
  assert.deepEqual(may(step("a", { state: "done" })), []);
  assert.deepEqual(may(step("a", { state: "skipped", hand: true })), ["do", "undo"]);
  assert.deepEqual(may(step("a", { owner: "supervisor" })), []);
  assert.deepEqual(may(step("a", { owner: "supervisor" }), supervisor), ["do", "skip"]);
  assert.deepEqual(may(step("a"), auditor), []);
  assert.deepEqual(may(step("a"), operator, { state: "waiting" }), []);
  assert.deepEqual(may(step("a"), operator, {}, true), [], "history");
});

test("the short form shows the current step and the next, and nothing once all is done", () => {
  const steps = [step("a", { state: "done" }), step("b"), step("c", { state: "done" }), step("d"), step("e")];
  assert.deepEqual(shortForm(list(steps)).map(({ id }) => id), ["b", "d"]);
  assert.deepEqual(shortForm(list([step("a", { state: "done" })], { state: "complete" })), []);
  assert.deepEqual(shortForm(list(steps, { state: "complete", current: "d" })).map(({ id }) => id), ["d", "e"]);
  assert.deepEqual(shortForm(list(steps, { state: "waived", current: null })), []);
});

test("key S takes the first way forward and never skips or takes back", () => {
  assert.deepEqual(stepNow(list([step("a")]), operator, NOW).verb, "do");
  assert.equal(stepNow(list([step("a", { kind: "action", action: "relay:police112" })]), operator, NOW).verb, "open");
  assert.equal(stepNow(list([step("a", { kind: "choice" })]), operator, NOW).verb, "choose");
  assert.equal(stepNow(list([step("a", { owner: "supervisor" })]), operator, NOW), null);
  assert.equal(stepNow(list([step("a")]), operator, NOW, true), null);
  assert.equal(stepNow(null, operator, NOW), null);
});

test("only a supervisor waives, and only what is open", () => {
  const open = list([step("a")], { blocking: ["a"] });
  assert.equal(mayWaive(open, supervisor), true);
  assert.equal(mayWaive(open, operator), false);
  assert.equal(mayWaive(open, supervisor, true), false);
  assert.equal(mayWaive({ ...open, blocking: [] }, supervisor), false);
  assert.deepEqual(blockingSteps(open).map(({ id }) => id), ["a"]);
  assert.deepEqual(blockingSteps(null), []);
});

test("rows that matter are told from those that do not", () => {
  assert.equal(concerns({ kind: "relay.sent", incident: { number: "1" } }, "1"), true);
  assert.equal(concerns({ kind: "relay.unit", incident: { number: "1" } }, "1"), false);
  assert.equal(concerns({ kind: "relay.sent", incident: { number: "2" } }, "1"), false);
  assert.deepEqual(["procedure.step_skipped", "procedure.waived", "procedure.overdue", "procedure.step_done"].map((kind) => isNotice({ kind })), [true, true, true, false]);
});
