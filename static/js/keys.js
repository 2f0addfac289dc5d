/** Keys to commands. By `event.code`, so that a Korean layout or an open IME changes nothing. */

/** Every key of the page: code → command. `?` is Shift+Slash; `/` alone searches. */
export const KEYS = {
  KeyJ: "next", KeyK: "previous", Enter: "open", KeyA: "acknowledge", KeyP: "relay:police112", KeyF: "relay:fire119",
  KeyC: "close", KeyN: "note", KeyS: "step", KeyR: "register", Digit1: "camera:1", Digit2: "camera:2", Digit3: "camera:3", Digit4: "camera:4", Digit5: "camera:5",
  KeyV: "wall", KeyL: "layers", KeyW: "map-search", Slash: "search", KeyG: "next-unseen", KeyM: "mute", Space: "live", Escape: "back",
};

const EDITABLE = "input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable]";
/** Keys that write nothing: they stay when single-key shortcuts are off (WCAG 2.1.4). */
const QUIET = new Set(["Enter", "Space", "Escape"]);
const PRESSABLE = "button, a[href], summary, [role=button], input";

/** Commands that keep working while a field or a dialog has the focus: only leaving it. */
const inside = (event, selector) => Boolean(event.target?.closest?.(selector));

/**
 * The command of a key press, or null. Modified keys belong to the browser; a composing IME,
 * a field or an open dialog keep their keys; Enter and Space on a button press that button. Without
 * `singleKeys` letters, digits and signs mean nothing: whoever dictates or trembles starts nothing by mistake.
 */
export function commandFor(event, { dialogOpen = false, singleKeys = true } = {}) {
  if (event.isComposing || event.keyCode === 229 || event.repeat && event.code !== "KeyJ" && event.code !== "KeyK") return null;
  if (event.ctrlKey || event.metaKey || event.altKey || dialogOpen) return null;
  if (inside(event, EDITABLE)) return event.code === "Escape" ? "leave-field" : null;
  if (!singleKeys && !QUIET.has(event.code)) return null;
  if (event.code === "Slash" && (event.shiftKey || event.key === "?")) return "help";
  if (event.shiftKey) return null;
  if ((event.code === "Enter" || event.code === "Space") && inside(event, PRESSABLE)) return null;
  return KEYS[event.code] ?? null;
}

/**
 * A button pressed with the mouse gives the focus back, so that Space and Enter mean the page's commands again.
 * One reached with the keyboard keeps it. By the click's path: its icon may have been replaced meanwhile.
 */
export function releaseClicked(target) {
  target.addEventListener("click", (event) => event.detail > 0 && event.composedPath().find((one) => one.tagName === "BUTTON")?.blur());
}

/** Listens on `target` and calls `run(command)`; the browser's own meaning of the key is dropped. The options are functions. */
export function listen(target, run, { dialogOpen, singleKeys }) {
  target.addEventListener("keydown", (event) => {
    const command = commandFor(event, { dialogOpen: dialogOpen(), singleKeys: singleKeys() });
    if (command && run(command) !== false) event.preventDefault();
  });
}
