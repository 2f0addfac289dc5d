/**
 * How the queue is cut into single rows and groups: pure, tested in Node.
 * Every G1 and G2 is a row of its own and stands before every group (I9); nothing is left out, only folded.
 */
import { unseen } from "./grades.js";
import { shelved } from "./store.js";

/** Fewer than this many of a kind are clearer one by one. */
export const GROUP_AT_LEAST = 3;

const urgent = (incident) => incident.grade === "G1" || incident.grade === "G2";

/** What an incident is grouped by, or null where it stands alone. `alone(incident)`: it must stay in sight by itself. */
function keyOf(incident, { flood, now, alone }) {
  if (urgent(incident)) return null;
  if (shelved(incident, now)) return incident.shelf?.suppression ? `suppressed:${incident.shelf.suppression}` : null;
  return flood && !alone(incident) ? `${incident.place || ""}|${incident.family}` : null;
}

function groupOf(key, children) {
  const waiting = children.filter(unseen);
  const oldest = children.reduce((least, one) => (one.received_at < least ? one.received_at : least), children[0].received_at);
  const worst = children.reduce((least, one) => (one.grade < least ? one.grade : least), children[0].grade);
  const escalation = Math.max(...children.map((one) => one.escalation ?? 0));
  return {
    key, suppressed: key.startsWith("suppressed:"), children, oldest, worst, escalation, unseen: waiting.length,
    place: children[0].place || "", family: children[0].family, first: children[0],
  };
}

/**
 * The blocks of the queue, in order: `{incident}` or `{group}`. `rows` are sorted (`store.queueOf`); a group stands
 * where its first child would. Suppressed sources are always grouped, areas and type families in a flood.
 */
export function blocksOf(rows, { flood = false, now, alone = () => false }) {
  const byKey = new Map();
  const keys = rows.map((incident) => {
    const key = keyOf(incident, { flood, now, alone });
    if (key) byKey.set(key, [...(byKey.get(key) ?? []), incident]);
    return key;
  });
  const placed = new Set();
  const blocks = [];
  rows.forEach((incident, n) => {
    const children = byKey.get(keys[n]);
    const grouped = children && (keys[n].startsWith("suppressed:") || children.length >= GROUP_AT_LEAST);
    if (!grouped) blocks.push({ incident });
    else if (!placed.has(keys[n])) {
      placed.add(keys[n]);
      blocks.push({ group: groupOf(keys[n], children) });
    }
  });
  return blocks;
}

/**
 * What is drawn: `{incident, child}` and `{group, open}` in order. Of a folded group the chosen child stays in sight.
 * `opened`: the keys of groups that are unfolded.
 */
export function entriesOf(blocks, { opened = new Set(), chosen = null } = {}) {
  return blocks.flatMap(({ incident, group }) => {
    if (incident) return [{ incident, child: false }];
    const open = opened.has(group.key);
    const shown = open ? group.children : group.children.filter(({ number }) => number === chosen);
    return [{ group, open }, ...shown.map((one) => ({ incident: one, child: true }))];
  });
}

/** Every number in the order of the queue, those in folded groups too: what J, K and G walk through. */
export function orderOf(blocks) {
  return blocks.flatMap(({ incident, group }) => (incident ? [incident.number] : group.children.map(({ number }) => number)));
}
