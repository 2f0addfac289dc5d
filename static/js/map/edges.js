/** Arrows at the map's edge to critical incidents that nobody has acknowledged and that lie out of view. */
import { h, shape } from "../dom.js";
import { shapeId, unseen } from "../grades.js";
import { named } from "../i18n.js";
import { spread } from "./spread.js";

const MARGIN_PX = 26;
const APART_PX = 38;
/** Room for the controls in three corners of the map. */
const CORNER = { left: 72, right: 150, top: 236, topRight: 76, bottom: 112 };

/** The place at the edge, clear of the controls. */
function within(at, size) {
  const x = Math.min(size.x - MARGIN_PX, Math.max(MARGIN_PX, at.x));
  let y = Math.min(size.y - MARGIN_PX, Math.max(MARGIN_PX, at.y));
  if (x < CORNER.left) y = Math.max(CORNER.top, Math.min(size.y - CORNER.bottom, y));
  else if (x > size.x - CORNER.right) y = Math.max(CORNER.topRight, y);
  return { x, y };
}

export class EdgeMarks {
  constructor(map, { onOpen }) {
    Object.assign(this, { map, onOpen });
    this.marks = new Map();
    this.wanted = [];
    map.on("move zoomend resize", () => this.#place());
  }

  show(incidents) {
    this.wanted = [...incidents.values()].filter((incident) => incident.grade === "G1" && unseen(incident) && incident.lat != null);
    this.#place();
  }

  #place() {
    const size = this.map.getSize();
    const [seen, out] = [new Set(), []];
    for (const incident of this.wanted) {
      const at = this.map.latLngToContainerPoint([incident.lat, incident.lon]);
      if (at.x >= 0 && at.y >= 0 && at.x <= size.x && at.y <= size.y) continue;
      seen.add(incident.number);
      out.push({ incident, turn: Math.atan2(at.x - size.x / 2, size.y / 2 - at.y), ...within(at, size) });
    }
    const places = spread(out, { apart: APART_PX, clear: 0 }).map((place) => within(place, size));
    out.forEach(({ incident, turn }, i) => {
      const mark = this.marks.get(incident.number) ?? this.#add(incident);
      mark.style.translate = `${places[i].x}px ${places[i].y}px`; // needs no layout while the map is dragged
      mark.style.setProperty("--turn", `${turn}rad`);
    });
    for (const [number, mark] of this.marks) if (!seen.has(number)) { mark.remove(); this.marks.delete(number); }
  }

  #add(incident) {
    const name = `${named(incident.title)} · ${incident.place || ""}`;
    const mark = h("button", { type: "button", class: `edge-mark ${incident.grade}`, title: name, "aria-label": name, onclick: () => this.onOpen(incident.number) },
      shape(shapeId(incident), incident.grade));
    this.map.getContainer().append(mark);
    this.marks.set(incident.number, mark);
    return mark;
  }
}
