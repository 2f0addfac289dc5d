/** The map: Leaflet put together from its layers. The rest of the page knows only this class. */
import * as L from "leaflet";
import { named, t } from "../i18n.js";
import { AreaLayer } from "./areas.js";
import { PlaceAsker } from "./asking.js";
import { addBase } from "./base.js";
import { pane } from "./canvas.js";
import { EdgeMarks } from "./edges.js";
import { beyond, visibleOnMap } from "./filter.js";
import { addHover } from "./hover.js";
import { IncidentLayer } from "./incidents.js";
import { JoinedLayer } from "./joined.js";
import { NEAR_METRES, NearLayer } from "./near.js";
import { PointsLayer } from "./points.js";
import { addTiles } from "./tiles.js";
import { MapTools } from "./tools.js";
import { UnitLayer } from "./units.js";

const LOOKS = {
  cameras: { mark: "round", fill: "--camera-fill", line: "--camera-line", dot: "--camera", text: "--camera-text" },
  devices: { mark: "square", fill: "--panel", line: "--device", dot: "--device", text: "--device", from: 14 },
};
// Leaflet then moves things by translate() instead of translate3d(), which would make every marker a layer of its own to
// be put together in every frame; what the browser is to move as one has `will-change` in map.css.
L.Browser.ie3d = true;
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
    L.control.scale({ imperial: false, updateWhenIdle: true, position: "bottomleft" }).addTo(this.map);
    this.attribution = L.control.attribution({ prefix: false, position: "bottomright" }).addTo(this.map);
    const lines = pane(this.map, "lines", 440);
    this.areas = new AreaLayer(this.map, { pane: pane(this.map, "areas", 435) });
    this.near = new NearLayer(this.map, { pane: pane(this.map, "near", 590), linePane: lines });
    const fencesAt = (lat, lon) => this.tools?.fences.namesAt(lat, lon) ?? [];
    this.incidents = new IncidentLayer(this.map, { pane: pane(this.map, "incidents", 610, { clicks: true }), onOpen, now, fencesAt });
    this.units = new UnitLayer(this.map, { pane: pane(this.map, "units", 630), linePane: lines, now });
    this.edges = new EdgeMarks(this.map, { onOpen });
    this.joined = new JoinedLayer(this.map, { pane: lines });
    this.asker = new PlaceAsker(this.map, { pane: pane(this.map, "asked", 640) });
    this.redraws = [() => this.incidents.repaint()];
    this.off = new Set();
    this.last = [new Map(), null];
    this.tiles = options.tiles;
    if (this.tiles?.attribution) this.attribution.addAttribution(escaped(this.tiles.attribution));
    // In flight, what is drawn for one zoom would only be blown up: it fades and comes back sharp.
    this.map.on("zoomstart", () => element.classList.add("zooming"));
    this.map.on("zoomend", () => element.classList.remove("zooming"));
    const showDistance = () => element.classList.toggle("far", this.map.getZoom() < FAR_ZOOM);
    this.map.on("zoomend", showDistance);
    showDistance();
    new ResizeObserver(() => { toWholePixels(element); this.map.invalidateSize({ pan: false }); }).observe(element.parentElement);
  }

  /** Draws the base map and looks at the whole of it. */
  setBase(collection, attribution) {
    this.home = addBase(this.map, collection);
    this.attribution.addAttribution(attribution);
    this.map.setMaxBounds(this.home.pad(0.6));
    this.map.fitBounds(this.home, { animate: false, padding: [12, 12] });
  }

  /** Where the map looks when nothing else is known: `[south, west, north, east]`. */
  setHome([south, west, north, east]) {
    this.city = [south, west, north, east];
    this.home = L.latLngBounds([south, west], [north, east]);
    this.map.fitBounds(this.home, { animate: false });
  }

  /** The tiles the settings choose, under everything. Rejects where they cannot be had. */
  async loadTiles() {
    if (!this.tiles) return;
    this.redraws.push(await addTiles(this.map, this.tiles, pane(this.map, "tiles", 190)));
  }

  /** What an operator works the map with: layers, search, drawing, views. `place`: for the layers card; `stage`: around the map. */
  addTools({ place, stage, may }) {
    this.tools = new MapTools(this, { place, stage, may, pane });
    this.tools.start();
  }

  /** Draws cameras and devices. Resolves once they are known, refuses with the reason. */
  loadPoints() {
    return new Promise((resolve, reject) => {
      this.points = new PointsLayer({
        looks: LOOKS, scripts: this.scripts, pane: pane(this.map, "cameras", 430),
        onFailed: (reason) => reject(new Error(reason)), onReady: (known) => { this.#pointsReady(known); resolve(); },
      });
      this.points.filter(this.off);
      this.points.addTo(this.map);
      this.redraws.push(() => this.points.draw());
    });
  }

  #pointsReady({ purposes, kinds, layers, counts }) {
    const names = { cameras: purposes, devices: kinds };
    addHover(this.map, { points: this.points, groupOf: (set, index) => named(names[set][index]), busy: () => this.asker.asking || Boolean(this.tools?.draw.busy) });
    this.tools?.addPoints([
      { name: t("Cameras by purpose"), items: byName(purposes.map((name, i) => ({ id: layers.cameras[i], name, count: counts.cameras[i] ?? 0 }))) },
      { name: t("Devices (from district scale)"), items: kinds.map((kind, i) => ({ id: layers.devices[i], name: kind, count: counts.devices[i] })) },
    ]);
  }

  /** Switches layers off: a set of their ids. */
  switchOff(off) {
    const points = (set) => [...set].filter((id) => /^(purpose|kind):/.test(id)).sort().join();
    const changed = points(off) !== points(this.off);
    this.off = new Set(off);
    if (changed) this.points?.filter(this.off);
    this.tools?.fences.show(!this.off.has("geofences"));
    this.show(...this.last);
  }

  /** Whether somebody is dragging the map right now. */
  get moving() {
    return this.map.dragging.moving();
  }

  /** Shows these incidents (a Map by number) and their units; `chosen` is the open one's number. */
  show(incidents, chosen) {
    this.last = [incidents, chosen];
    const { shown, hidden } = visibleOnMap(incidents, this.off, chosen);
    this.incidents.show(shown, chosen);
    this.areas.show(this.off.has("areas") ? new Map() : shown, chosen);
    this.units.show(this.off.has("units") ? new Map() : shown);
    this.edges.show(shown);
    this.tools?.say(hidden, beyond(shown, this.city));
  }

  /** What is not an incident goes to the time shown, too: milliseconds of history, or null for the present. */
  travel(at) {
    this.tools?.heat.travel(at == null ? null : new Date(at).toISOString());
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
    this.#reach(bounds);
    this.map.flyToBounds(bounds, { animate: this.animate, duration: 0.55, padding: [60, 60], maxZoom: 18 });
  }

  /** The map is kept near the city, but whatever lies outside can be looked at. */
  #reach(bounds) {
    const { maxBounds } = this.map.options;
    if (maxBounds && !maxBounds.contains(bounds)) this.map.setMaxBounds(maxBounds.extend(bounds.pad(1)));
  }

  /** Looks at a box: `[south, west, north, east]`. */
  lookAtBox([south, west, north, east]) {
    this.map.flyToBounds([[south, west], [north, east]], { animate: this.animate, duration: 0.5, padding: [40, 40], maxZoom: 16 });
  }

  /** Looks closer at one place, such as a camera. */
  lookAt(lat, lon) {
    this.#reach(L.latLng(lat, lon).toBounds(NEAR_METRES));
    this.map.flyTo([lat, lon], Math.max(this.map.getZoom(), 17), { animate: this.animate, duration: 0.4 });
  }

  /** The whole municipality. */
  goHome() {
    this.map.flyToBounds(this.home, { animate: this.animate, duration: 0.5, padding: [12, 12] });
  }

  /** Paints again what does not follow a change of theme by itself. */
  repaint() {
    this.redraws.forEach((redraw) => redraw());
  }
}

/**
 * Lays an element over its parent, from whole pixel to whole pixel. The columns of the page end between pixels; there every
 * picture of the map would be blended from its neighbours in every frame, which costs time and makes it soft, and Leaflet
 * would take the rounding for a scale.
 */
function toWholePixels(element) {
  const { left, top, right, bottom } = element.parentElement.getBoundingClientRect();
  const [x, y] = [Math.ceil(left), Math.ceil(top)];
  Object.assign(element.style, { left: `${x - left}px`, top: `${y - top}px`, width: `${Math.floor(right) - x}px`, height: `${Math.floor(bottom) - y}px` });
}

/** Purposes that registries write differently and that are called the same are one line. */
function byName(items) {
  const found = new Map();
  for (const item of items) found.set(item.id, { ...item, count: item.count + (found.get(item.id)?.count ?? 0) });
  return [...found.values()];
}

/** Leaflet writes attributions as markup; a setting is words. */
function escaped(words) {
  const element = document.createElement("i");
  element.textContent = words;
  return element.innerHTML;
}
