/**
 * Cameras or devices: many, small, dim. A worker clusters them, one canvas draws them;
 * a hundred thousand cost no more elements than ten.
 */
import { CanvasLayer, token, unit } from "./canvas.js";

const TOUCH_PX = 11;
/** Smaller circles say "several" by their size; a number would be noise. */
const NUMBER_FROM_PX = 9.5;

export class PointsLayer {
  /**
   * `points`: columns `{id, name, lat, lon, …}`. `look`: `{mark: "round" | "square", colours: CSS names}`.
   * `from`: the first zoom at which it is drawn. `scripts`: addresses of the worker and its library.
   */
  constructor(map, { points, look, pane, from = 0, scripts }) {
    Object.assign(this, { map, points, look, from });
    this.found = null;
    this.size = unit();
    this.asked = 0;
    this.keep = points.lat.map((_, i) => i);
    this.worker = new Worker(scripts.worker);
    this.library = scripts.library;
    this.worker.onmessage = ({ data }) => this.#answered(data);
    this.layer = new CanvasLayer((context, toPixel) => this.#draw(context, toPixel), { pane }).addTo(map);
    this.layer.on("update", () => this.#ask());
    this.filter(() => true);
  }

  /** Shows only the points for which `wanted(index)` holds. */
  filter(wanted) {
    const { lat, lon } = this.points;
    this.keep = lat.map((_, i) => i).filter(wanted);
    const load = { library: this.library, lat: Float64Array.from(this.keep, (i) => lat[i]), lon: Float64Array.from(this.keep, (i) => lon[i]) };
    this.worker.postMessage({ load });
    this.#ask();
  }

  redraw() {
    this.colours = null;
    this.layer.redraw();
  }

  /** What is drawn at a point of the map's container: `{index}` or `{cluster, count}`, with its place; or null. */
  at(containerPoint) {
    if (!this.found || this.map.getZoom() < this.from) return null;
    const { lat, lon, count, ref } = this.found;
    let best = null;
    for (let i = 0; i < lat.length; i += 1) {
      const pixel = this.map.latLngToContainerPoint([lat[i], lon[i]]);
      const far = Math.hypot(pixel.x - containerPoint.x, pixel.y - containerPoint.y);
      if (far > Math.max(TOUCH_PX * this.size, this.#radius(count[i])) || (best && best.far <= far)) continue;
      const what = count[i] > 1 ? { cluster: ref[i], count: count[i] } : { index: this.keep[ref[i]] };
      best = { far, lat: lat[i], lon: lon[i], ...what };
    }
    return best;
  }

  /** The zoom at which a cluster falls apart. */
  expansion(cluster) {
    return new Promise((resolve) => {
      this.expanding = resolve;
      this.worker.postMessage({ expand: { id: "expand", ref: cluster } });
    });
  }

  #ask() {
    if (this.map.getZoom() < this.from) return;
    const area = this.layer.area();
    const box = [area.getWest(), area.getSouth(), area.getEast(), area.getNorth()];
    this.asked += 1;
    this.worker.postMessage({ query: { id: this.asked, box, zoom: Math.round(this.map.getZoom()) } });
  }

  #answered(data) {
    if (data.expansion !== undefined) return this.expanding?.(data.expansion);
    if (data.id !== this.asked) return;
    this.found = data;
    this.layer.redraw();
  }

  #radius(count) {
    const [zoom, size] = [this.map.getZoom(), this.size];
    if (count > 1) return Math.min(17, (zoom < 13 ? 3.2 : 4.5) + 1.75 * Math.log2(count)) * size;
    return (zoom >= 16 ? 4.2 : zoom >= 14 ? 3.1 : 1.7) * size;
  }

  #draw(context, toPixel) {
    if (!this.found || this.map.getZoom() < this.from) return;
    this.colours ??= { fill: token(this.look.fill), line: token(this.look.line), dot: token(this.look.dot), text: token(this.look.text) };
    const { lat, lon, count } = this.found;
    this.size = unit();
    context.font = `600 ${10.5 * this.size}px ${getComputedStyle(document.body).fontFamily}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let i = 0; i < lat.length; i += 1) {
      const [x, y] = toPixel(lat[i], lon[i]);
      if (count[i] > 1) this.#cluster(context, x, y, count[i]);
      else this.#point(context, x, y);
    }
  }

  #cluster(context, x, y, count) {
    const radius = this.#radius(count);
    context.fillStyle = this.colours.fill;
    context.strokeStyle = this.colours.line;
    context.lineWidth = 1;
    context.beginPath();
    if (this.look.mark === "square") context.roundRect(x - radius, y - radius, radius * 2, radius * 2, 4);
    else context.arc(x, y, radius, 0, 7);
    context.fill();
    context.stroke();
    context.fillStyle = this.colours.text;
    if (radius >= NUMBER_FROM_PX * this.size) context.fillText(count < 1000 ? count : `${(count / 1000).toFixed(1)}k`, x, y + 0.5);
  }

  #point(context, x, y) {
    const radius = this.#radius(1);
    context.beginPath();
    if (this.look.mark === "square") context.rect(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8);
    else context.arc(x, y, radius, 0, 7);
    context.strokeStyle = this.colours.dot;
    context.fillStyle = this.colours.fill;
    context.lineWidth = (radius > 3 ? 1.6 : 1.2) * this.size;
    context.fill();
    context.stroke();
  }
}
