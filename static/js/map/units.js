/** Agency units on their way: a label with the ETA, gliding between reported places, and a line to the incident. */
import * as L from "leaflet";
import { h, text } from "../dom.js";
import { etaLeft } from "../eta.js";
import { counter } from "../format.js";
import { t } from "../i18n.js";

const MOVING = new Set(["dispatched", "arrived"]);
const SHORT = { police112: "112", fire119: "119" };
const LONGEST_GLIDE_MS = 4000;
/** Reported places kept of each unit's way. */
const TRAIL_POINTS = 60;

export class UnitLayer {
  /** `now()`: server time, from which ETAs count down. */
  constructor(map, { pane, linePane, now }) {
    Object.assign(this, { map, pane, linePane, now });
    this.units = new Map();
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
  }

  /** Shows the units of these incidents' relays. */
  show(incidents) {
    const wanted = new Map();
    for (const incident of incidents.values()) {
      for (const relay of incident.relays ?? []) {
        if (MOVING.has(relay.state) && relay.lat != null) wanted.set(relay.id, { relay, incident });
      }
    }
    for (const [id, unit] of this.units) if (!wanted.has(id)) this.#remove(id, unit);
    for (const [id, { relay, incident }] of wanted) this.#update(id, relay, incident);
  }

  /** Counts the ETAs down; called every second. */
  tick() {
    for (const unit of this.units.values()) text(unit.eta, etaOf(unit.relay, this.now()));
  }

  #update(id, relay, incident) {
    const unit = this.units.get(id) ?? this.#add(id, relay, incident);
    const moved = unit.target[0] !== relay.lat || unit.target[1] !== relay.lon;
    Object.assign(unit, { relay, incident });
    unit.marker.getElement().classList.toggle("arrived", relay.state === "arrived");
    text(unit.eta, etaOf(relay, this.now()));
    if (moved) this.#glide(unit, [relay.lat, relay.lon]);
  }

  #add(id, relay, incident) {
    const eta = h("span");
    const body = h("div", {}, h("i", {}, SHORT[relay.agency] ?? relay.agency), h("b", {}, relay.unit ?? ""), eta);
    const at = [relay.lat, relay.lon];
    const line = L.polyline([at, [incident.lat ?? at[0], incident.lon ?? at[1]]], { pane: this.linePane, className: "unit-line", interactive: false }).addTo(this.map);
    const trail = L.polyline([at], { pane: this.linePane, className: "unit-trail", interactive: false }).addTo(this.map);
    const marker = L.marker(at, { pane: this.pane, interactive: false, keyboard: false, icon: L.divIcon({ className: "unit", iconSize: null, html: body }) }).addTo(this.map);
    const unit = { marker, line, trail, way: [at], eta, relay, incident, target: at, place: at, since: performance.now(), glide: null };
    marker.getElement().dataset.relay = id;
    this.units.set(id, unit);
    return unit;
  }

  #remove(id, unit) {
    unit.marker.remove();
    unit.line.remove();
    unit.trail.remove();
    this.units.delete(id);
  }

  /** Moves in the time that lay between the last two reports, so that the motion never stops and starts. */
  #glide(unit, target) {
    const now = performance.now();
    unit.glide = { from: unit.place, start: now, length: Math.min(LONGEST_GLIDE_MS, now - unit.since) };
    Object.assign(unit, { target, since: now });
    unit.way = [...unit.way, target].slice(-TRAIL_POINTS);
    if (this.still.matches) unit.glide.length = 0;
    if (!this.running) this.running = requestAnimationFrame(() => this.#frame());
  }

  #frame() {
    this.running = null;
    const now = performance.now();
    let moving = false;
    for (const unit of this.units.values()) {
      if (!unit.glide) continue;
      const part = unit.glide.length ? Math.min(1, (now - unit.glide.start) / unit.glide.length) : 1;
      unit.place = unit.target.map((end, i) => unit.glide.from[i] + (end - unit.glide.from[i]) * part);
      unit.marker.setLatLng(unit.place);
      unit.trail.setLatLngs([...unit.way.slice(0, -1), unit.place]);
      if (unit.incident.lat != null) unit.line.setLatLngs([unit.place, [unit.incident.lat, unit.incident.lon]]);
      if (part < 1) moving = true;
      else unit.glide = null;
    }
    if (moving) this.running = requestAnimationFrame(() => this.#frame());
  }
}

/** "1:20" left by the last report, or "arrived". */
function etaOf(relay, now) {
  if (relay.state === "arrived") return t("arrived");
  const left = etaLeft(relay, now);
  return left == null ? "" : counter(left);
}
