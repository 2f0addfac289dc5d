/** The sound self-test: plays a tone and asks whether it was heard; where it was not, says what to look at. */
import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { soundWords } from "./model.js";

const ICONS = { heard: "volume-2", not_heard: "volume-x", untested: "volume-2" };

export class SoundTest {
  /** `player`: plays (`enable({test: true})`) and knows whether it is `blocked`. `onAnswer(heard)` once the person has answered. */
  constructor({ player, onAnswer }) {
    Object.assign(this, { player, onAnswer });
    this.result = "untested";
    this.element = h("span", { class: "sound-test", role: "group", "aria-label": t("Sound test") });
    this.#draw();
  }

  /** Shows a result that the server knows. */
  show(result) {
    this.result = result;
    this.#draw();
  }

  async #play() {
    await this.player.enable({ test: true });
    this.#draw(true);
  }

  #answer(heard) {
    this.show(heard ? "heard" : "not_heard");
    this.onAnswer(heard);
  }

  #draw(asking = false) {
    const button = (words, name, run, kind = "quiet") => h("button", { type: "button", class: kind, onclick: run }, icon(name), words);
    this.element.dataset.sound = asking ? "asking" : this.result;
    if (asking && this.player.blocked) {
      return this.element.replaceChildren(icon("volume-x"), t("The browser blocks sound: allow it for this site, then test again."), button(t("Test again"), "refresh-cw", () => this.#play()));
    }
    if (asking) {
      return this.element.replaceChildren(h("span", { role: "status" }, t("Did you hear the tone?")), button(t("I heard it"), "check", () => this.#answer(true)),
        button(t("I did not"), "x", () => this.#answer(false)), button(t("Again"), "refresh-cw", () => this.#play()));
    }
    if (this.result === "untested") return this.element.replaceChildren(button(t("Test the sound"), "volume-2", () => this.#play()));
    this.element.replaceChildren(h("b", {}, icon(ICONS[this.result]), soundWords(this.result)),
      this.result === "not_heard" ? h("span", { class: "remedy", role: "status" }, t("Look at: tab muted? speakers on? volume? right output? site allowed?")) : "",
      button(t("Test again"), "refresh-cw", () => this.#play()));
  }
}
