/** The controls of a camera that can turn: arrows and zoom that move while they are held, by pointer or by key. */
import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { Turning } from "./turning.js";
import { turnCamera } from "./viewing.js";

const SPEED = 0.6;
const MOTIONS = {
  up: { pan: 0, tilt: SPEED, zoom: 0 }, down: { pan: 0, tilt: -SPEED, zoom: 0 },
  left: { pan: -SPEED, tilt: 0, zoom: 0 }, right: { pan: SPEED, tilt: 0, zoom: 0 },
  in: { pan: 0, tilt: 0, zoom: SPEED }, out: { pan: 0, tilt: 0, zoom: -SPEED },
};
const KEYS = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right", Equal: "in", NumpadAdd: "in", Minus: "out", NumpadSubtract: "out" };
const BUTTONS = [
  ["up", "arrow-up", () => t("Turn up")], ["left", "arrow-left", () => t("Turn left")], ["right", "arrow-right", () => t("Turn right")],
  ["down", "arrow-down", () => t("Turn down")], ["in", "zoom-in", () => t("Zoom closer")], ["out", "zoom-out", () => t("Zoom away")],
];

export class PtzPad {
  /** Controls `camera` for `why`, `{incident}` or `{reason}`. */
  constructor(camera, why) {
    this.turning = new Turning({
      send: (motion) => turnCamera(camera.id, motion, why), onMove: (motion) => this.#moves(motion),
      onError: (error) => this.#say(error.message || t("The camera did not answer.")),
    });
    this.note = h("p", { class: "ptz-note", role: "status" });
    this.buttons = new Map(BUTTONS.map(([name, picture, label]) => [name, this.#button(name, picture, label())]));
    this.element = h("div", { class: "ptz", role: "group", "aria-label": t("Turn the camera") },
      h("div", { class: "ptz-pad" }, [...this.buttons.values()]), this.note, h("p", { class: "ptz-hint" }, t("hold to move: arrows, + and −")));
  }

  /** Takes keys from `target` until `close()`. */
  listen(target) {
    this.stop = () => this.turning.release();
    const down = (event) => this.#key(event);
    const up = (event) => KEYS[event.code] && this.stop();
    const listeners = [[target, "keydown", down], [document, "keyup", up], [globalThis, "blur", this.stop], [document, "visibilitychange", this.stop]];
    listeners.forEach(([where, name, run]) => where.addEventListener(name, run));
    this.unlisten = () => listeners.forEach(([where, name, run]) => where.removeEventListener(name, run));
  }

  /** Stops the camera and takes no more keys. */
  close() {
    this.turning.release();
    this.unlisten?.();
  }

  #key(event) {
    const name = KEYS[event.code];
    if (!name || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) this.#hold(name);
  }

  #button(name, picture, label) {
    const stop = () => this.turning.release();
    return h("button", {
      type: "button", class: `ptz-${name}`, title: label, "aria-label": label,
      onpointerdown: (event) => { event.target.setPointerCapture?.(event.pointerId); this.#hold(name); },
      onpointerup: stop, onpointercancel: stop, onlostpointercapture: stop, oncontextmenu: (event) => event.preventDefault(),
      onkeydown: (event) => (event.code === "Space" || event.code === "Enter") && !event.repeat && this.#hold(name),
      onkeyup: stop, onblur: stop,
    }, icon(picture));
  }

  #hold(name) {
    this.#say("");
    this.turning.hold(MOTIONS[name]);
  }

  #moves(motion) {
    for (const [name, button] of this.buttons) button.classList.toggle("held", Boolean(motion) && MOTIONS[name] === motion);
  }

  #say(words) {
    this.note.textContent = words;
  }
}
