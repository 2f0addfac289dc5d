/** Finding a camera by its name or number: a field with a list below it, by keyboard or pointer. */
import { h, icon } from "../dom.js";
import { t } from "../i18n.js";

const PAUSE_MS = 200;

export class CameraSearch {
  /** `find(words)`: cameras (async). `onChoose(camera)`. */
  constructor({ find, onChoose }) {
    Object.assign(this, { find, onChoose, found: [], marked: 0 });
    this.input = h("input", {
      type: "search", autocomplete: "off", spellcheck: "false", placeholder: t("Camera name or number"), role: "combobox", "aria-label": t("Find a camera"), "aria-expanded": "false", "aria-controls": "camera-found",
      oninput: () => this.#later(), onkeydown: (event) => this.#key(event), onblur: () => setTimeout(() => this.#show([]), 150),
    });
    this.list = h("ul", { class: "camera-found", id: "camera-found", role: "listbox", "aria-label": t("Found cameras"), hidden: true });
    this.element = h("div", { class: "camera-search" }, h("label", { class: "search" }, icon("search"), this.input, h("kbd", { "aria-hidden": "true" }, "/")), this.list);
  }

  focus() {
    this.input.focus();
    this.input.select();
  }

  #later() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(async () => {
      const words = this.input.value;
      const found = await this.find(words);
      if (words === this.input.value) this.#show(found, words);
    }, PAUSE_MS);
  }

  #key(event) {
    if (event.isComposing) return;
    if (event.code === "ArrowDown" || event.code === "ArrowUp") this.#mark(this.marked + (event.code === "ArrowDown" ? 1 : -1));
    else if (event.code === "Enter" && this.found.length) this.#choose(this.found[this.marked]);
    else return;
    event.preventDefault();
  }

  #choose(camera) {
    this.onChoose(camera);
    this.input.value = "";
    this.#show([]);
  }

  #mark(index) {
    this.marked = Math.max(0, Math.min(this.found.length - 1, index));
    [...this.list.children].forEach((row, i) => row.setAttribute("aria-selected", String(i === this.marked)));
    this.input.setAttribute("aria-activedescendant", this.found.length ? `camera-found-${this.marked}` : "");
  }

  #show(found, words = "") {
    this.found = found;
    this.list.replaceChildren(...found.map((camera, i) => h("li", { id: `camera-found-${i}`, role: "option", onpointerdown: (event) => { event.preventDefault(); this.#choose(camera); } }, icon("cctv"), h("span", {}, camera.name, camera.detail ? h("small", {}, camera.detail) : null))));
    if (words.trim() && !found.length) this.list.replaceChildren(h("li", { class: "none", role: "option" }, t("No camera of that name.")));
    this.list.hidden = !this.list.children.length;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    this.#mark(0);
  }
}
