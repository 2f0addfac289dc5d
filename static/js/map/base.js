/**
 * The offline base map: districts, dong lines, names by zoom, a faint kilometre grid. All of it is one SVG: every canvas as
 * large as the view is one more picture to be blended in every frame of a drag.
 */
import * as L from "leaflet";
import { svg } from "../dom.js";
import { language } from "../i18n.js";
import { pane, unit } from "./canvas.js";

const DONG_LABELS_FROM = 13;
const GRID_FROM = 13;
const KILOMETRE_LAT = 1 / 110.94;

/** Drawn anew after a drag only when less than this share of the view is left around it. */
const SPARE = 0.15;

/** Leaflet's SVG renderer, which would cut and paint every boundary again after the smallest drag. */
const Land = L.SVG.extend({
  getEvents() {
    return { ...L.SVG.prototype.getEvents.call(this), moveend: this._settle };
  },

  _update() {
    L.SVG.prototype._update.call(this);
    this._origin = this._map.getPixelOrigin(); // another after every zoom and jump
  },

  _settle() {
    const size = this._map.getSize();
    const view = L.bounds([size.multiplyBy(-SPARE), size.multiplyBy(1 + SPARE)].map((point) => this._map.containerPointToLayerPoint(point)));
    if (!this._map.getPixelOrigin().equals(this._origin) || !this._bounds.contains(view)) this._update();
  },
});

/** Draws the boundaries of a FeatureCollection (`kind` "district" or "dong"); returns their bounds. */
export function addBase(map, collection) {
  pane(map, "land", 200);
  const vector = new Land({ pane: "land", padding: 0.4 });
  const districts = collection.features.filter((feature) => feature.properties.kind === "district");
  const dongs = collection.features.filter((feature) => feature.properties.kind === "dong");
  const tint = new Map(districts.map((feature, i) => [feature.properties.code, (i % 5) + 1]));
  const draw = (features, className) => L.geoJSON({ type: "FeatureCollection", features }, {
    pane: "land", renderer: vector, interactive: false, smoothFactor: 1.2,
    style: (feature) => ({ className: className(feature) }),
  }).addTo(map);
  draw(districts, () => "edge");
  const land = draw(districts, (feature) => `land tint-${tint.get(feature.properties.code)}`);
  draw(dongs, () => "dong");
  draw(districts, () => "district");
  map.whenReady(() => letter(map, vector, labelsOf(districts, dongs)));
  return land.getBounds();
}

/** Keeps the grid and the names in the renderer's own SVG; its "update" says that the map was moved or zoomed. */
function letter(map, vector, labels) {
  const grid = svg("path", { class: "grid-line" });
  const names = svg("g", { class: "place-names", "aria-hidden": "true" });
  vector._container.append(grid, names);
  let at = "";
  const drawNames = () => names.replaceChildren(...nameElements(map, labels));
  const update = () => {
    grid.setAttribute("d", gridPath(map, vector._bounds));
    const now = `${map.getZoom()} ${map.getPixelOrigin()} ${unit()}`;
    if (now !== at) drawNames();
    at = now;
  };
  vector.on("update", update);
  update();
  // The font comes in slices as texts ask for them; the map's own may come after it was drawn.
  document.fonts?.addEventListener("loadingdone", () => { widths.clear(); drawNames(); });
}

function labelsOf(districts, dongs) {
  const label = (feature, major) => ({ name: feature.properties[`name_${language()}`] || feature.properties.name_ko, major, ...inside(feature) });
  return [...districts.map((feature) => label(feature, true)), ...dongs.map((feature) => label(feature, false))];
}

/** The centroid of a feature's largest ring, and that ring's size. */
function inside({ geometry }) {
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  let best = { size: 0, lat: 0, lon: 0 };
  for (const [ring] of polygons) {
    let [twice, x, y] = [0, 0, 0];
    const [x0, y0] = ring[0];
    for (let i = 1; i < ring.length; i += 1) {
      const [ax, ay, bx, by] = [ring[i - 1][0] - x0, ring[i - 1][1] - y0, ring[i][0] - x0, ring[i][1] - y0];
      const cross = ax * by - bx * ay;
      twice += cross;
      x += (ax + bx) * cross;
      y += (ay + by) * cross;
    }
    if (Math.abs(twice) > best.size) best = { size: Math.abs(twice), lon: x0 + x / (3 * twice), lat: y0 + y / (3 * twice) };
  }
  return best;
}

/** A kilometre grid over the drawn bounds, finer as one comes closer: distances can be judged where no street is drawn. */
function gridPath(map, { min, max }) {
  const zoom = map.getZoom();
  if (zoom < GRID_FROM) return "";
  const [northWest, southEast] = [map.layerPointToLatLng(min), map.layerPointToLatLng(max)];
  const stepLat = KILOMETRE_LAT / (zoom < 15 ? 1 : zoom < 16.5 ? 4 : 10);
  const stepLon = stepLat / Math.cos((Math.round((northWest.lat + southEast.lat) / 2) * Math.PI) / 180);
  const lines = [];
  for (let lat = Math.ceil(southEast.lat / stepLat) * stepLat; lat < northWest.lat; lat += stepLat) {
    lines.push(`M${min.x} ${sharp(map.latLngToLayerPoint([lat, northWest.lng]).y)}H${max.x}`);
  }
  for (let lon = Math.ceil(northWest.lng / stepLon) * stepLon; lon < southEast.lng; lon += stepLon) {
    lines.push(`M${sharp(map.latLngToLayerPoint([northWest.lat, lon]).x)} ${min.y}V${max.y}`);
  }
  return lines.join("");
}

/** The middle of a pixel, where a line one pixel wide is one pixel wide. */
const sharp = (value) => Math.round(value) + 0.5;

const widths = new Map();
const ruler = new OffscreenCanvas(1, 1).getContext("2d");

/** Measuring text is slow, and the same few hundred names are drawn again and again. */
function widthOf(name, font) {
  const key = `${font} ${name}`;
  if (!widths.has(key)) {
    ruler.font = font;
    widths.set(key, ruler.measureText(name).width);
  }
  return widths.get(key);
}

/** Larger places first; a name that would touch an earlier one is left out. */
function nameElements(map, labels) {
  const [taken, size, zoom] = [[], unit(), map.getZoom()];
  const family = getComputedStyle(document.body).fontFamily;
  const shown = labels.filter((label) => label.major ? zoom < 15 : zoom >= DONG_LABELS_FROM);
  shown.sort((a, b) => b.major - a.major || b.size - a.size);
  return shown.flatMap(({ name, major, lat, lon }) => {
    const [weight, pixels] = major ? [650, (zoom < 12 ? 13 : 16) * size] : [500, (zoom < 15 ? 11.5 : 13) * size];
    const { x, y } = map.latLngToLayerPoint([lat, lon]);
    const half = widthOf(name, `${weight} ${pixels}px ${family}`) / 2 + 6;
    if (taken.some((other) => Math.abs(other.x - x) < other.half + half && Math.abs(other.y - y) < 20 * size)) return [];
    taken.push({ x, y, half });
    const element = svg("text", { x, y, class: major ? "major" : "minor", "font-size": pixels, "font-weight": weight, "stroke-width": 3.5 * size });
    element.textContent = name;
    return [element];
  });
}
