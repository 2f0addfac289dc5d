/** Incidents that no marker can show: without a place, or outside the city. They are counted on the map and listed. */
import { arrange, h, icon, shape } from "../dom.js";
import { shapeId, statusName } from "../grades.js";
import { named, t, tn } from "../i18n.js";

const ROWS = 30;

export class UnplacedList {
  /** `onOpen(number)`: one was chosen. */
  constructor(place, { onOpen }) {
    this.onOpen = onOpen;
    this.list = h("ol", { hidden: true });
    this.words = h("span");
    this.button = h("button", { type: "button", class: "map-button", "aria-expanded": "false", onclick: () => this.#toggle() }, icon("map-pin-off"), this.words);
    this.element = h("div", { class: "unplaced", hidden: true }, this.list, this.button);
    this.rows = new Map();
    place.append(this.element);
  }

  /** Shows these; nothing is drawn anew that is the same. */
  show({ unplaced, outside }) {
    const all = [...unplaced, ...outside].sort((a, b) => (a.grade < b.grade ? -1 : a.grade > b.grade ? 1 : a.number < b.number ? 1 : -1));
    this.element.hidden = !all.length;
    const words = [unplaced.length && tn("%(count)s without a place", "%(count)s without a place", unplaced.length), outside.length && tn("%(count)s outside the city", "%(count)s outside the city", outside.length)];
    this.words.textContent = words.filter(Boolean).join(" · ");
    const away = new Set(outside);
    const shown = all.slice(0, ROWS);
    for (const number of this.rows.keys()) if (!shown.some((one) => one.number === number)) this.rows.delete(number);
    arrange(this.list, shown.map((incident) => this.#row(incident, away.has(incident))));
  }

  #row(incident, outside) {
    const known = this.rows.get(incident.number);
    if (known?.incident === incident) return known.element;
    const element = known?.element ?? h("li");
    element.replaceChildren(h("button", { type: "button", dataset: { number: incident.number }, onclick: () => this.onOpen(incident.number) },
      shape(shapeId(incident), incident.grade), h("span", {}, `${named(incident.title)} · ${statusName(incident.status)}`), h("small", {}, outside ? t("outside the city") : incident.address || t("no place"))));
    this.rows.set(incident.number, { element, incident });
    return element;
  }

  #toggle() {
    this.list.hidden = !this.list.hidden;
    this.button.setAttribute("aria-expanded", String(!this.list.hidden));
  }
}
