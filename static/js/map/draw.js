/** Drawing on the map: measure a way, a circle or a polygon, and the cameras inside. Escape ends it, Backspace takes a corner back. */
import * as L from "leaflet";
import { get } from "../api.js";
import { cap, h, icon } from "../dom.js";
import { distance } from "../format.js";
import { t, tn } from "../i18n.js";
import { refused } from "../perform.js";
import { crossesItself, metres, pathMetres, polygonOf, ringSquareMetres } from "./geometry.js";
import { wallButton } from "./hover.js";

const LISTED = 100;
const RADIUS_METRES_AT_MOST = 20000;
const CORNERS_AT_MOST = 100;

/** An area in words: square metres below a hectare, then square kilometres. */
export function areaText(squareMetres) {
  return squareMetres < 10000 ? `${Math.round(squareMetres).toLocaleString()} m²` : `${(squareMetres / 1e6).toFixed(2)} km²`;
}

/** The query of `GET cameras` for a finished shape `{kind, points}`. */
export function queryOf({ kind, points }) {
  if (kind === "circle") return { circle: `${points[0].lat},${points[0].lon},${Math.max(1, metres(points[0], points[1])).toFixed(1)}` };
  return { polygon: points.map(({ lat, lon }) => `${lat.toFixed(6)},${lon.toFixed(6)}`).join(" ") };
}

export class DrawTools {
  /** `place`: for the buttons and the card. `onLook(camera)`: a camera of the list was chosen. `onFence(polygon)` or null where one may not. */
  constructor(map, { pane, place, onLook, onFence }) {
    Object.assign(this, { map, pane, onLook, onFence, kind: null, points: [], done: false });
    this.group = L.layerGroup().addTo(map);
    this.card = h("div", { class: "draw-card", role: "status", hidden: true });
    const kinds = [["measure", "ruler", t("Measure a distance")], ["circle", "circle-dot", t("Circle: cameras inside")], ["polygon", "pentagon", t("Polygon: cameras inside")]];
    this.buttons = new Map(kinds.map(([kind, image, name]) => [kind, h("button", { type: "button", class: "map-button square", title: name, "aria-label": name, "aria-pressed": "false", dataset: { draw: kind }, onclick: () => this.start(this.kind === kind ? null : kind) }, icon(image))]));
    place.append(h("div", { class: "draw-tools", role: "group", "aria-label": t("Draw") }, [...this.buttons.values()]), this.card);
    map.on("click", ({ latlng }) => this.#click(latlng));
    map.on("dblclick", () => this.kind && this.#finish());
    map.getContainer().addEventListener("keydown", (event) => this.#key(event));
  }

  /** Whether the pointer draws now. */
  get busy() {
    return Boolean(this.kind) && !this.done;
  }

  /** Begins with `kind`, or with null ends and clears. Answers whether there was anything to end. */
  start(kind) {
    const was = Boolean(this.kind);
    Object.assign(this, { kind, points: [], done: false, pointer: null });
    for (const [one, button] of this.buttons) button.setAttribute("aria-pressed", String(one === kind));
    this.map.getContainer().classList.toggle("drawing", Boolean(kind));
    this.map.doubleClickZoom[kind ? "disable" : "enable"]();
    this.map.off("mousemove", this.#move); // heard only while something is drawn: every move costs a measurement of the page
    if (kind) this.map.on("mousemove", this.#move);
    this.#draw();
    this.card.hidden = !kind;
    if (kind) {
      this.#say(kind === "circle" ? t("Click the middle, then the rim.") : t("Click the corners; a double click or Enter ends."));
      this.map.getContainer().focus();
    }
    return was;
  }

  #click({ lat, lng }) {
    if (!this.busy) return;
    const last = this.points.at(-1);
    if (last && metres(last, { lat, lon: lng }) < 0.5) return;
    this.points.push({ lat, lon: lng });
    this.pointer = null;
    if ((this.kind === "circle" && this.points.length === 2) || this.points.length === CORNERS_AT_MOST) return this.#finish();
    this.#draw();
  }

  #move = ({ latlng }) => {
    if (!this.busy || !this.points.length) return;
    this.pointer = { lat: latlng.lat, lon: latlng.lng };
    this.#draw();
  };

  /** With keys alone the middle of the map is the pointer: Space or Enter there, Enter again ends. */
  #key(event) {
    if (!this.busy) return;
    if (event.code === "Enter" && this.points.length >= (this.kind === "polygon" ? 3 : 2)) this.#finish();
    else if (event.code === "Enter" || event.code === "Space") this.#click(this.map.getCenter());
    else if (event.code === "Backspace" && this.points.pop()) this.#draw();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  async #finish() {
    if (!this.busy || this.points.length < (this.kind === "polygon" ? 3 : 2)) return;
    this.pointer = null;
    this.done = true;
    this.map.getContainer().classList.remove("drawing");
    this.#draw();
    if (this.kind === "measure") return this.#say(this.#figure());
    if (this.kind === "polygon" && crossesItself(this.points)) return this.#say(t("The outline crosses itself; draw it anew."));
    if (this.kind === "circle" && metres(...this.points) > RADIUS_METRES_AT_MOST) return this.#say(t("At most 20 km; draw it anew."));
    const shape = { kind: this.kind, points: this.points };
    this.#say(t("Looking for cameras…"));
    const answer = await get("cameras", { ...queryOf(shape), page_size: LISTED }).catch((error) => { refused(error); return null; });
    if (shape.points !== this.points) return;
    if (!answer) return this.start(null);
    this.#list(answer);
  }

  #list({ cameras, count }) {
    this.inside = cameras;
    const rows = cameras.map((camera) => h("li", {}, h("button", { type: "button", onclick: () => this.onLook(camera) }, icon("cctv"), camera.name, h("small", {}, camera.number))));
    const fence = this.kind === "polygon" && this.onFence ? h("button", { type: "button", class: "quiet", onclick: () => this.onFence(polygonOf(this.points)) }, icon("plus"), t("Keep as a geofence")) : null;
    this.#say(this.#figure(), h("b", { class: "inside-count" }, tn("%(count)s camera inside", "%(count)s cameras inside", count)),
      h("ol", {}, rows), count > cameras.length ? h("small", {}, t("The first %(n)s are listed.", { n: cameras.length })) : null,
      h("div", { class: "draw-actions" }, cameras.length ? wallButton(cameras) : null, fence));
  }

  #figure() {
    const points = this.pointer ? [...this.points, this.pointer] : this.points;
    if (points.length < 2) return "";
    if (this.kind === "measure") return distance(pathMetres(points));
    if (this.kind === "circle") return t("Radius %(length)s", { length: distance(metres(points[0], points[1])) });
    return points.length > 2 ? areaText(ringSquareMetres(points)) : distance(pathMetres(points));
  }

  #say(...content) {
    this.card.replaceChildren(...content.filter(Boolean), h("button", { type: "button", class: "tool end", "aria-label": t("End drawing"), onclick: () => this.start(null) }, icon("x"), cap("Esc")));
  }

  #draw() {
    this.group.clearLayers();
    const points = (this.pointer ? [...this.points, this.pointer] : this.points).map(({ lat, lon }) => [lat, lon]);
    if (!points.length) return;
    const look = { pane: this.pane, interactive: false, className: "drawn" };
    if (this.kind === "circle" && points.length > 1) L.circle(points[0], { ...look, radius: this.map.distance(...points) }).addTo(this.group);
    else if (this.kind === "polygon" && points.length > 2) L.polygon(points, look).addTo(this.group);
    else L.polyline(points, { ...look, className: "drawn line" }).addTo(this.group);
    for (const point of points) L.circleMarker(point, { ...look, radius: 3.5, className: "drawn corner" }).addTo(this.group);
    if (this.busy && this.#figure()) this.#say(this.#figure());
  }
}
