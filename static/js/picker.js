/** While a dialog asks for an incident or a place, clicks in the queue and on the map answer it. */

export class Picker {
  /** `map`: the operator's map, whose bare ground gives a place. */
  constructor(map) {
    this.map = map;
    this.wanted = null;
  }

  /** Asks: `onIncident(number)`, `onPlace({lat, lon})`; either may be missing. One asks at a time. */
  begin({ onIncident = null, onPlace = null }) {
    this.end();
    this.wanted = { onIncident, onPlace };
    if (onPlace) this.map.askPlace(onPlace);
  }

  /** Nobody asks any more; safe to repeat. */
  end() {
    this.wanted = null;
    this.map.askPlace(null);
  }

  /** Gives an incident to whoever asks; false where nobody does, and it is to be opened. */
  take(number) {
    if (!this.wanted?.onIncident) return false;
    this.wanted.onIncident(number);
    return true;
  }
}
