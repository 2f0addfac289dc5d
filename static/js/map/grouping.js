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
  const cells = new Map();
  for (const item of [...items].sort(heavier)) {
    const single = radius <= 0 || alone(item);
    const home = single ? null : nearestHome(cells, item, radius);
    if (home) home.items.push(item);
    else {
      const group = { x: item.x, y: item.y, items: [item], rank: groups.length };
      groups.push(group);
      if (!single) put(cells, group, radius);
    }
  }
  return groups.map((group) => group.items);
}

const cellOf = (x, y) => `${x} ${y}`;

function put(cells, group, radius) {
  const key = cellOf(Math.floor(group.x / radius), Math.floor(group.y / radius));
  if (!cells.has(key)) cells.set(key, []);
  cells.get(key).push(group);
}

/** The heaviest group within `radius`: in a flood, only the nine cells around are looked at. */
function nearestHome(cells, item, radius) {
  const [cx, cy] = [Math.floor(item.x / radius), Math.floor(item.y / radius)];
  let home = null;
  for (let x = cx - 1; x <= cx + 1; x += 1) {
    for (let y = cy - 1; y <= cy + 1; y += 1) {
      for (const group of cells.get(cellOf(x, y)) ?? []) {
        if (Math.hypot(group.x - item.x, group.y - item.y) <= radius && (!home || group.rank < home.rank)) home = group;
      }
    }
  }
  return home;
}

/** When the oldest of a group came, in milliseconds; an unacknowledged one counts before those that somebody holds. */
export function oldest(group) {
  const waiting = group.filter(unseen);
  return Math.min(...(waiting.length ? waiting : group).map(({ received_at: at }) => new Date(at).getTime()));
}
