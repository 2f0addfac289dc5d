/** Distances and areas on the globe, and what lies inside what. Pure; positions are `{lat, lon}` in WGS84 degrees. */

const EARTH_RADIUS_METRES = 6371008.8;
const radians = (degrees) => (degrees * Math.PI) / 180;

/** Great-circle metres between two positions (haversine, as the server measures). */
export function metres(a, b) {
  const h = Math.sin(radians(b.lat - a.lat) / 2) ** 2 + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * Math.sin(radians(b.lon - a.lon) / 2) ** 2;
  return 2 * EARTH_RADIUS_METRES * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** Metres along a path. */
export function pathMetres(path) {
  return path.slice(1).reduce((sum, point, i) => sum + metres(path[i], point), 0);
}

/** Square metres enclosed by a ring of positions (closed by itself); exact enough for a city. */
export function ringSquareMetres(ring) {
  const middle = Math.cos(radians(ring.reduce((sum, { lat }) => sum + lat, 0) / ring.length));
  const flat = ring.map(({ lat, lon }) => [radians(lon) * middle * EARTH_RADIUS_METRES, radians(lat) * EARTH_RADIUS_METRES]);
  const twice = flat.reduce((sum, [x, y], i) => { const [nx, ny] = flat[(i + 1) % flat.length]; return sum + (x * ny - nx * y); }, 0);
  return Math.abs(twice) / 2;
}

const crosses = (p, q, a, b) => {
  const side = (u, v, w) => Math.sign((v.lon - u.lon) * (w.lat - u.lat) - (v.lat - u.lat) * (w.lon - u.lon));
  return side(p, q, a) !== side(p, q, b) && side(a, b, p) !== side(a, b, q);
};

/** Whether a ring crosses itself: then it encloses nothing one could name. */
export function crossesItself(ring) {
  const n = ring.length;
  for (let i = 0; i < n; i += 1) {
    for (let j = i + 2; j < n; j += 1) {
      if (i === 0 && j === n - 1) continue;
      if (crosses(ring[i], ring[i + 1], ring[j], ring[(j + 1) % n])) return true;
    }
  }
  return false;
}

function insideRing(lat, lon, ring) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
    const [[xi, yi], [xj, yj]] = [ring[i], ring[j]];
    if (yi > lat !== yj > lat && lon < ((xj - xi) * (lat - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** Whether a position lies inside a GeoJSON Polygon or MultiPolygon; false where either is missing. */
export function insideArea(lat, lon, area) {
  if (lat == null || !area) return false;
  const polygons = area.type === "Polygon" ? [area.coordinates] : area.type === "MultiPolygon" ? area.coordinates : [];
  return polygons.some(([outer, ...holes]) => insideRing(lat, lon, outer) && !holes.some((hole) => insideRing(lat, lon, hole)));
}

/** `{lat, lon}` of a text such as "36.35,127.38" or "36.35 127.38", or null. */
export function parsePosition(text) {
  const found = /^\s*(-?\d{1,2}(?:\.\d+)?)\s*[,\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*$/.exec(text);
  if (!found) return null;
  const [lat, lon] = [Number(found[1]), Number(found[2])];
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? { lat, lon } : null;
}

/** A ring of positions as a closed GeoJSON Polygon. */
export function polygonOf(ring) {
  const corners = ring.map(({ lat, lon }) => [lon, lat]);
  return { type: "Polygon", coordinates: [[...corners, corners[0]]] };
}
