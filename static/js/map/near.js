/** The five nearest cameras of the open incident: numbers, leader lines and the 500 m circle. */
import * as L from "leaflet";
import { unit } from "./canvas.js";
import { spread } from "./spread.js";

export const NEAR_METRES = 500;
const APART_PX = 24;
const CLEAR_PX = 36;

export class NearLayer {
  constructor(map, { pane, linePane }) {
    Object.assign(this, { map, pane, linePane });
    this.group = L.layerGroup().addTo(map);
    this.pins = [];
    map.on("zoomend", () => this.#arrange());
  }

  /** Draws around `at` ({lat, lon} or null) the circle and the numbered cameras. */
  show(at, cameras) {
    this.group.clearLayers();
    this.pins = [];
    if (at?.lat == null) return;
    this.centre = L.latLng(at.lat, at.lon);
    L.circle(this.centre, { radius: NEAR_METRES, pane: this.linePane, className: "near-circle", interactive: false }).addTo(this.group);
    cameras.forEach((camera, i) => this.#pin(camera, i + 1));
    this.#arrange();
  }

  /** Lights one number up (1–5), or none. */
  look(number) {
    this.pins.forEach(({ marker }, i) => marker.getElement()?.classList.toggle("looked", i + 1 === number));
  }

  #pin(camera, number) {
    const place = L.latLng(camera.lat, camera.lon);
    const line = L.polyline([this.centre, place], { pane: this.linePane, className: "near-line", interactive: false }).addTo(this.group);
    const body = document.createElement("span");
    body.textContent = String(number);
    const icon = L.divIcon({ className: "near-pin", iconSize: null, html: body });
    const marker = L.marker(place, { pane: this.pane, icon, interactive: false, keyboard: false }).addTo(this.group);
    this.pins.push({ place, line, marker });
  }

  /** Numbers that would hide each other or the incident step aside; their lines still end at the camera. */
  #arrange() {
    if (!this.pins.length) return;
    const origin = this.map.latLngToLayerPoint(this.centre);
    const points = this.pins.map(({ place }) => this.map.latLngToLayerPoint(place).subtract(origin));
    spread(points, { apart: APART_PX * unit(), clear: CLEAR_PX * unit() }).forEach((point, i) => {
      const { place, line, marker } = this.pins[i];
      const label = this.map.layerPointToLatLng(origin.add([point.x, point.y]));
      marker.setLatLng(label);
      line.setLatLngs([this.centre, label, place]);
    });
  }
}
