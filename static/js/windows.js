/**
 * The console over several windows: the queue, the map and the incident panel can each have one of their own.
 * Every window has its own line to the server; only which incident is open is told from one to the others.
 */

export const PARTS = ["queue", "map", "panel"];
const CHANNEL = "ocenter-windows";
const BEAT_MS = 2000;
/** The main window has been silent this long: it is closed, or its machine sleeps. */
const ALONE_MS = 7000;
/** A part that says nothing this long was killed; one in the background is slowed to one word a minute. */
const LOST_MS = 90000;
const SIZES = { queue: "width=520,height=1000", map: "width=1600,height=1000", panel: "width=720,height=1000" };

export class Windows {
  /**
   * `part`: which part this window is, "" for the main one. `onChosen(number)`: another window opened an incident.
   * `onOut(parts)`: which parts are out (main window). `onAlone(bool)`: whether the main window is missed (the others).
   */
  constructor({ part = "", chosen = () => null, onChosen, onOut = () => {}, onAlone = () => {}, channel = new BroadcastChannel(CHANNEL), open = (...given) => globalThis.open(...given), timer = globalThis, clock = performance }) {
    Object.assign(this, { part, chosen, onChosen, onOut, onAlone, channel, openWindow: open, clock });
    this.handles = new Map();
    this.out = new Map();
    this.mainHeard = clock.now();
    this.alone = false;
    this.left = false;
    channel.onmessage = ({ data }) => this.#heard(data);
    timer.setInterval(() => this.beat(), BEAT_MS);
    channel.postMessage({ type: "hello", part });
  }

  /** Opens a window for `part`, or brings the one there is to the front. Only inside a click or a key press. */
  popOut(part) {
    const known = this.handles.get(part);
    if (known && !known.closed) return known.focus();
    const number = this.chosen();
    const opened = this.openWindow(`/window/${part}/${number ? `?incident=${encodeURIComponent(number)}` : ""}`, `ocenter-${part}`, `popup,${SIZES[part]}`);
    if (!opened) return false;
    this.handles.set(part, opened);
    this.#here(part);
    return true;
  }

  /** Takes `part` back into the main window; its own window closes. */
  takeBack(part) {
    this.channel.postMessage({ type: "close", part });
    this.handles.get(part)?.close();
    this.#gone(part);
  }

  /** Tells the other windows that an incident was opened here (null: closed). */
  tell(number) {
    this.channel.postMessage({ type: "chosen", part: this.part, number });
  }

  /** This window is about to close: its last word, whatever its timers still do. */
  leave() {
    this.left = true;
    this.channel.postMessage({ type: "gone", part: this.part });
  }

  /** It did not close after all: the browser kept the page and shows it again. */
  comeBack() {
    this.left = false;
    this.channel.postMessage({ type: "hello", part: this.part });
  }

  /** Says that this window lives and notices who no longer does; every two seconds. */
  beat() {
    if (this.left) return;
    this.channel.postMessage({ type: "here", part: this.part });
    for (const [part, opened] of this.handles) if (opened.closed) this.#gone(part);
    for (const [part, heard] of this.out) if (!this.handles.has(part) && this.clock.now() - heard > LOST_MS) this.#gone(part);
    if (this.part) this.#missed(this.clock.now() - this.mainHeard > ALONE_MS);
  }

  #heard({ type, part, number }) {
    if (type === "chosen") (part || this.part) && this.onChosen(number); // two whole consoles leave each other alone
    else if (type === "hello") this.#greeted(part);
    else if (type === "close") part === this.part && globalThis.close?.();
    else if (part === "") this.#main(type);
    else if (!this.part) type === "here" ? this.#here(part) : this.#gone(part);
  }

  /** Somebody new: it learns who is there, and a part which incident is open. */
  #greeted(part) {
    this.channel.postMessage({ type: "here", part: this.part });
    if (part === "") this.#main("here");
    else if (!this.part) this.#here(part);
  }

  #main(type) {
    if (!this.part) return;
    if (type === "gone") return this.#missed(true);
    this.mainHeard = this.clock.now();
    this.#missed(false);
  }

  #missed(alone) {
    if (alone === this.alone) return;
    this.alone = alone;
    this.onAlone(alone);
  }

  #here(part) {
    const known = this.out.has(part);
    this.out.set(part, this.clock.now());
    if (!known) this.onOut([...this.out.keys()]);
  }

  #gone(part) {
    this.handles.delete(part);
    if (this.out.delete(part)) this.onOut([...this.out.keys()]);
  }
}
