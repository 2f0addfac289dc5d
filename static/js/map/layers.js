/** The layers card: what the map shows, the heat, saved views, the legend. Incidents hidden here are said on the map. */
import { cap, h, icon, shape } from "../dom.js";
import { GRADES, gradeName, shapeName } from "../grades.js";
import { named, t, tn } from "../i18n.js";

const STORED = "ocenter.layers";
const HEAT_HOURS = [0, 1, 6, 24];

function remembered() {
  try {
    return new Set(JSON.parse(localStorage.getItem(STORED)) ?? []);
  } catch {
    return new Set();
  }
}

export class LayersCard {
  /** `place`: where the button and its card go. `onChange(off)` gets the set of ids switched off, `onHeat(hours)` 0, 1, 6 or 24. */
  constructor(place, { onChange, onHeat }) {
    Object.assign(this, { onChange, onHeat, off: remembered(), boxes: new Map() });
    this.card = h("div", { class: "layers-card", id: "layers-card", hidden: true });
    this.button = h("button", { class: "map-button", type: "button", "aria-expanded": "false", "aria-controls": "layers-card", "aria-keyshortcuts": "L", onclick: () => this.toggle() },
      icon("layers"), t("Layers"), cap("L"));
    this.points = h("div");
    this.card.append(this.#incidents(), this.#others(), this.#heat(), this.points, legend());
    place.append(this.button, this.card);
  }

  toggle() {
    this.card.hidden = !this.card.hidden;
    this.button.setAttribute("aria-expanded", String(!this.card.hidden));
  }

  /** Cameras by purpose and devices by kind, once they are known: `[{name, items: [{id, name, count}]}]`. */
  addPoints(groups) {
    for (const { name, items } of groups) if (items.length) this.points.append(this.#section(name, items.map((item) => this.#box(item.id, named(item.name), null, item.count))));
    this.onChange(this.off);
  }

  /** A block of another module's, such as the saved views. */
  add(element) {
    this.card.insertBefore(element, this.card.lastElementChild);
  }

  /** Exactly these ids are off: a saved view, or everything back on. */
  set(off) {
    this.off = new Set(off);
    for (const [id, box] of this.boxes) box.checked = !this.off.has(id);
    this.#changed();
  }

  /** Switches every incident on again. */
  showIncidents() {
    this.set([...this.off].filter((id) => id !== "traffic" && !id.startsWith("grade:")));
  }

  #changed() {
    localStorage.setItem(STORED, JSON.stringify([...this.off]));
    this.onChange(this.off);
  }

  #box(id, name, mark = null, count = null) {
    const input = h("input", { type: "checkbox", checked: !this.off.has(id), onchange: () => {
      if (input.checked) this.off.delete(id);
      else this.off.add(id);
      this.#changed();
    } });
    input.dataset.layer = id;
    this.boxes.set(id, input);
    return h("label", {}, input, mark, name, h("small", {}, count == null ? "" : count.toLocaleString()));
  }

  #section(name, rows) {
    return h("section", {}, h("h3", {}, name), rows);
  }

  #incidents() {
    return this.#section(t("Incidents"), [...GRADES.map((grade) => this.#box(`grade:${grade}`, gradeName(grade), shape(`g-${grade}`, grade))),
      this.#box("traffic", t("Traffic incidents"), icon("truck"))]);
  }

  #others() {
    return this.#section(t("Units and areas"), [this.#box("units", t("Agency units")), this.#box("areas", t("Areas of incidents")), this.#box("geofences", t("Geofences"))]);
  }

  #heat() {
    const choices = HEAT_HOURS.map((hours) => h("label", {}, h("input", { type: "radio", name: "heat", value: String(hours), checked: hours === 0, onchange: () => this.onHeat(hours) }),
      h("span", {}, hours ? tn("%(count)s h", "%(count)s h", hours) : t("Off"))));
    return h("section", {}, h("h3", {}, t("Heat map: incidents of the last hours")), h("div", { class: "segments", role: "radiogroup", "aria-label": t("Heat map") }, choices));
  }
}

/** What is what: shapes, colours, lines. */
function legend() {
  const row = (mark, words) => h("li", {}, mark, words);
  const swatch = (name) => h("i", { class: `swatch ${name}` });
  return h("details", { class: "map-legend" }, h("summary", {}, t("Legend")), h("ul", {},
    GRADES.map((grade) => row(shape(`g-${grade}`, grade), `${gradeName(grade)} · ${shapeName(grade)}`)),
    row(shape("g-G1-held", "G1"), t("hollow: acknowledged")),
    row(swatch("camera"), t("Camera (a number: several together)")), row(swatch("device"), t("Device")),
    row(swatch("unit-mark"), t("Agency unit with the time to arrival")), row(swatch("trail"), t("Its way so far, and to the incident")),
    row(swatch("hatch"), t("Area of an incident")), row(swatch("fence"), t("Geofence")), row(swatch("near"), t("500 m around the open incident")),
    row(swatch("heat"), t("Heat: many incidents"))));
}

/** The line on the map that says how many critical and urgent incidents the layers hide, with the way back. */
export class HiddenNotice {
  constructor(place, onShow) {
    this.text = h("span");
    this.element = h("div", { class: "map-notice", role: "status", hidden: true }, icon("triangle-alert"), this.text, h("button", { type: "button", onclick: onShow }, t("Show them")));
    place.append(this.element);
  }

  show(hidden) {
    this.element.hidden = hidden === 0;
    this.text.textContent = tn("The layers hide %(count)s critical or urgent incident.", "The layers hide %(count)s critical or urgent incidents.", hidden);
  }
}
