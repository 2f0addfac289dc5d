import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Windows } from "../../static/js/windows.js";

let ether, time, said;

/** One shared line, as BroadcastChannel: everybody but the speaker hears. */
class Channel {
  constructor() {
    ether.push(this);
  }
  postMessage(data) {
    for (const other of ether) if (other !== this) other.onmessage?.({ data });
  }
}

const opened = [];
function desk(part = "") {
  const name = part || "main";
  said[name] = { chosen: [], out: [], alone: [] };
  return new Windows({
    part, chosen: () => "7", channel: new Channel(), clock: { now: () => time }, timer: { setInterval: () => {} },
    open: (...given) => { const handle = { given, closed: false, focus: () => { handle.focused = true; }, close: () => { handle.closed = true; } }; opened.push(handle); return handle; },
    onChosen: (number) => said[name].chosen.push(number), onOut: (parts) => said[name].out.push(parts.join()), onAlone: (alone) => said[name].alone.push(alone),
  });
}

beforeEach(() => { [ether, time, said] = [[], 1000, {}]; opened.length = 0; });

test("what is opened in one window is opened in the others, not again in its own", () => {
  const [main, panel] = [desk(), desk("panel")];
  main.tell("5");
  panel.tell("6");
  assert.deepEqual([said.main.chosen, said.panel.chosen], [["6"], ["5"]]);
});

test("two whole consoles leave each other's choice alone", () => {
  const first = desk();
  const heard = said.main.chosen;
  desk();
  first.tell("5");
  assert.deepEqual([heard, said.main.chosen], [[], []]);
});

test("a part that opens is out, with the incident that is open; one that closes is back", () => {
  const main = desk();
  assert.equal(main.popOut("panel"), true);
  assert.equal(opened[0].given[0], "/window/panel/?incident=7");
  const panel = desk("panel");
  panel.leave();
  assert.deepEqual(said.main.out, ["panel", ""]);
});

test("a second wish for the same part brings its window to the front", () => {
  const main = desk();
  main.popOut("map");
  main.popOut("map");
  assert.equal(opened.length, 1);
  assert.equal(opened[0].focused, true);
});

test("a blocked window is not out", () => {
  const main = desk();
  main.openWindow = () => null;
  assert.equal(main.popOut("map"), false);
  assert.deepEqual(said.main.out, []);
});

test("a window that vanished without a word is back at the next beat, or after its silence", () => {
  const main = desk();
  main.popOut("queue");
  opened[0].closed = true;
  main.beat();
  desk("map");
  assert.deepEqual(said.main.out, ["queue", "", "map"]);
  time += 91_000;
  main.beat();
  assert.deepEqual(said.main.out.at(-1), "");
});

test("a main window that was loaded anew learns which parts are out", () => {
  desk("panel");
  desk();
  assert.deepEqual(said.main.out, ["panel"]);
});

test("a part whose main window is gone, or silent, is alone until one speaks again", () => {
  const main = desk();
  const panel = desk("panel");
  main.leave();
  main.beat();
  assert.deepEqual(said.panel.alone, [true]); // a timer that still runs in a closing page is not heard
  main.comeBack();
  assert.deepEqual(said.panel.alone, [true, false]);
  time += 8000;
  panel.beat();
  assert.deepEqual(said.panel.alone, [true, false, true]);
});

test("a part taken back closes", () => {
  const main = desk();
  main.popOut("panel");
  main.takeBack("panel");
  assert.equal(opened[0].closed, true);
  assert.deepEqual(said.main.out, ["panel", ""]);
});
