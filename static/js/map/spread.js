/** Keeps numbered labels apart and off the incident's mark, on the screen. Pure. */

const ROUNDS = 24;

function push(a, b, apart, share) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const far = Math.hypot(dx, dy);
  if (far >= apart) return;
  const [ux, uy] = far > 0.01 ? [dx / far, dy / far] : [1, 0];
  const by = apart - far;
  a.x -= ux * by * share;
  a.y -= uy * by * share;
  b.x += ux * by * (1 - share);
  b.y += uy * by * (1 - share);
}

/** New places for `points` (`{x, y}`, pixels), at least `apart` from each other and `clear` from the origin, as near as can be. */
export function spread(points, { apart, clear }) {
  const placed = points.map(({ x, y }) => ({ x, y }));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let i = 0; i < placed.length; i += 1) {
      for (let j = i + 1; j < placed.length; j += 1) push(placed[i], placed[j], apart, 0.5);
    }
    for (const point of placed) push({ x: 0, y: 0 }, point, clear, 0);
  }
  return placed;
}
