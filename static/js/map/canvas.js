/**
 * A Leaflet layer that draws one picture and follows pan and zoom as Leaflet's own renderers do. The picture is drawn apart
 * and handed over: a canvas that is drawn on is copied in every frame in which it moves, a handed-over picture is not.
 */
import * as L from "leaflet";

export const CanvasLayer = L.Renderer.extend({
  options: { padding: 0.2 },

  /** `draw(context, toPixel)` paints; `toPixel(lat, lon)` gives canvas pixels. */
  initialize(draw, options) {
    L.Renderer.prototype.initialize.call(this, options);
    this._paint = draw;
  },

  _initContainer() {
    this._container = document.createElement("canvas");
    this._shown = this._container.getContext("bitmaprenderer");
    this._picture = new OffscreenCanvas(1, 1);
  },

  _destroyContainer() {
    this._container.remove();
    delete this._container;
  },

  _updatePaths() {},

  _update() {
    if (this._map._animatingZoom && this._bounds) return;
    L.Renderer.prototype._update.call(this);
    this.fire("update");
    this.redraw();
  },

  /** Paints again without moving; safe to repeat. */
  redraw() {
    if (!this._map || !this._bounds) return;
    const { min } = this._bounds;
    const [size, dense] = [this._bounds.getSize(), window.devicePixelRatio || 1];
    const [width, height] = [Math.max(1, Math.round(size.x * dense)), Math.max(1, Math.round(size.y * dense))];
    Object.assign(this._picture, { width, height });
    const context = this._picture.getContext("2d");
    context.scale(dense, dense);
    const toPixel = (lat, lon) => {
      const point = this._map.latLngToLayerPoint([lat, lon]);
      return [point.x - min.x, point.y - min.y];
    };
    this._paint(context, toPixel);
    Object.assign(this._container, { width, height });
    Object.assign(this._container.style, { width: `${size.x}px`, height: `${size.y}px` });
    L.DomUtil.setPosition(this._container, min);
    this._shown.transferFromImageBitmap(this._picture.transferToImageBitmap());
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
