/**
 * Cameras and devices: many, small, dim. A worker holds, groups and paints them; this layer puts its pictures where they
 * belong. A hundred thousand cost the main thread no more than ten.
 */
import * as L from "leaflet";
import { token, unit } from "./canvas.js";

const TOUCH_PX = 11;
/** Drawn beyond the view on every side, as a share of it; a drag within it shows no bare edge. */
const PADDING = 0.3;
/** A new picture is asked for when this share of the padding is left. */
const SPARE = 0.35;

export const PointsLayer = L.Layer.extend({
  /**
   * `looks`: set name → `{mark: "round" | "square", fill, line, dot, text (CSS custom properties), from: first zoom}`,
   * the lowest first. `scripts`: `{worker, modules, points}`, addresses. `onReady({purposes, kinds, layers, counts})`, `onFailed(text)`.
   */
  initialize({ looks, scripts, pane, onReady, onFailed }) {
    L.setOptions(this, { pane });
    Object.assign(this, { looks, onReady, onFailed });
    Object.assign(this, { asked: 0, shown: null, placed: {}, questioned: 0, questions: new Map() });
    this.worker = new Worker(scripts.worker, { type: "module" });
    this.worker.onmessage = ({ data }) => this._heard(data);
    this.worker.onerror = (event) => onFailed(event.message || "worker");
    this.worker.postMessage({ start: { modules: scripts.modules, points: scripts.points } });
  },

  onAdd() {
    this.canvas = L.DomUtil.create("canvas", "points", this.getPane());
    this.context = this.canvas.getContext("bitmaprenderer");
    this.draw();
  },

  onRemove() {
    this.canvas.remove();
  },

  getEvents() {
    return { moveend: this._settle, resize: this.draw, move: this._drag, zoomstart: this._hide, viewreset: this._place };
  },

  /** Switches layers off: a set of their ids, of which others than these points' are ignored. */
  filter(off) {
    this.worker.postMessage({ off: [...off] });
    this.draw();
  },

  /** Asks for a new picture of what is in view; safe to repeat. The old one stays until it comes. */
  draw() {
    if (!this._map) return;
    const map = this._map;
    const size = map.getSize();
    if (!size.x || !size.y) return; // not shown, as on paper; it is drawn when it has a size again
    const margin = size.multiplyBy(PADDING).round();
    const corner = map.containerPointToLayerPoint(margin.multiplyBy(-1)).round().add(map.getPixelOrigin());
    const looks = Object.fromEntries(Object.entries(this.looks).map(([name, look]) => [name, this._coloured(look)]));
    const font = getComputedStyle(document.body).fontFamily;
    this.asked += 1;
    this.worker.postMessage({ draw: {
      id: this.asked, zoom: map.getZoom(), level: Math.round(map.getZoom()), scale: 2 ** map.getZoom(), dense: window.devicePixelRatio || 1, margin: { x: margin.x, y: margin.y },
      left: corner.x, top: corner.y, width: size.x + 2 * margin.x, height: size.y + 2 * margin.y, unit: unit(), looks, font,
    } });
  },

  /** What is drawn at a point of the map's container: `{set, item, level, count, x, y}` (container pixels), or null. */
  at(point) {
    if (!this.shown || this.shown.zoom !== this._map.getZoom()) return null;
    const at = this._map.containerPointToLayerPoint(point).subtract(this._corner());
    for (const name of Object.keys(this.placed).reverse()) {
      const hit = nearest(this.placed[name], at, TOUCH_PX * unit());
      if (hit) return { set: name, ...hit, x: hit.x - at.x + point.x, y: hit.y - at.y + point.y };
    }
    return null;
  },

  /** Everything drawn in container pixels: `[{set, x, y, count}]`; for those who look for a place to click. */
  all() {
    if (!this.shown) return [];
    const shift = this._map.layerPointToContainerPoint(this._corner());
    return Object.entries(this.placed).flatMap(([set, { at, count }]) =>
      Array.from(count, (many, n) => ({ set, count: many, x: at[n * 4] + shift.x, y: at[n * 4 + 1] + shift.y })));
  },

  /** What stands behind a hit: `{lat, lon, count, parts, ids, groups}`; `parts` is the zoom at which a group falls apart. */
  ask({ set, item, level }) {
    return new Promise((resolve) => {
      this.questioned += 1;
      this.questions.set(this.questioned, resolve);
      this.worker.postMessage({ ask: { id: this.questioned, set, item, level } });
    });
  },

  _heard({ ready, failed, drawn, answer }) {
    if (failed) this.onFailed(failed);
    if (ready) this.onReady(ready);
    if (drawn) this._show(drawn);
    if (answer) {
      this.questions.get(answer.id)?.(answer);
      this.questions.delete(answer.id);
    }
  },

  /** The picture and its place change in the same frame, so that nothing jumps. One that is overtaken is shown until the next comes. */
  _show({ view, bitmap, placed, fetched, took }) {
    if (view.zoom !== this._map.getZoom()) return bitmap.close();
    Object.assign(this.canvas, { width: bitmap.width, height: bitmap.height });
    Object.assign(this.canvas.style, { width: `${view.width}px`, height: `${view.height}px`, visibility: "" });
    this.context.transferFromImageBitmap(bitmap);
    Object.assign(this, { shown: view, placed, took });
    this._place();
    this.timings ??= { fetched, shown: Date.now() };
    this.fire("drawn");
    this._drag(); // the map may have been dragged on meanwhile
  },

  /** Where the picture's corner is in the map's pane: anew after a jump within a zoom, which moves what the pane counts from. */
  _corner() {
    return L.point(this.shown.left, this.shown.top).subtract(this._map.getPixelOrigin());
  },

  _place() {
    if (this.shown) L.DomUtil.setPosition(this.canvas, this._corner());
  },

  /** A picture of another zoom would stand in the wrong places. */
  _hide() {
    this.canvas.style.visibility = "hidden";
    this.shown = null;
  },

  /** Where the map comes to rest: a picture that still covers the view does. */
  _settle() {
    if (this.shown) this._drag();
    else this.draw();
  },

  _drag() {
    if (this.shown?.id !== this.asked) return; // a newer one is on its way
    const { margin } = this.shown;
    const now = this._map.containerPointToLayerPoint([0, 0]).subtract(this._corner());
    const left = Math.min(now.x, now.y, 2 * margin.x - now.x, 2 * margin.y - now.y);
    if (left < SPARE * Math.min(margin.x, margin.y)) this.draw();
  },

  _coloured({ mark, from = 0, fill, line, dot, text }) {
    return { mark, from, fill: token(fill), line: token(line), dot: token(dot), text: token(text) };
  },
});

/** The nearest placed item within its own radius or `touch` pixels. */
function nearest({ at, count, level }, point, touch) {
  let best = null;
  for (let n = 0; n < at.length; n += 4) {
    const far = Math.hypot(at[n] - point.x, at[n + 1] - point.y);
    if (far > Math.max(touch, at[n + 2]) || (best && best.far <= far)) continue;
    best = { far, item: at[n + 3], level, count: count[n / 4], x: at[n], y: at[n + 1] };
  }
  return best;
}
