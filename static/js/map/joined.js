/** Where the open incident's events were: small marks, each with a line to the incident it is in. */
import * as L from "leaflet";

/** More than these would hide what they explain. */
const AT_MOST = 200;

export class JoinedLayer {
  constructor(map, { pane }) {
    Object.assign(this, { map, pane });
    this.group = L.layerGroup().addTo(map);
    this.marks = new Map();
    this.shown = "";
  }

  /** Draws the places of `events` around `at` ({lat, lon} or null). */
  show(at, events) {
    const placed = at?.lat == null ? [] : events.filter((event) => event.lat != null).slice(-AT_MOST);
    const key = placed.length ? `${at.number} ${at.lat} ${at.lon} ${placed.map(({ id, why }) => id + why.how).join()}` : "";
    if (key === this.shown) return;
    this.shown = key;
    this.group.clearLayers();
    this.marks.clear();
    // One event alone stands where its incident stands and explains nothing.
    if (placed.length > 1) for (const event of placed) this.#mark([at.lat, at.lon], event);
  }

  /** Lights one event's mark up, or none. */
  look(id) {
    for (const [other, mark] of this.marks) mark.getElement()?.classList.toggle("looked", other === id);
  }

  #mark(centre, { id, lat, lon, grade, why }) {
    const look = `${grade} ${why.by ? "hand" : ""}`;
    L.polyline([centre, [lat, lon]], { pane: this.pane, interactive: false, className: `joined-line ${look}` }).addTo(this.group);
    const mark = L.circleMarker([lat, lon], { pane: this.pane, radius: 5, interactive: false, className: `joined-mark ${look}` }).addTo(this.group);
    this.marks.set(id, mark);
  }
}
