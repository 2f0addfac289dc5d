/** Where an incident lies, as far as anybody knows: pure. */

/**
 * "unknown" without a position, "outside" beyond `bounds` ([south, west, north, east] of the own city), else "".
 * Without bounds nothing is said to lie outside.
 */
export function whereabouts(incident, bounds) {
  if (incident.lat == null || incident.lon == null) return incident.area ? "" : "unknown";
  if (!bounds) return "";
  const [south, west, north, east] = bounds;
  const inside = incident.lat >= south && incident.lat <= north && incident.lon >= west && incident.lon <= east;
  return inside ? "" : "outside";
}
