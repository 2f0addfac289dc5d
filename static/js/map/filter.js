/** Which incidents the map shows. Pure. Whatever it hides of G1 and G2 is counted, and the map says so. */

/** `off`: a set of layer ids (`grade:G3`, `traffic`). Returns `{shown: Map, hidden}`; `chosen` is never hidden. */
export function visibleOnMap(incidents, off, chosen = null) {
  const shown = new Map();
  let hidden = 0;
  for (const [number, incident] of incidents) {
    const away = off.has(`grade:${incident.grade}`) || (incident.family === "TRF" && off.has("traffic"));
    if (!away || number === chosen) shown.set(number, incident);
    else if (incident.grade < "G3") hidden += 1;
  }
  return { shown, hidden };
}

/**
 * Incidents that no marker can show: without a place, or outside `bounds` ([south, west, north, east]) of the city.
 * `{unplaced: [incident…], outside: [incident…]}`.
 */
export function beyond(incidents, bounds) {
  const [unplaced, outside] = [[], []];
  for (const incident of incidents.values()) {
    if (incident.lat == null) unplaced.push(incident);
    else if (bounds && !(incident.lat >= bounds[0] && incident.lat <= bounds[2] && incident.lon >= bounds[1] && incident.lon <= bounds[3])) outside.push(incident);
  }
  return { unplaced, outside };
}
