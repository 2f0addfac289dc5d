/** The offline base map: districts, dong lines, labels by zoom, a faint kilometre grid. */
import * as L from "leaflet";
import { language } from "../i18n.js";
import { CanvasLayer, pane, token, unit } from "./canvas.js";

const DONG_LABELS_FROM = 13;
const KILOMETRE_LAT = 1 / 110.94;

/** Draws the boundaries of a FeatureCollection (`kind` "district" or "dong"); returns `{bounds, redraw}`. */
export function addBase(map, collection) {
  pane(map, "land", 200);
  pane(map, "labels", 420);
  const vector = L.svg({ pane: "land", padding: 0.4 });
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
  const names = labelsOf(districts, dongs);
  const grid = new CanvasLayer((context, toPixel, layer) => drawGrid(context, toPixel, layer, map), { pane: "land" }).addTo(map);
  const labels = new CanvasLayer((context, toPixel) => drawLabels(context, toPixel, names, map.getZoom()), { pane: "labels" }).addTo(map);
  // The font comes in slices as texts ask for them; the map's own may come after it was drawn.
  document.fonts?.addEventListener("loadingdone", () => { widths.clear(); labels.redraw(); });
  return { bounds: land.getBounds(), redraw: () => [grid, labels].forEach((layer) => layer.redraw()) };
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

/** A kilometre grid, finer as one comes closer: distances can be judged where no street is drawn. */
function drawGrid(context, toPixel, layer, map) {
  const zoom = map.getZoom();
  if (zoom < 13) return;
  const area = layer.area();
  const stepLat = KILOMETRE_LAT / (zoom < 15 ? 1 : zoom < 16.5 ? 4 : 10);
  const stepLon = stepLat / Math.cos((Math.round(area.getCenter().lat) * Math.PI) / 180);
  context.strokeStyle = token("--map-grid");
  context.lineWidth = 1;
  context.beginPath();
  for (let lat = Math.ceil(area.getSouth() / stepLat) * stepLat; lat < area.getNorth(); lat += stepLat) {
    line(context, toPixel(lat, area.getWest()), toPixel(lat, area.getEast()));
  }
  for (let lon = Math.ceil(area.getWest() / stepLon) * stepLon; lon < area.getEast(); lon += stepLon) {
    line(context, toPixel(area.getSouth(), lon), toPixel(area.getNorth(), lon));
  }
  context.stroke();
}

function line(context, [ax, ay], [bx, by]) {
  context.moveTo(Math.round(ax) + 0.5, Math.round(ay) + 0.5);
  context.lineTo(Math.round(bx) + 0.5, Math.round(by) + 0.5);
}

const widths = new Map();

/** Measuring text is slow, and the same few hundred names are drawn again and again. */
function widthOf(context, name) {
  const key = `${context.font} ${name}`;
  if (!widths.has(key)) widths.set(key, context.measureText(name).width);
  return widths.get(key);
}

/** Larger places first; a label that would touch an earlier one is left out. */
function drawLabels(context, toPixel, names, zoom) {
  const [taken, size] = [[], unit()];
  const family = getComputedStyle(document.body).fontFamily;
  const shown = names.filter((name) => name.major ? zoom < 15 : zoom >= DONG_LABELS_FROM);
  shown.sort((a, b) => b.major - a.major || b.size - a.size);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.strokeStyle = token("--map-halo");
  context.lineWidth = 3.5 * size;
  const colours = { true: token("--map-label-strong"), false: token("--map-label") };
  for (const { name, major, lat, lon } of shown) {
    context.font = major ? `650 ${(zoom < 12 ? 13 : 16) * size}px ${family}` : `500 ${(zoom < 15 ? 11.5 : 13) * size}px ${family}`;
    const [x, y] = toPixel(lat, lon);
    const half = widthOf(context, name) / 2 + 6;
    if (taken.some((other) => Math.abs(other.x - x) < other.half + half && Math.abs(other.y - y) < 20 * size)) continue;
    taken.push({ x, y, half });
    context.strokeText(name, x, y);
    context.fillStyle = colours[major];
    context.fillText(name, x, y);
  }
}
