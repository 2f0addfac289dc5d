/** The map: Leaflet put together from its layers. The rest of the page knows only this class. */
import * as L from "leaflet";
import { named, t } from "../i18n.js";
import { AreaLayer } from "./areas.js";
import { PlaceAsker } from "./asking.js";
import { addBase } from "./base.js";
import { pane } from "./canvas.js";
import { EdgeMarks } from "./edges.js";
import { addHover } from "./hover.js";
import { IncidentLayer } from "./incidents.js";
import { JoinedLayer } from "./joined.js";
import { addLayersCard } from "./layers.js";
import { NEAR_METRES, NearLayer } from "./near.js";
import { PointsLayer } from "./points.js";
import { UnitLayer } from "./units.js";

const LOOKS = {
  cameras: { mark: "round", fill: "--camera-fill", line: "--camera-line", dot: "--camera", text: "--camera-text" },
  devices: { mark: "square", fill: "--panel", line: "--device", dot: "--device", text: "--device", from: 14 },
};
/** Below this zoom labels are short. */
const FAR_ZOOM = 13;

export class OperatorMap {
  /** `onOpen(number)` when an incident is clicked; `now()` server time; `scripts` for the point workers; `options` Leaflet's. */
  constructor(element, { onOpen, now, scripts, options }) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.animate = !still;
    this.scripts = scripts;
    this.map = L.map(element, {
      ...options, zoomControl: false, attributionControl: false, zoomSnap: 0.5, wheelPxPerZoomLevel: 90,
      fadeAnimation: false, zoomAnimation: !still,
    });
    L.control.zoom({ position: "topleft", zoomInTitle: t("Zoom in"), zoomOutTitle: t("Zoom out") }).addTo(this.map);
    L.control.scale({ imperial: false, position: "bottomleft" }).addTo(this.map);
    this.attribution = L.control.attribution({ prefix: false, position: "bottomright" }).addTo(this.map);
    const lines = pane(this.map, "lines", 440);
    this.areas = new AreaLayer(this.map, { pane: pane(this.map, "areas", 435) });
    this.near = new NearLayer(this.map, { pane: pane(this.map, "near", 590), linePane: lines });
    this.incidents = new IncidentLayer(this.map, { pane: pane(this.map, "incidents", 610, { clicks: true }), onOpen, now });
    this.units = new UnitLayer(this.map, { pane: pane(this.map, "units", 630), linePane: lines, now });
    this.edges = new EdgeMarks(this.map, { onOpen });
    this.joined = new JoinedLayer(this.map, { pane: lines });
    this.asker = new PlaceAsker(this.map, { pane: pane(this.map, "asked", 640) });
    this.redraws = [];
    // In flight, what is drawn for one zoom would only be blown up: it fades and comes back sharp.
    this.map.on("zoomstart", () => element.classList.add("zooming"));
    this.map.on("zoomend", () => element.classList.remove("zooming"));
    const showDistance = () => element.classList.toggle("far", this.map.getZoom() < FAR_ZOOM);
    this.map.on("zoomend", showDistance);
    showDistance();
    new ResizeObserver(() => this.map.invalidateSize({ pan: false })).observe(element);
  }

  /** Draws the base map and looks at the whole of it. */
  setBase(collection, attribution) {
    const base = addBase(this.map, collection);
    this.redraws.push(base.redraw);
    this.attribution.addAttribution(attribution);
    this.home = base.bounds;
    this.map.setMaxBounds(base.bounds.pad(0.6));
    this.map.fitBounds(base.bounds, { animate: false, padding: [12, 12] });
  }

  /** Where the map looks when nothing else is known: `[south, west, north, east]`. */
  setHome([south, west, north, east]) {
    this.home = L.latLngBounds([south, west], [north, east]);
    this.map.fitBounds(this.home, { animate: false });
  }

  /** Draws cameras and devices, with the layers card in `place`. Resolves once they are known, refuses with the reason. */
  loadPoints(place) {
    return new Promise((resolve, reject) => {
      this.points = new PointsLayer({
        looks: LOOKS, scripts: this.scripts, pane: pane(this.map, "cameras", 430),
        onFailed: (reason) => reject(new Error(reason)), onReady: (known) => { this.#pointsReady(known, place); resolve(); },
      }).addTo(this.map);
      this.redraws.push(() => this.points.draw());
    });
  }

  #pointsReady({ purposes, kinds, counts }, place) {
    const names = { cameras: purposes, devices: kinds };
    addHover(this.map, { points: this.points, groupOf: (set, index) => named(names[set][index]), busy: () => this.asker.asking });
    const groups = [
      { name: t("Cameras by purpose"), items: purposes.map((name, i) => ({ id: `purpose:${name.ko}`, name, count: counts.cameras[i] })) },
      { name: t("Devices (from district scale)"), items: kinds.map((kind, i) => ({ id: `kind:${kind.slug}`, name: kind, count: counts.devices[i] })) },
    ];
    const switchedOff = (list, id) => list.flatMap((one, i) => (id(one) ? [i] : []));
    this.toggleLayers = addLayersCard(place, groups, (off) => this.points.filter({
      cameras: switchedOff(purposes, ({ ko }) => off.has(`purpose:${ko}`)), devices: switchedOff(kinds, ({ slug }) => off.has(`kind:${slug}`)),
    }));
  }

  /** Shows these incidents (a Map by number) and their units; `chosen` is the open one's number. */
  show(incidents, chosen) {
    this.incidents.show(incidents, chosen);
    this.areas.show(incidents, chosen);
    this.units.show(incidents);
    this.edges.show(incidents);
  }

  /** The open incident's surroundings; `cameras` may still be empty. */
  showNear(incident, cameras) {
    this.near.show(incident, cameras);
  }

  /** Where the open incident's events were, with lines to it. */
  showJoined(incident, events) {
    this.joined.show(incident, events);
  }

  /** Lights the mark of one event up, or none. */
  lookAtJoined(id) {
    this.joined.look(id);
  }

  /** Has `onPlace({lat, lon})` called for clicks on the ground, or with null no longer. */
  askPlace(onPlace) {
    this.asker.ask(onPlace);
  }

  /** Marks the place that is asked about, or none. */
  markPlace(place) {
    this.asker.mark(place);
  }

  /** Looks at an incident so that its 500 m circle fills the view. Nothing to do where it has no place. */
  focus(incident) {
    if (incident?.lat == null) return;
    const bounds = L.latLng(incident.lat, incident.lon).toBounds(NEAR_METRES * 2);
    // The map is held to its city; what lies outside must be seen all the same.
    if (this.home) this.map.setMaxBounds(this.home.contains(bounds) ? this.home.pad(0.6) : null);
    this.map.flyToBounds(bounds, { animate: this.animate, duration: 0.55, padding: [60, 60], maxZoom: 18 });
  }

  /** Looks closer at one place, such as a camera. */
  lookAt(lat, lon) {
    this.map.flyTo([lat, lon], Math.max(this.map.getZoom(), 17), { animate: this.animate, duration: 0.4 });
  }

  /** The whole municipality. */
  goHome() {
    this.map.flyToBounds(this.home, { animate: this.animate, duration: 0.5, padding: [12, 12] });
  }

  /** Paints the canvases again, as after a change of theme. */
  repaint() {
    this.redraws.forEach((redraw) => redraw());
  }
}
