/** The areas of incidents that have one: a thin outline each, the open one's filled. */
import * as L from "leaflet";
import { svg } from "../dom.js";
import { named } from "../i18n.js";

/** An outline of more points than this is drawn only while its incident is open. */
const POINTS_AT_MOST = 2000;

/** GeoJSON Polygon or MultiPolygon to Leaflet's latitudes first; null for anything else. */
export function ringsOf(area) {
  const polygons = area?.type === "Polygon" ? [area.coordinates] : area?.type === "MultiPolygon" ? area.coordinates : null;
  return polygons?.map((rings) => rings.map((ring) => ring.map(([lon, lat]) => [lat, lon]))) ?? null;
}

const countPoints = (polygons) => polygons.reduce((sum, rings) => sum + rings.reduce((inner, ring) => inner + ring.length, 0), 0);

export class AreaLayer {
  constructor(map, { pane }) {
    Object.assign(this, { map, pane });
    this.drawn = new Map();
  }

  /** Shows the areas of these incidents (a Map by number); `chosen` is the open one's number. */
  show(incidents, chosen) {
    for (const [number, { layer, area }] of this.drawn) {
      if (incidents.get(number)?.area === area) continue;
      layer.remove();
      this.drawn.delete(number);
    }
    for (const incident of incidents.values()) if (incident.area) this.#draw(incident, incident.number === chosen);
  }

  #draw(incident, chosen) {
    const { number, grade, area } = incident;
    let one = this.drawn.get(number);
    if (!one) {
      const polygons = ringsOf(area);
      if (!polygons) return;
      const layer = L.polygon(polygons, { pane: this.pane, interactive: false, className: "area", smoothFactor: 1.5 });
      layer.bindTooltip(named(incident.title), { permanent: true, direction: "center", className: `area-name ${grade}`, pane: this.pane });
      one = { layer, area, large: countPoints(polygons) > POINTS_AT_MOST };
      this.drawn.set(number, one);
    }
    const wanted = chosen || !one.large;
    if (wanted !== this.map.hasLayer(one.layer)) wanted ? one.layer.addTo(this.map) : one.layer.remove();
    const look = `area ${grade}${chosen ? " chosen" : ""}`;
    const path = one.layer.getElement?.();
    if (path) this.#hatch(path.ownerSVGElement);
    if (path && path.getAttribute("class") !== look) path.setAttribute("class", look);
  }

  /** A hatch for each grade, so that an area is one also without colours. */
  #hatch(root) {
    if (!root || root.querySelector("pattern")) return;
    const patterns = ["G1", "G2", "G3", "G4", "G5"].map((grade) => {
      const pattern = svg("pattern", { id: `hatch-${grade}`, class: grade, width: 9, height: 9, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
      pattern.append(svg("line", { x1: 0, y1: 0, x2: 0, y2: 9, class: "hatch-line" }));
      return pattern;
    });
    const defs = svg("defs");
    defs.append(...patterns);
    root.prepend(defs);
  }
}
