/**
 * Groups points that would overlap on the screen: typed arrays only, no object a point. Pure; imports nothing.
 *
 * At one level (a whole zoom) every point falls into a square cell; neighbouring cells whose middles lie closer than
 * the radius become one, the fullest first. A level takes some milliseconds for 100,000 points and is kept.
 */

const RADIUS_PX = 30;
/** Fewer than this stay single. */
const FROM_COUNT = 3;
/** From this level on only what stands on the very same spot is grouped. */
export const SINGLE_LEVEL = 16;
/** One spot, in world pixels of zoom 0: less than the metre that positions are rounded to. */
const SPOT = 1e-6;
const EMPTY = -1;

/** World pixels of zoom 0 (256 wide) for degrees: `{x, y}` as Float64Array. */
export function project(lat, lon) {
  const [x, y] = [new Float64Array(lat.length), new Float64Array(lat.length)];
  for (let i = 0; i < lat.length; i += 1) {
    const sin = Math.sin((lat[i] * Math.PI) / 180);
    x[i] = (lon[i] / 360 + 0.5) * 256;
    y[i] = (0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)) * 256;
  }
  return { x, y };
}

/** The degrees of a world pixel of zoom 0. */
export function unproject(x, y) {
  const n = Math.PI * (1 - (2 * y) / 256);
  return { lat: (Math.atan(Math.sinh(n)) * 180) / Math.PI, lon: (x / 256 - 0.5) * 360 };
}

/** Cells by their two whole numbers: an open-addressed table, since a Map of 100,000 keys costs more than the rest. */
class Cells {
  constructor(most) {
    const size = 1 << Math.ceil(Math.log2(Math.max(16, most * 2)));
    this.mask = size - 1;
    this.slots = new Int32Array(size).fill(EMPTY);
    this.cx = new Int32Array(most);
    this.cy = new Int32Array(most);
    this.length = 0;
  }

  #slot(cx, cy) {
    let at = (Math.imul(cx, 73856093) ^ Math.imul(cy, 19349663)) & this.mask;
    while (this.slots[at] !== EMPTY && (this.cx[this.slots[at]] !== cx || this.cy[this.slots[at]] !== cy)) at = (at + 1) & this.mask;
    return at;
  }

  find(cx, cy) {
    return this.slots[this.#slot(cx, cy)];
  }

  add(cx, cy) {
    const at = this.#slot(cx, cy);
    if (this.slots[at] !== EMPTY) return this.slots[at];
    this.cx[this.length] = cx;
    this.cy[this.length] = cy;
    this.slots[at] = this.length;
    this.length += 1;
    return this.length - 1;
  }
}

/** Points into cells of `size` world pixels: each cell's count, sum and number of every point's cell. */
function intoCells({ x, y }, shown, size) {
  const cells = new Cells(x.length);
  const home = new Int32Array(x.length).fill(EMPTY);
  const [count, sumX, sumY] = [new Uint32Array(x.length), new Float64Array(x.length), new Float64Array(x.length)];
  for (let i = 0; i < x.length; i += 1) {
    if (shown && !shown[i]) continue;
    const cell = cells.add(Math.floor(x[i] / size), Math.floor(y[i] / size));
    home[i] = cell;
    count[cell] += 1;
    sumX[cell] += x[i];
    sumY[cell] += y[i];
  }
  return { cells, home, count, sumX, sumY };
}

/** Lets the fullest cells take in neighbours whose middle is near; `into[cell]` is the cell it became part of. */
function merge({ cells, count, sumX, sumY }, radius) {
  const into = Int32Array.from({ length: cells.length }, (_, cell) => cell);
  const order = Uint32Array.from(into).sort((a, b) => count[b] - count[a]);
  const taken = new Uint8Array(cells.length);
  for (const cell of order) {
    if (taken[cell]) continue;
    taken[cell] = 1;
    for (let dx = -1; dx <= 1; dx += 1) {
      for (let dy = -1; dy <= 1; dy += 1) {
        const other = cells.find(cells.cx[cell] + dx, cells.cy[cell] + dy);
        if (other === EMPTY || taken[other]) continue;
        const far = Math.hypot(sumX[cell] / count[cell] - sumX[other] / count[other], sumY[cell] / count[cell] - sumY[other] / count[other]);
        if (far > radius) continue;
        taken[other] = 1;
        into[other] = cell;
        count[cell] += count[other];
        sumX[cell] += sumX[other];
        sumY[cell] += sumY[other];
      }
    }
  }
  return into;
}

/**
 * What is drawn at `level`: `{x, y, count, first, owner}`; item k stands at world pixel (x, y) of zoom 0 for `count`
 * points, the first of which is `first`; `owner[i]` is the item of point i (−1: not shown). `shown`: a Uint8Array of 0
 * and 1, or null for all.
 */
export function group(points, shown, level) {
  const apart = level >= SINGLE_LEVEL;
  const size = apart ? SPOT : RADIUS_PX / 2 ** level;
  const found = intoCells(points, shown, size);
  const into = apart ? null : merge(found, size);
  return items(points, found, into, apart ? 2 : FROM_COUNT);
}

function items({ x, y }, { home, count, sumX, sumY }, into, from) {
  const most = x.length;
  const out = { x: new Float64Array(most), y: new Float64Array(most), count: new Uint32Array(most), first: new Uint32Array(most), owner: new Int32Array(most).fill(EMPTY) };
  const itemOf = new Int32Array(most).fill(EMPTY);
  let length = 0;
  const add = (px, py, n, first) => {
    out.x[length] = px;
    out.y[length] = py;
    out.count[length] = n;
    out.first[length] = first;
    length += 1;
    return length - 1;
  };
  for (let i = 0; i < most; i += 1) {
    if (home[i] === EMPTY) continue;
    const cell = into ? into[home[i]] : home[i];
    if (count[cell] < from) out.owner[i] = add(x[i], y[i], 1, i);
    else {
      if (itemOf[cell] === EMPTY) itemOf[cell] = add(sumX[cell] / count[cell], sumY[cell] / count[cell], count[cell], i);
      out.owner[i] = itemOf[cell];
    }
  }
  for (const name of ["x", "y", "count", "first"]) out[name] = out[name].subarray(0, length);
  return out;
}

/** The points that item `item` stands for, at most `most`. */
export function members({ owner }, item, most = Infinity) {
  const found = [];
  for (let i = 0; i < owner.length && found.length < most; i += 1) if (owner[i] === item) found.push(i);
  return found;
}

/** The first level above `level` at which the points of that item part; `SINGLE_LEVEL + 1` where they never do. */
export function partingLevel(groupAt, level, item) {
  const these = members(groupAt(level), item);
  for (let next = level + 1; next <= SINGLE_LEVEL; next += 1) {
    const { owner } = groupAt(next);
    if (these.some((i) => owner[i] !== owner[these[0]])) return next;
  }
  return SINGLE_LEVEL + 1;
}
