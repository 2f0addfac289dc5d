/** Which incidents stand so close on the screen that one marker must speak for them. Pure. */
import { GRADES, unseen } from "../grades.js";

/** The heaviest first: unseen before seen, then by grade, then the youngest. */
function heavier(a, b) {
  return (
    unseen(b.incident) - unseen(a.incident) ||
    GRADES.indexOf(a.incident.grade) - GRADES.indexOf(b.incident.grade) ||
    (a.incident.number < b.incident.number ? 1 : -1)
  );
}

/**
 * Groups items `{incident, x, y}` (pixels) that lie within `radius` of a group's heaviest one,
 * which comes first in its group. `alone(item)` keeps an item out of every group.
 */
export function groupNear(items, radius, alone = () => false) {
  const groups = [];
  for (const item of [...items].sort(heavier)) {
    const single = radius <= 0 || alone(item);
    const home = single ? null : groups.find((group) => !group.single && Math.hypot(group.x - item.x, group.y - item.y) <= radius);
    if (home) home.items.push(item);
    else groups.push({ x: item.x, y: item.y, single, items: [item] });
  }
  return groups.map((group) => group.items);
}
