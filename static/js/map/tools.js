/** What an operator works the map with, put together: layers, heat, search, drawing, geofences, saved views, notices. */
import * as L from "leaflet";
import { h } from "../dom.js";
import { named, t } from "../i18n.js";
import { refused } from "../perform.js";
import { DrawTools } from "./draw.js";
import { GeofenceLayer } from "./geofences.js";
import { HeatLayer } from "./heat.js";
import { wallButton } from "./hover.js";
import { JumpBox } from "./jump.js";
import { HiddenNotice, LayersCard } from "./layers.js";
import { UnplacedList } from "./unplaced.js";
import { SavedViews } from "./views.js";

export class MapTools {
  /** `owner`: the OperatorMap; `place`: for the layers card; `stage`: around the map; `may(action)`; `pane(map, name, height)`. */
  constructor(owner, { place, stage, may, pane }) {
    const { map } = owner;
    this.owner = owner;
    const left = h("div", { class: "map-left" });
    stage.append(left);
    this.heat = new HeatLayer(map, { pane: pane(map, "heat", 425), onFailed: refused });
    this.layers = new LayersCard(place, { onChange: (off) => owner.switchOff(off), onHeat: (hours) => this.heat.show(hours) });
    this.fences = new GeofenceLayer(map, { pane: pane(map, "fences", 433), may: may("geofence"), onChange: () => owner.show(...owner.last) });
    this.draw = new DrawTools(map, {
      pane: pane(map, "drawing", 640), place: left, onLook: (camera) => owner.lookAt(camera.lat, camera.lon), onFence: may("geofence") ? (area) => this.fences.create(area) : null,
    });
    this.jump = new JumpBox(stage, { onGo: (found) => this.#go(found) });
    this.notice = new HiddenNotice(stage, () => this.layers.showIncidents());
    this.unplaced = new UnplacedList(stage, { onOpen: owner.incidents.onOpen });
    this.views = new SavedViews({ current: () => this.#view(), onGo: (view) => this.#look(view) });
    this.layers.add(this.fences.element);
    this.layers.add(this.views.element);
    owner.redraws.push(() => this.heat.redraw());
  }

  /** Once the map knows its tools: what was switched off the last time is off again. */
  start() {
    this.owner.switchOff(this.layers.off);
  }

  addPoints(groups) {
    this.layers.addPoints(groups);
  }

  /** Says what the layers hide, and which incidents no marker can show. */
  say(hidden, away) {
    this.notice.show(hidden);
    this.unplaced.show(away);
  }

  /** Escape: ends a drawing. Answers whether there was one. */
  back() {
    return this.draw.start(null);
  }

  #view() {
    const { lat, lng } = this.owner.map.getCenter();
    return { lat: Number(lat.toFixed(6)), lon: Number(lng.toFixed(6)), zoom: this.owner.map.getZoom(), off: [...this.layers.off] };
  }

  #look({ lat, lon, zoom, off }) {
    this.layers.set(off ?? []);
    this.owner.map.setView([lat, lon], zoom, { animate: false });
  }

  #go(found) {
    const { kind, lat, lon, bounds, number, id, name, detail } = found;
    if (kind === "incident") return this.owner.incidents.onOpen(number);
    if (bounds) return this.owner.lookAtBox(bounds);
    this.owner.lookAt(lat, lon);
    this.owner.asker.answer({ lat, lon });
    const card = h("div", { class: "pop" }, h("h3", {}, kind === "position" ? t("Coordinates") : named(name)), h("p", {}, kind === "position" ? named(name) : detail), kind === "camera" ? wallButton([{ id }]) : null);
    L.popup({ offset: [0, -2] }).setLatLng([lat, lon]).setContent(card).openOn(this.owner.map);
  }
}
