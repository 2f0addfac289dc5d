import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { LiveSocket, backoff } from "../../static/js/socket.js";

let lines, time, timers, states, messages, cursor, socket;

class FakeLine {
  constructor(address) {
    this.address = address;
    lines.push(this);
  }
  close() {
    this.closed = true;
  }
  say(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
  end(code = 1006) {
    this.onclose({ code });
  }
}

const timer = {
  setTimeout: (run, delay) => timers.push({ run, at: time + delay }),
  clearTimeout: (id) => id && (timers[id - 1].run = () => {}),
  setInterval: (run, delay) => timers.push({ run, at: time + delay, every: delay }),
  clearInterval: (id) => { timers[id - 1].every = timers[id - 1].at = Infinity; },
};

function pass(ms) {
  const until = time + ms;
  for (;;) {
    const next = timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
    if (!next) break;
    time = Math.max(time, next.at);
    next.at = next.every ? next.at + next.every : Infinity;
    next.run();
  }
  time = until;
}

beforeEach(() => {
  [lines, timers, states, messages, time, cursor] = [[], [], [], [], 1_000_000, ""];
  socket = new LiveSocket({
    address: "ws://x/ws/live/", cursor: () => cursor, onMessage: (message) => messages.push(message), onState: (state) => states.push(state),
    Socket: FakeLine, timer, clock: { now: () => time },
  });
  socket.open();
});

const snapshot = { type: "snapshot", cursor: "e1:5" };

test("the first line asks for a snapshot, later ones resume by cursor", () => {
  assert.equal(lines[0].address, "ws://x/ws/live/");
  lines[0].say(snapshot);
  cursor = "e1:5";
  lines[0].end();
  assert.deepEqual(states, ["live", "reconnecting"]);
  pass(1000);
  assert.equal(lines[1].address, "ws://x/ws/live/?after=e1%3A5");
});

test("a line cut before its snapshot asks for it again, whatever cursor there is", () => {
  cursor = "old";
  lines[0].end();
  pass(1000);
  assert.equal(lines[1].address, "ws://x/ws/live/");
});

test("after a gap a fresh snapshot is asked for at once, and late words of the old line are not heard", () => {
  lines[0].say(snapshot);
  cursor = "e1:5";
  socket.restart({ fresh: true });
  assert.equal(lines[0].closed, true);
  lines[0].say({ type: "changes", changes: [] });
  assert.equal(messages.length, 1);
  pass(1);
  assert.equal(lines[1].address, "ws://x/ws/live/");
});

test("a silent line is thrown away", () => {
  lines[0].say(snapshot);
  pass(7000);
  assert.equal(lines.length, 1);
  pass(3500);
  assert.equal(lines.length, 2);
  assert.equal(states.at(-1), "reconnecting");
});

test("a session that is gone is said, and not asked for again", () => {
  lines[0].say(snapshot);
  lines[0].end(4401);
  pass(60000);
  assert.deepEqual(states, ["live", "expired"]);
  assert.equal(lines.length, 1);
});

test("the age of the last message is told", () => {
  lines[0].say(snapshot);
  pass(1500);
  assert.equal(socket.silence(), 1500);
});

describe("waiting between attempts", () => {
  test("doubles, with jitter, up to a bound", () => {
    assert.equal(backoff(0, () => 1), 300);
    assert.equal(backoff(0, () => 0), 150);
    assert.equal(backoff(3, () => 1), 2400);
    assert.equal(backoff(30, () => 1), 10000);
  });

  test("starts over once a message has come", () => {
    for (let i = 0; i < 6; i += 1) { lines.at(-1).end(); pass(10000); }
    assert.ok(socket.failures >= 6);
    lines.at(-1).say(snapshot);
    assert.equal(socket.failures, 0);
  });
});
