/** Arrows at the map's edge to critical incidents that nobody has acknowledged and that lie out of view. */
import { h, shape } from "../dom.js";
import { shapeId, unseen } from "../grades.js";
import { named } from "../i18n.js";

const MARGIN_PX = 26;

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
    const seen = new Set();
    for (const incident of this.wanted) {
      const at = this.map.latLngToContainerPoint([incident.lat, incident.lon]);
      if (at.x >= 0 && at.y >= 0 && at.x <= size.x && at.y <= size.y) continue;
      seen.add(incident.number);
      const mark = this.marks.get(incident.number) ?? this.#add(incident);
      mark.style.left = `${Math.min(size.x - MARGIN_PX, Math.max(MARGIN_PX, at.x))}px`;
      mark.style.top = `${Math.min(size.y - MARGIN_PX, Math.max(MARGIN_PX, at.y))}px`;
      mark.style.setProperty("--turn", `${Math.atan2(at.x - size.x / 2, size.y / 2 - at.y)}rad`);
    }
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
