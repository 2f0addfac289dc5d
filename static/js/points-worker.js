/**
 * Holds every camera and device, groups and paints them off the main thread. A module worker: import maps do not reach
 * it, so the page sends its modules' addresses.
 *
 * In: {start: {modules, points}} · {off: [layer id…]} · {draw: view} · {ask: {id, set, item, level}}. What is to be off and
 * the first view may come before the points: no message has to go to and fro before the first picture.
 * Out: {drawn: {view, bitmap, placed, fetched, took}} · {ready: {purposes, kinds, layers, counts}} or {failed} · {answer: {id, ids, level, …}}.
 */
const LISTED_AT_MOST = 40;
let tools = null;
let sets = null;
let canvas = null;
let wanted = null;
let off = new Set();
let fetched = null;

async function start({ modules, points }) {
  const asked = fetch(points, { credentials: "same-origin", headers: { Accept: "application/vnd.ocenter.points" } });
  tools = Object.assign({}, ...(await Promise.all(modules.map((address) => import(address)))));
  const answer = await asked;
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const bytes = await answer.arrayBuffer();
  fetched = Date.now();
  const { purposes, kinds, sets: found } = tools.decodePoints(bytes);
  const layers = { cameras: purposes.map(({ ko }) => `purpose:${ko}`), devices: kinds.map(({ slug }) => `kind:${slug}`) };
  sets = {};
  for (const [name, set] of Object.entries(found)) sets[name] = { ...set, layers: layers[name], world: tools.project(set.lat, set.lon), levels: new Map() };
  switchOff();
  if (wanted) paintNewest();
  const counts = Object.fromEntries(Object.entries(sets).map(([name, { group }]) => [name, tally(group)]));
  self.postMessage({ ready: { purposes, kinds, layers, counts } });
}

function tally(groups) {
  const counts = [];
  for (const one of groups) counts[one] = (counts[one] ?? 0) + 1;
  return counts;
}

/** The grouping of one set at a level, made once. */
function grouped(set, level) {
  if (!set.levels.has(level)) set.levels.set(level, tools.group(set.world, set.shown, level));
  return set.levels.get(level);
}

/** Shows no group whose layer is off. */
function switchOff() {
  for (const set of Object.values(sets)) {
    const seen = Uint8Array.from(set.layers, (id) => (off.has(id) ? 0 : 1));
    set.levels.clear();
    set.shown = seen.includes(0) ? new Uint8Array(set.count).map((_, i) => seen[set.group[i]]) : null;
  }
}

/** Only the newest view is painted: while one is being painted, others are overtaken. */
function draw(view) {
  const waiting = wanted !== null;
  wanted = view;
  if (sets && !waiting) setTimeout(paintNewest);
}

function paintNewest() {
  const newest = wanted;
  wanted = null;
  paintNow(newest);
}

function paintNow(view) {
  const started = performance.now();
  const [width, height] = [Math.round(view.width * view.dense), Math.round(view.height * view.dense)];
  canvas ??= new OffscreenCanvas(width, height);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.setTransform(view.dense, 0, 0, view.dense, 0, 0);
  context.clearRect(0, 0, view.width, view.height);
  const placed = {};
  for (const [name, look] of Object.entries(view.looks)) {
    if (view.zoom < look.from || !sets[name].count) continue;
    const items = grouped(sets[name], view.level);
    placed[name] = { at: Float32Array.from(tools.paint(context, items, view, look)), level: view.level };
    placed[name].count = Uint32Array.from({ length: placed[name].at.length / 4 }, (_, n) => items.count[placed[name].at[n * 4 + 3]]);
  }
  const bitmap = canvas.transferToImageBitmap();
  self.postMessage({ drawn: { view, bitmap, placed, fetched, took: performance.now() - started } }, [bitmap]);
}

function ask({ id, set: name, item, level }) {
  const set = sets[name];
  const items = grouped(set, level);
  const these = tools.members(items, item, LISTED_AT_MOST);
  const place = tools.unproject(items.x[item], items.y[item]);
  const parts = items.count[item] > 1 ? tools.partingLevel((at) => grouped(set, at), level, item) : null;
  self.postMessage({ answer: { id, ...place, count: items.count[item], parts, ids: these.map((i) => set.id[i]), groups: these.map((i) => set.group[i]) } });
}

self.onmessage = ({ data }) => {
  if (data.start) start(data.start).catch((error) => self.postMessage({ failed: error.message }));
  if (data.off) {
    off = new Set(data.off);
    if (sets) switchOff();
  }
  if (data.draw) draw(data.draw);
  if (data.ask) ask(data.ask);
};
