/** Incidents as markers: shape by grade, solid while unseen; close ones together under a count. */
import * as L from "leaflet";
import { arrange, h, shape, text } from "../dom.js";
import { counter, span } from "../format.js";
import { GRADES, gradeName, shapeId, statusName, unseen } from "../grades.js";
import { named, t, tn } from "../i18n.js";
import { paced } from "../pace.js";
import { unit } from "./canvas.js";
import { groupNear, oldest } from "./grouping.js";
import { forgetPictures, pictureOf } from "./pictures.js";

const GROUP_PX = 44;
const SINGLE_FROM_ZOOM = 17;
/** Markers stand this far beyond the view, as a share of it; they are laid out anew when less than the second is left. */
const BEYOND = 0.5;
const SPARE = 0.1;
const FRESH_MS = 4000;
/** With more critical ones in sight than this, none pulses. */
const PULSES_AT_MOST = 8;
const LABEL_PX = { wide: 150, high: 26 };

export class IncidentLayer {
  /** `onOpen(number)`: an incident was clicked. `now()`: server time. */
  constructor(map, { pane, onOpen, now, fencesAt = () => [] }) {
    Object.assign(this, { map, pane, onOpen, now, fencesAt });
    this.markers = new Map();
    this.incidents = new Map();
    this.fresh = new Map();
    this.chosen = null;
    this.popup = null;
    this.layoutSoon = paced(() => this.#layout());
    map.on("zoomend moveend", () => this.#settled() || this.#layout());
    map.on("popupclose", ({ popup }) => { if (popup === this.popup?.box) this.popup = null; });
  }

  /** Shows exactly these incidents; `chosen` is the open one's number. */
  show(incidents, chosen) {
    this.incidents = incidents;
    this.chosen = chosen;
    this.#layout();
  }

  /** Marks one as new for a few seconds. */
  mark(number) {
    this.fresh.set(number, Date.now() + FRESH_MS);
    setTimeout(() => { this.fresh.delete(number); this.layoutSoon(); }, FRESH_MS + 50);
  }

  /** Where a number is drawn now, or null. */
  latLng(number) {
    const incident = this.incidents.get(number);
    return incident?.lat == null ? null : L.latLng(incident.lat, incident.lon);
  }

  /** Whether what was laid out last still covers the view. */
  #settled() {
    return this.laid?.zoom === this.map.getZoom() && this.laid.near.contains(this.map.getBounds().pad(SPARE));
  }

  #layout() {
    // A marker for whatever is out of sight would cost as much as one in sight.
    const near = this.map.getBounds().pad(BEYOND);
    this.laid = { near, zoom: this.map.getZoom() };
    const placed = [...this.incidents.values()].filter((incident) => incident.lat != null && near.contains([incident.lat, incident.lon]));
    const zoom = this.map.getZoom();
    const items = placed.map((incident) => ({ incident, ...this.map.project([incident.lat, incident.lon], zoom) }));
    const alone = (item) => item.incident.number === this.chosen;
    const groups = groupNear(items, zoom >= SINGLE_FROM_ZOOM ? 0 : GROUP_PX * unit(), alone).map((group) => group.map((item) => item.incident));
    const wanted = new Map(groups.map((group) => [keyOf(group), group]));
    for (const [key, marker] of this.markers) if (!wanted.has(key)) { marker.remove(); this.markers.delete(key); }
    this.labelled = [];
    for (const [key, group] of wanted) this.#place(key, group);
    const calling = groups.filter(([first]) => first.grade === "G1" && unseen(first)).length;
    this.map.getContainer().classList.toggle("crowded", calling > PULSES_AT_MOST);
    this.#refreshPopup(wanted);
  }

  #place(key, group) {
    const [first] = group;
    const at = [mean(group, "lat"), mean(group, "lon")];
    const label = this.#wantsLabel(first, at);
    const look = this.#look(group, label);
    let marker = this.markers.get(key);
    if (!marker) {
      marker = L.marker(at, { pane: this.pane, keyboard: true, riseOnHover: true, icon: L.divIcon({ className: "pin", iconSize: null, html: "" }) });
      marker.on("click", () => this.#clicked(key));
      marker.addTo(this.map);
      this.markers.set(key, marker);
    } else if (!marker.getLatLng().equals(at)) marker.setLatLng(at);
    marker.group = group;
    const height = 1000 - 150 * GRADES.indexOf(first.grade) + (unseen(first) ? 500 : 0) + (first.number === this.chosen ? 3000 : 0);
    if (marker.options.zIndexOffset !== height) marker.setZIndexOffset(height); // it moves the marker, too
    if (marker.look === look) return;
    marker.look = look;
    this.#dress(marker.getElement(), group, label);
  }

  /** The open incident is always named; unseen critical ones where their names have room, the heaviest first. */
  #wantsLabel(incident, at) {
    if (incident.number === this.chosen) return true;
    if (incident.grade !== "G1" || !unseen(incident)) return false;
    const { x, y } = this.map.latLngToLayerPoint(at);
    const free = this.labelled.every((other) => Math.abs(other.x - x) > LABEL_PX.wide * unit() || Math.abs(other.y - y) > LABEL_PX.high * unit());
    if (free) this.labelled.push({ x, y });
    return free;
  }

  #look(group, label) {
    const [first] = group;
    return [shapeId(first), label, group.length, this.chosen === first.number, group.some(({ number }) => this.fresh.has(number)), named(first.title), first.status, oldest(group)].join();
  }

  #dress(element, group, withLabel) {
    const [first] = group;
    const chosen = first.number === this.chosen;
    const fresh = group.some(({ number }) => this.fresh.has(number));
    const waits = unseen(first);
    element.classList.remove("G1", "G2", "G3", "G4", "G5", "held", "calls", "fresh", "chosen");
    element.classList.add(first.grade, ...(waits ? [] : ["held"]), ...(waits && first.grade < "G3" ? ["calls"] : []), ...(fresh ? ["fresh"] : []), ...(chosen ? ["chosen"] : []));
    const label = withLabel ? h("span", { class: "pin-label", "aria-hidden": "true" }, `${named(first.title)} · ${first.place || ""}`.replace(/ · $/, "")) : null;
    const count = group.length > 1 ? h("span", { class: "pin-count", "aria-hidden": "true" }, String(group.length)) : null;
    const age = group.length > 1 ? h("span", { class: "pin-age", "aria-hidden": "true" }, counter(this.now() - oldest(group))) : null;
    const picture = h("i", { class: "pin-shape", dataset: { shape: shapeId(first) } });
    picture.style.backgroundImage = pictureOf(shapeId(first), first.grade);
    element.replaceChildren(h("div", { class: "pin-body" }, picture, count, age), label ?? "");
    element.dataset.number = first.number;
    // The age counts on: it is put in words when somebody looks.
    const name = () => nameOf(group, this.now(), this.fencesAt(first.lat, first.lon));
    element.setAttribute("aria-label", name());
    element.title = label ? "" : name();
    element.onpointerenter = element.onfocus = () => { element.setAttribute("aria-label", name()); element.title = label ? "" : name(); };
  }

  /** After a change of theme: pictures do not follow it by themselves. */
  repaint() {
    forgetPictures();
    for (const marker of this.markers.values()) marker.look = null;
    this.#layout();
  }

  /** Counts the ages under groups on; called every second. */
  tick() {
    for (const marker of this.markers.values()) {
      const age = marker.group.length > 1 && marker.getElement().querySelector(".pin-age");
      if (age) text(age, counter(this.now() - oldest(marker.group)));
    }
  }

  async #clicked(key) {
    const group = this.markers.get(key)?.group;
    if (!group) return;
    if (group.length === 1) return this.onOpen(group[0].number);
    this.#openPopup(group);
  }

  #openPopup(group) {
    const list = h("ol");
    const title = h("h3");
    const box = L.popup({ autoPan: false, offset: [0, -12] }).setLatLng([mean(group, "lat"), mean(group, "lon")]);
    box.setContent(h("div", { class: "pop" }, title, list)).openOn(this.map);
    this.popup = { box, list, title, numbers: new Set(group.map(({ number }) => number)), rows: new Map() };
    this.#refreshPopup();
  }

  /** An open list lives on through every update; incidents that ended drop out of it. */
  #refreshPopup() {
    if (!this.popup) return;
    const { list, title, numbers, rows } = this.popup;
    const group = [...numbers].map((number) => this.incidents.get(number)).filter(Boolean).sort(byWeight);
    title.textContent = [tn("%(count)s incident here", "%(count)s incidents here", group.length), group.length ? ageOf(group, this.now()) : ""].filter(Boolean).join(" · ");
    arrange(list, group.map((incident) => {
      if (!rows.has(incident.number)) rows.set(incident.number, h("li"));
      const age = counter(this.now() - new Date(incident.received_at).getTime());
      const button = h("button", { type: "button", onclick: () => this.onOpen(incident.number) },
        shape(shapeId(incident), incident.grade), h("span", {}, `${named(incident.title)} · ${statusName(incident.status)}`), h("time", {}, age));
      rows.get(incident.number).replaceChildren(button);
      return rows.get(incident.number);
    }));
  }
}

const mean = (group, key) => group.reduce((sum, incident) => sum + incident[key], 0) / group.length;
const keyOf = (group) => group.map(({ number }) => number).sort().join(" ");

function byWeight(a, b) {
  return unseen(b) - unseen(a) || GRADES.indexOf(a.grade) - GRADES.indexOf(b.grade) || (a.number < b.number ? 1 : -1);
}

function nameOf(group, now, fences) {
  const [first] = group;
  const one = `${gradeName(first.grade)} · ${named(first.title)} · ${first.place || ""} · ${statusName(first.status)}`;
  const inside = fences.length ? ` · ${t("geofence %(names)s", { names: fences.join(", ") })}` : "";
  if (group.length === 1) return one + inside;
  return `${tn("%(count)s incident here", "%(count)s incidents here", group.length)}; ${t("worst")}: ${one}${inside}; ${ageOf(group, now)}`;
}

/** "oldest 4 min 10 s" */
function ageOf(group, now) {
  return t("oldest %(time)s", { time: span(now - oldest(group)) });
}
