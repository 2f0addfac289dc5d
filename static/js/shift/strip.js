/**
 * The strip above the room: signing in to the shift, and what of the shift wants to be done. It is part of the page's
 * flow, covers nothing, takes no focus and no key; an alarm shows and sounds beside it.
 */
import { post } from "../api.js";
import { h, icon } from "../dom.js";
import { clockMinutes } from "../format.js";
import { t } from "../i18n.js";
import { refused } from "../perform.js";
import { comingFor, crewWords, hours, shiftName, stripOf } from "./model.js";
import { SoundTest } from "./sound-test.js";

const LATER = "ocenter_shift_later";

export class ShiftStrip {
  /** `element` is filled; `player` plays the test tone; `onChanged()` after the server has something new; `page`: the shift page's address, null on that page itself. */
  constructor({ element, me, player, now, page, onChanged }) {
    Object.assign(this, { element, me, now, page, onChanged });
    this.crew = null;
    this.span = null;
    this.sound = new SoundTest({ player, onAnswer: () => this.#draw() });
  }

  /** Shows what `state` (GET shift) asks for. */
  render(state) {
    this.state = state;
    const kind = stripOf(state, this.me, this.now(), { later: Boolean(this.page) && sessionStorage.getItem(LATER) === this.#key() });
    const key = JSON.stringify([kind, state?.duty, state?.handover, state?.crews, state?.now]);
    if (key === this.drawn) return;
    Object.assign(this, { drawn: key, kind });
    this.#draw();
  }

  /** Brings the strip back, as from the header. */
  recall() {
    sessionStorage.removeItem(LATER);
    this.drawn = null;
    this.render(this.state);
  }

  /** Draws anew; who came with the keyboard keeps the place. */
  #draw() {
    const held = this.element.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") ?? "" : null;
    this.#fill();
    if (held === null || this.element.hidden) return;
    const buttons = [...this.element.querySelectorAll("button")];
    (buttons.find((one) => held && one.getAttribute("aria-label") === held) ?? this.sound.element.querySelector("button") ?? buttons[0])?.focus();
  }

  #fill() {
    const { kind } = this;
    this.element.hidden = !kind;
    this.element.dataset.kind = kind ?? "";
    if (!kind) return this.element.replaceChildren();
    const parts = { begin: () => this.#begin(), sign: () => this.#sign(), correct: () => this.#correct(), over: () => this.#over() }[kind]();
    this.element.replaceChildren(...parts.filter(Boolean));
  }

  #begin() {
    const { state } = this;
    this.crew ??= state.crews.includes(state.last_crew) ? state.last_crew : null;
    this.span ??= comingFor(state, this.now());
    const crew = state.crews.map((name) => this.#choice(t("Crew %(crew)s", { crew: name }), this.crew === name, t("Crew %(crew)s", { crew: name }), () => (this.crew = name)));
    const spans = [["now", state.now], ["next", state.next]].map(([which, span]) =>
      this.#choice([shiftName(span.shift), " ", h("small", {}, hours(span))], this.span === which, `${shiftName(span.shift)} ${hours(span)}`, () => (this.span = which)));
    return [
      h("b", { class: "strip-name" }, icon("log-in"), t("Begin duty")),
      h("div", { class: "picks", role: "group", "aria-label": t("Shift") }, spans),
      h("div", { class: "picks", role: "group", "aria-label": t("Crew") }, crew),
      this.sound.element,
      this.#reading(),
      h("span", { class: "strip-end" },
        h("button", { type: "button", class: "primary", disabled: !this.crew, title: this.crew ? "" : t("Choose your crew first."), "data-shift": "begin", onclick: () => this.#start() }, icon("check"), t("On duty")),
        this.page ? h("button", { type: "button", class: "quiet", onclick: () => this.#later() }, t("Later")) : null),
    ];
  }

  #choice(label, chosen, name, choose) {
    return h("button", { type: "button", "aria-pressed": String(chosen), "aria-label": name, onclick: () => { choose(); this.#draw(); } }, label);
  }

  /** What there is to read: the handover that waits, else the latest. */
  #reading() {
    const { open, latest } = this.state.handover;
    const handover = open?.state === "signed" ? open : latest;
    if (!this.page || !handover) return null;
    return this.#link(handover, open?.state === "signed" ? t("Read and sign the handover") : t("Read the last handover"));
  }

  #sign() {
    const open = this.state.handover.open;
    const from = t("%(crew)s hands over: signed by %(name)s at %(time)s", { crew: crewWords(open), name: open.outgoing.name, time: clockMinutes(open.outgoing.at) });
    return [h("b", { class: "strip-name" }, icon("signature"), from), h("span", { class: "strip-end" }, this.#link(open, t("Read and sign"), "primary"))];
  }

  #correct() {
    const open = this.state.handover.open;
    return [h("b", { class: "strip-name" }, icon("undo-2"), t("Your handover was returned for correction.")), h("span", { class: "strip-end" }, this.#link(open, t("Open"), "primary"))];
  }

  #over() {
    const { duty, handover } = this.state;
    const words = t("%(crew)s ended at %(time)s.", { crew: crewWords(duty), time: clockMinutes(duty.ends_at) });
    return [h("b", { class: "strip-name" }, icon("alarm-clock"), words), h("span", { class: "strip-end" },
      this.#link(handover.open, t("Handover"), "quiet"),
      h("button", { type: "button", class: "quiet", "data-shift": "end", onclick: () => this.#send("shift/duty/end") }, icon("log-out"), t("End duty")),
      this.page ? h("button", { type: "button", class: "quiet", onclick: () => this.#later() }, t("Later")) : null)];
  }

  #link(handover, words, kind = "quiet") {
    if (!this.page) return null;
    return h("a", { class: kind, href: handover ? `${this.page}#${handover.id}` : this.page, target: "ocenter-shift", rel: "noopener" }, icon("clipboard-list"), words);
  }

  async #start() {
    const shift = this.state[this.span].shift;
    if (await this.#send("shift/duty", { crew: this.crew, shift, sound: this.sound.result })) Object.assign(this, { crew: null, span: null });
  }

  async #send(path, body = {}) {
    const done = await post(path, body).catch((error) => { refused(error); return null; });
    if (done) await this.onChanged();
    return Boolean(done);
  }

  /** Until something new is to be done: another duty, another shift. */
  #later() {
    sessionStorage.setItem(LATER, this.#key());
    this.render(this.state);
  }

  #key() {
    return this.state ? `${this.state.duty?.began_at ?? "off"} ${this.state.now.begins_at}` : "";
  }
}
