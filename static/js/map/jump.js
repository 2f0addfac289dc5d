/** The map's search: coordinates at once, everything else by `GET places`. Keyboard first: arrows, Enter, Escape. */
import { get } from "../api.js";
import { cap, h, icon } from "../dom.js";
import { named, t } from "../i18n.js";
import { parsePosition } from "./geometry.js";

const REST_MS = 180;
const ICONS = { position: "crosshair", incident: "siren", dong: "map-pin", camera: "cctv", device: "radio" };

export class JumpBox {
  /** `onGo(place)`: one was chosen. */
  constructor(place, { onGo }) {
    Object.assign(this, { onGo, found: [], at: 0 });
    this.input = h("input", { type: "search", id: "map-search", autocomplete: "off", spellcheck: "false", role: "combobox", "aria-expanded": "false", "aria-controls": "map-found", "aria-autocomplete": "list",
      "aria-keyshortcuts": "W", "aria-label": t("Go to a place"), placeholder: t("Address, dong, camera, incident, 36.35,127.38") });
    this.list = h("ul", { id: "map-found", class: "map-found", role: "listbox", hidden: true });
    this.element = h("div", { class: "jump" }, h("label", { class: "jump-field" }, icon("search"), this.input, cap("W")), this.list);
    this.input.addEventListener("input", () => this.#later());
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.#close(), 150));
    place.append(this.element);
  }

  focus() {
    this.input.focus();
    this.input.select();
  }

  #later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#ask(), REST_MS);
  }

  async #ask() {
    const q = this.input.value.trim();
    if (!q) return this.#close();
    const answer = await get("places", { q }).catch((error) => ({ error }));
    if (q !== this.input.value.trim()) return;
    const position = parsePosition(q);
    // Coordinates need no server.
    this.#show(answer.places ?? (position ? [{ kind: "position", name: q, detail: "", ...position }] : []), answer.error);
  }

  #show(found, error) {
    Object.assign(this, { found, at: 0 });
    const rows = found.map((place, i) => h("li", { role: "option", id: `map-found-${i}`, onmousedown: (event) => { event.preventDefault(); this.#go(i); } },
      icon(ICONS[place.kind] ?? "map-pin"), h("b", {}, named(place.name)), h("small", {}, place.detail)));
    this.list.replaceChildren(...(rows.length ? rows : [h("li", { class: "none", role: "option", "aria-disabled": "true" }, error ? error.message : t("No such place is known here."))]));
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.#mark();
  }

  #mark() {
    [...this.list.children].forEach((row, i) => row.setAttribute("aria-selected", String(i === this.at)));
    this.input.setAttribute("aria-activedescendant", `map-found-${this.at}`);
    this.list.children[this.at]?.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    if (event.isComposing) return;
    if (event.code === "Escape") return this.#close();
    if (event.code === "Enter") {
      event.preventDefault();
      return this.found.length ? this.#go(this.at) : this.#ask();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.code];
    if (!step || !this.found.length) return;
    event.preventDefault();
    this.at = (this.at + step + this.found.length) % this.found.length;
    this.#mark();
  }

  #go(index) {
    this.onGo(this.found[index]);
    this.input.value = "";
    this.#close();
    this.input.blur();
  }

  #close() {
    this.list.hidden = true;
    this.found = [];
    this.input.removeAttribute("aria-activedescendant");
    this.input.setAttribute("aria-expanded", "false");
  }
}
