/** Asking for a place: the map's ground becomes clickable and the place asked about carries a mark. */
import * as L from "leaflet";

export class PlaceAsker {
  constructor(map, { pane }) {
    Object.assign(this, { map, pane });
    this.onPlace = null;
    map.on("click", (event) => this.#clicked(event));
  }

  /** Whether clicks on the map are answers now. */
  get asking() {
    return Boolean(this.onPlace);
  }

  /** Has `onPlace({lat, lon})` called for every click on the ground, or with null no longer. */
  ask(onPlace) {
    this.onPlace = onPlace;
    this.map.getContainer().classList.toggle("asking", this.asking);
    if (!onPlace) this.mark(null);
  }

  /** Marks a place ({lat, lon}), or none. */
  mark(place) {
    this.marker?.remove();
    this.marker = place && L.marker([place.lat, place.lon], { pane: this.pane, interactive: false, keyboard: false, icon: L.divIcon({ className: "asked-place", iconSize: null, html: "" }) }).addTo(this.map);
  }

  /** Answers with a place ({lat, lon}), where one is asked for. */
  answer({ lat, lon }) {
    this.onPlace?.({ lat: Math.round(lat * 1e6) / 1e6, lon: Math.round(lon * 1e6) / 1e6 });
  }

  #clicked({ latlng }) {
    const { lat, lng: lon } = latlng.wrap();
    this.answer({ lat, lon });
  }
}
