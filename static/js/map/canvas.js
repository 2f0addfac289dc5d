/** A Leaflet layer that draws on one canvas and follows pan and zoom as Leaflet's own renderers do. */
import * as L from "leaflet";

export const CanvasLayer = L.Renderer.extend({
  options: { padding: 0.2 },

  /** `draw(context, toPixel, layer)` paints; `toPixel(lat, lon)` gives canvas pixels. */
  initialize(draw, options) {
    L.Renderer.prototype.initialize.call(this, options);
    this._paint = draw;
  },

  _initContainer() {
    this._container = document.createElement("canvas");
    this._context = this._container.getContext("2d");
  },

  _destroyContainer() {
    this._container.remove();
    delete this._container;
  },

  _updatePaths() {},

  _update() {
    if (this._map._animatingZoom && this._bounds) return;
    L.Renderer.prototype._update.call(this);
    const [size, dense] = [this._bounds.getSize(), window.devicePixelRatio || 1];
    L.DomUtil.setPosition(this._container, this._bounds.min);
    this._resize(size, dense);
    this.fire("update");
    this.redraw();
  },

  /** Setting a canvas's size throws its memory away, so only where it differs. */
  _resize(size, dense) {
    const [width, height] = [Math.round(size.x * dense), Math.round(size.y * dense)];
    if (this._container.width === width && this._container.height === height) return;
    Object.assign(this._container, { width, height });
    Object.assign(this._container.style, { width: `${size.x}px`, height: `${size.y}px` });
    this._context.setTransform(dense, 0, 0, dense, 0, 0);
  },

  /** Paints again without moving; safe to repeat. */
  redraw() {
    if (!this._map || !this._bounds) return;
    const { min } = this._bounds;
    const size = this._bounds.getSize();
    this._context.clearRect(0, 0, size.x, size.y);
    const toPixel = (lat, lon) => {
      const point = this._map.latLngToLayerPoint([lat, lon]);
      return [point.x - min.x, point.y - min.y];
    };
    this._paint(this._context, toPixel, this);
  },

  /** The area drawn, a little more than what is seen. */
  area() {
    return L.latLngBounds(this._map.layerPointToLatLng(this._bounds.min), this._map.layerPointToLatLng(this._bounds.max));
  },
});

/** How large a thing of one drawn pixel should be: the page's text grows with the screen, and so does the map. */
export function unit() {
  known ||= parseFloat(getComputedStyle(document.documentElement).fontSize) / 14;
  return known;
}

// Asked for again and again while the map is laid out; it changes with the window's size alone.
let known = 0;
addEventListener("resize", () => { known = 0; });

/** The value of a CSS custom property: what is drawn follows the theme. */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A pane of its own at that height. */
export function pane(map, name, zIndex, { clicks = false } = {}) {
  const element = map.createPane(name);
  element.style.zIndex = zIndex;
  if (!clicks) element.style.pointerEvents = "none";
  return name;
}
