import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { KEYS, commandFor } from "../../static/js/keys.js";

/** An element that matches any selector naming one of `tags`. */
const element = (...tags) => ({ closest: (selector) => (tags.some((tag) => selector.split(/[\s,:[]+/).includes(tag)) ? {} : null) });
const press = (code, more = {}) => ({ code, key: "", target: element(), ...more });

test("every key gives its command", () => {
  for (const [code, command] of Object.entries(KEYS)) assert.equal(commandFor(press(code)), command);
});

test("keys match the place on the keyboard, so a Korean layout changes nothing", () => {
  assert.equal(commandFor(press("KeyA", { key: "ㅁ" })), "acknowledge");
  assert.equal(commandFor(press("KeyP", { key: "ㅔ" })), "relay:police112");
});

test("a question mark opens help, a slash searches", () => {
  assert.equal(commandFor(press("Slash", { shiftKey: true, key: "?" })), "help");
  assert.equal(commandFor(press("Slash", { key: "?" })), "help");
  assert.equal(commandFor(press("Slash", { key: "/" })), "search");
});

describe("keys rest", () => {
  test("while an IME composes", () => {
    assert.equal(commandFor(press("KeyA", { isComposing: true })), null);
    assert.equal(commandFor(press("KeyA", { keyCode: 229 })), null);
  });

  test("with a modifier", () => {
    for (const modifier of ["ctrlKey", "metaKey", "altKey", "shiftKey"]) assert.equal(commandFor(press("KeyC", { [modifier]: true })), null);
  });

  test("in a field, except Escape, which leaves it", () => {
    for (const tag of ["input", "textarea", "select"]) {
      assert.equal(commandFor(press("KeyA", { target: element(tag) })), null);
      assert.equal(commandFor(press("Escape", { target: element(tag) })), "leave-field");
    }
  });

  test("under a dialog", () => assert.equal(commandFor(press("KeyA"), { dialogOpen: true }), null));

  test("when held down, except J and K", () => {
    assert.equal(commandFor(press("KeyA", { repeat: true })), null);
    assert.equal(commandFor(press("KeyJ", { repeat: true })), "next");
  });
});

describe("with single-key shortcuts turned off", () => {
  const off = { singleKeys: false };

  test("letters, digits and signs mean nothing", () => {
    const quiet = new Set(["Enter", "Space", "Escape"]);
    for (const [code, command] of Object.entries(KEYS)) assert.equal(commandFor(press(code), off), quiet.has(code) ? command : null, code);
    assert.equal(commandFor(press("Slash", { shiftKey: true, key: "?" }), off), null);
  });

  test("a field is still left with Escape", () => assert.equal(commandFor(press("Escape", { target: element("input") }), off), "leave-field"));
});

test("Korean key values change no command, with or without the IME's own key name", () => {
  const values = { KeyJ: "ㅓ", KeyK: "ㅏ", KeyA: "ㅁ", KeyP: "ㅔ", KeyF: "ㄹ", KeyC: "ㅊ", KeyN: "ㅜ", KeyL: "ㅣ", KeyG: "ㅎ", KeyM: "ㅡ" };
  for (const [code, key] of Object.entries(values)) {
    assert.equal(commandFor(press(code, { key })), KEYS[code]);
    assert.equal(commandFor(press(code, { key: "Process", keyCode: 229 })), null);
  }
});

test("Enter and Space press the button that has the focus", () => {
  for (const code of ["Enter", "Space"]) assert.equal(commandFor(press(code, { target: element("button") })), null);
  assert.equal(commandFor(press("KeyA", { target: element("button") })), "acknowledge");
});
