import assert from "node:assert/strict";
import { test } from "node:test";
import { standing } from "../../static/js/printing.js";

test("paper claims no more than the screen did", () => {
  assert.match(standing({ history: null, state: "live", silence: 900 }), /^Live/);
  assert.match(standing({ history: null, state: "live", silence: 6000 }), /^Not live/);
  assert.match(standing({ history: null, state: "reconnecting", silence: 100 }), /^Not live/);
  assert.match(standing({ history: { at: "2026-11-23T11:04:31Z" }, state: "live", silence: 900 }), /2026-11-23 20:04:31/);
});
