/** One camera's tile: the picture, its state in words over it, and the view behind it, opened and given back. */
import { now as serverNow } from "../clock.js";
import { h, icon, text } from "../dom.js";
import { t } from "../i18n.js";
import { attend, dismiss } from "./attention.js";
import { aliveEvery, due, idle, step, stuck } from "./state.js";
import { Stagger } from "./stagger.js";
import { HlsStream, SnapshotStream } from "./stream.js";
import { keepAlive, openView, releaseView } from "./viewing.js";
import { PHASE_ICON, lamp, words } from "./words.js";

/** After so many failures in a row still pictures are shown instead. */
const FALL_BACK_AFTER = 2;
/** A start keeps others waiting until its first picture, but no longer than this. */
const TURN_MS = 2500;
const TURN_STEP_MS = 100;

const starts = new Stagger();

/** What the server said, in its words: a field's where it named one. */
const told = (error) => error.problem?.errors?.[0]?.message || error.problem?.detail || "";

export class Tile {
  /**
   * `camera`: a row of GET cameras. `why`: `{incident}` or `{reason}`; without one, or with `denied`, nothing is asked for.
   * `number`: the badge. `way`: the line about distance and bearing. `onChoose()`: the picture was clicked.
   */
  constructor({ camera, why = null, denied = false, number = null, way = null, onChoose = () => {}, tools = [] }) {
    Object.assign(this, { camera, why, denied, wanted: false, seen: false, turn: 0 });
    this.state = idle();
    this.video = h("video", { class: "cam-video", muted: true, playsinline: true, autoplay: true, disablepictureinpicture: true, tabindex: "-1" });
    this.image = h("img", { class: "cam-still", alt: "", hidden: true });
    this.title = h("b");
    this.detail = h("small");
    this.sign = h("span", { class: "cam-sign" });
    this.lamp = h("span", { class: "cam-lamp" });
    this.badge = number ? h("span", { class: "camera-number" }) : null;
    // Heard together with what the cover says of the picture's state.
    this.name = h("span", { class: "hidden-text" }, camera.name);
    this.face = h("button", { type: "button", class: "cam-face", onclick: () => onChoose() },
      this.name, this.video, this.image, h("span", { class: "cam-cover" }, this.sign, this.title, this.detail));
    this.element = h("figure", { class: "cam", dataset: { camera: camera.id } }, this.face,
      h("figcaption", {}, this.badge, h("span", { class: "cam-name", title: camera.name }, camera.name), way, this.lamp, tools));
    this.still = new SnapshotStream(this.image);
    this.stream = new HlsStream(this.video, { onBroken: () => this.#on("broken") });
    this.playing = null;
    if (number) this.numbered(number);
    this.#draw();
  }

  /** Puts this number on the badge. */
  numbered(number) {
    text(this.badge, String(number));
    text(this.name, `${number} ${this.camera.name}`);
  }

  /** Wants the picture: it is asked for while the tile is in sight. */
  open() {
    if (this.wanted || !(this.why || this.denied)) return;
    this.wanted = true;
    attend(this);
    if (this.denied) this.#refuse(403);
    else if (this.camera.video === false) this.#refuse(409);
  }

  /** Wants it no more; the view is given back at once. */
  close() {
    this.wanted = false;
    dismiss(this);
    this.#rest();
  }

  /** In sight or not: told by the page's attention. */
  inSight(seen) {
    this.seen = seen;
    if (!this.wanted || this.denied || this.camera.video === false) return;
    if (seen && this.state.phase === "idle") this.#start();
    if (!seen) this.#rest();
  }

  /** Goes on after the tile was moved in the page. */
  moved() {
    this.playing?.resume();
  }

  /** What is due now; called twice a second. */
  pulse() {
    const at = Date.now();
    const mark = this.playing?.mark();
    if (mark && mark !== this.mark) this.#on("frame");
    else this.#on("tick");
    this.mark = mark ?? this.mark;
    if (stuck(this.state, at)) this.#on("broken");
    if (this.state.view && at >= this.aliveAt) this.#alive();
    const next = this.cancel ? null : due(this.state, at);
    if (next === "open") this.#start();
    if (next === "play") this.#play(this.state.view);
  }

  #on(type, more = {}) {
    this.state = step(this.state, { type, at: Date.now(), ...more });
    this.#draw();
  }

  /** What the server would refuse is not asked. */
  #refuse(status) {
    this.#on("open");
    this.#on("refused", { status });
  }

  #start() {
    const mine = (this.turn += 1);
    this.#on("open");
    this.cancel?.();
    this.cancel = starts.add(async () => {
      this.cancel = null;
      if (mine !== this.turn) return;
      await this.#request(mine);
      for (let waited = 0; waited < TURN_MS && mine === this.turn && this.state.phase === "connecting"; waited += TURN_STEP_MS) await new Promise((resolve) => setTimeout(resolve, TURN_STEP_MS));
    });
  }

  async #request(mine) {
    try {
      const view = await openView(this.camera.id, this.why);
      if (mine !== this.turn) return releaseView(view);
      await this.#play(view);
      this.aliveAt = 0;
    } catch (error) {
      if (mine === this.turn) this.#on("refused", { status: error.status ?? 0, problem: error.problem, retryAfter: error.retryAfter, told: told(error) });
    }
  }

  async #play(view) {
    const turn = this.turn;
    this.#on("granted", { view });
    this.playing?.stop();
    this.playing = this.state.failures >= FALL_BACK_AFTER ? this.still : this.stream;
    const able = await this.playing.play(this.playing === this.still ? view.snapshot : view.hls);
    if (!able && turn === this.turn) {
      this.playing = this.still;
      await this.still.play(view.snapshot);
    }
    this.#draw();
  }

  async #alive() {
    const { view } = this.state;
    this.aliveAt = Infinity;
    this.beat = new AbortController();
    const answer = await keepAlive(view, this.beat.signal).catch((error) => ({ error }));
    if (this.state.view !== view) return;
    this.aliveAt = Date.now() + aliveEvery(this.state);
    if (!answer.error) return this.#on("heard", { state: answer.state, seconds: (serverNow() - new Date(answer.since).getTime()) / 1000 });
    if (answer.error.status === 404 || answer.error.status === 403) this.#lose(answer.error.status);
  }

  /** The view ended on the server. Not allowed any more is not the same as run out. */
  #lose(status) {
    this.playing?.stop();
    if (status === 403) this.#on("refused", { status });
    else this.#on("broken", { gone: true });
  }

  #rest() {
    this.turn += 1;
    this.cancel?.();
    this.cancel = null;
    this.playing?.stop();
    this.playing = null;
    this.beat?.abort(); // the release may be quicker, and a heartbeat of what was given back is an error
    if (this.state.view) releaseView(this.state.view);
    if (this.state.phase !== "idle") this.#on("close");
  }

  #draw() {
    const { state } = this;
    const { title, detail } = words(state, Date.now());
    text(this.title, title);
    text(this.detail, detail);
    if (this.element.dataset.phase !== state.phase) {
      this.element.dataset.phase = state.phase;
      this.sign.replaceChildren(icon(PHASE_ICON[state.phase]));
    }
    const still = this.playing === this.still;
    this.image.hidden = !still;
    this.video.hidden = still;
    const live = state.phase === "live" ? lamp(this.playing?.age(serverNow())) : null;
    text(this.lamp, live ? (still ? t("STILLS") : live.text) : "");
    this.lamp.classList.toggle("late", Boolean(live?.late));
    this.lamp.title = still ? t("Still pictures, one a second: the stream cannot be played here.") : t("Age of the picture");
  }
}
