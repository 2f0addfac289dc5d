/** Geofences: outlines with a name. What others make or remove is seen within a minute. */
import * as L from "leaflet";
import { get, post, remove } from "../api.js";
import { field, openDialog } from "../dialog.js";
import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { ringsOf } from "./areas.js";
import { insideArea } from "./geometry.js";

const FRESH_MS = 60000;

export class GeofenceLayer {
  /** `may`: whether this person makes and removes them. `onChange()`: the list is another. */
  constructor(map, { pane, may, onChange }) {
    Object.assign(this, { map, pane, may, onChange, fences: [], shown: true });
    this.group = L.layerGroup().addTo(map);
    this.list = h("ul", { class: "saved-views" });
    this.element = h("section", { hidden: true }, h("h3", {}, t("Geofences")), this.list);
    this.load();
    setInterval(() => document.hidden || this.load(), FRESH_MS);
  }

  /** Reads them again; where that fails, the known ones stay. */
  async load() {
    const answer = await get("geofences").catch(() => null);
    if (!answer) return;
    const known = JSON.stringify(answer.geofences);
    if (known === this.known) return;
    Object.assign(this, { known, fences: answer.geofences });
    this.#draw();
    this.onChange();
  }

  /** Shows or hides the outlines. */
  show(on) {
    this.shown = on;
    this.#draw();
  }

  /** The names of those a position lies in. */
  namesAt(lat, lon) {
    return this.fences.filter(({ area }) => insideArea(lat, lon, area)).map(({ name }) => name);
  }

  /** Asks for a name and keeps the polygon. */
  create(area) {
    const name = h("input", { type: "text", name: "name", maxLength: 60, required: true, "data-first": "" });
    openDialog({
      title: t("Keep as a geofence"), body: [field(t("Name"), name, t("Incidents inside will show it."))],
      confirm: { label: t("Keep"), run: async () => { await post("geofences", { name: name.value, area }); await this.load(); return true; } },
    });
  }

  #remove(fence) {
    openDialog({
      title: t("Remove the geofence %(name)s?", { name: fence.name }), body: [],
      confirm: { label: t("Remove"), icon: "x", run: async () => { await remove(`geofences/${fence.id}`); await this.load(); return true; } },
    });
  }

  #draw() {
    this.group.clearLayers();
    this.element.hidden = !this.fences.length;
    this.list.replaceChildren(...this.fences.map((fence) => this.#row(fence)));
    if (!this.shown) return;
    for (const { name, area } of this.fences) {
      const outline = L.polygon(ringsOf(area), { pane: this.pane, interactive: false, className: "fence" }).addTo(this.group);
      outline.bindTooltip(name, { permanent: true, direction: "center", className: "fence-name", pane: this.pane });
    }
  }

  #row(fence) {
    const look = () => this.map.fitBounds(L.polygon(ringsOf(fence.area)).getBounds(), { padding: [40, 40] });
    return h("li", {}, h("button", { type: "button", class: "go", onclick: look }, icon("map-pin"), fence.name),
      this.may ? h("button", { type: "button", class: "tool", "aria-label": t("Remove %(name)s", { name: fence.name }), onclick: () => this.#remove(fence) }, icon("x")) : null);
  }
}
