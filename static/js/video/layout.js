/**
 * A wall's layout, as pure functions: `{name, grid, seconds, scenes: [[camera | null, …], …]}`, a camera being
 * `{id, name, ptz, video}`. A scene has as many places as the grid; a layout is never changed in place.
 */

/** Tiles of a wall, at most sixteen. */
export const GRIDS = [1, 4, 9, 16];
export const SECONDS = [5, 10, 15, 30, 60];
const SCENES_AT_MOST = 12;
const LAYOUTS_AT_MOST = 12;

/** A layout with one empty scene. */
export function emptyLayout(grid = 4) {
  return { name: "", grid, seconds: 15, scenes: [places([], grid)] };
}

function places(cameras, grid) {
  return Array.from({ length: grid }, (_, i) => cameras[i] ?? null);
}

const cameraOf = (raw) => (Number.isInteger(raw?.id) && typeof raw.name === "string" ? { id: raw.id, name: raw.name, ptz: Boolean(raw.ptz), video: raw.video !== false } : null);

/** A layout read from the server, made whole: whatever is wrong in it is left out. */
export function readLayout(raw) {
  const grid = GRIDS.includes(raw?.grid) ? raw.grid : 4;
  const scenes = (Array.isArray(raw?.scenes) ? raw.scenes : []).filter(Array.isArray).slice(0, SCENES_AT_MOST).map((scene) => places(scene.map(cameraOf), grid));
  return { name: String(raw?.name ?? "").slice(0, 40), grid, seconds: SECONDS.includes(raw?.seconds) ? raw.seconds : 15, scenes: scenes.length ? scenes : [places([], grid)] };
}

/** The scenes' cameras in another grid: a smaller one makes more scenes, so that none is lost. */
export function withGrid(layout, grid) {
  const scenes = layout.scenes.flatMap((scene) => {
    const cameras = scene.filter(Boolean);
    const parts = Math.max(1, Math.ceil(cameras.length / grid));
    return Array.from({ length: parts }, (_, i) => places(cameras.slice(i * grid, (i + 1) * grid), grid));
  });
  return { ...layout, grid, scenes: scenes.slice(0, SCENES_AT_MOST) };
}

/**
 * `camera` in the first free place of scene `index`; where there is none, in a scene of its own after it. Answers
 * `{layout, index}`, the scene it now stands in; unchanged where that scene already has it or no scene more fits.
 */
export function withCamera(layout, index, camera) {
  const scene = layout.scenes[index];
  if (scene.some((one) => one?.id === camera.id)) return { layout, index };
  const free = scene.indexOf(null);
  if (free >= 0) return { layout: replaced(layout, index, scene.map((one, i) => (i === free ? cameraOf(camera) : one))), index };
  if (layout.scenes.length >= SCENES_AT_MOST) return { layout, index };
  const scenes = [...layout.scenes.slice(0, index + 1), places([cameraOf(camera)], layout.grid), ...layout.scenes.slice(index + 1)];
  return { layout: { ...layout, scenes }, index: index + 1 };
}

/** Without the camera in scene `index`. */
export function withoutCamera(layout, index, id) {
  return replaced(layout, index, layout.scenes[index].map((one) => (one?.id === id ? null : one)));
}

function replaced(layout, index, scene) {
  return { ...layout, scenes: layout.scenes.map((one, i) => (i === index ? scene : one)) };
}

/** One empty scene more, at the end. */
export function withScene(layout) {
  return layout.scenes.length >= SCENES_AT_MOST ? layout : { ...layout, scenes: [...layout.scenes, places([], layout.grid)] };
}

/** Without scene `index`; the last one is only emptied. */
export function withoutScene(layout, index) {
  const scenes = layout.scenes.filter((_, i) => i !== index);
  return { ...layout, scenes: scenes.length ? scenes : [places([], layout.grid)] };
}

/** The smallest grid that holds so many. */
export function gridFor(count) {
  return GRIDS.find((size) => size >= count) ?? GRIDS.at(-1);
}

/** These cameras in a scene of their own; two stand side by side. */
export function sceneFor(cameras) {
  const grid = cameras.length === 2 ? 2 : gridFor(cameras.length);
  return { grid, scene: places(cameras, grid) };
}

/** The saved layouts with `layout` under its name, in the place of one that had it; the oldest gives way. */
export function saved(layouts, layout) {
  return [...layouts.filter(({ name }) => name !== layout.name), layout].slice(-LAYOUTS_AT_MOST);
}

/** What is kept of a person's walls: `{layouts, current}`, made whole. */
export function readWalls(raw) {
  const layouts = (Array.isArray(raw?.layouts) ? raw.layouts : []).map(readLayout).filter(({ name }) => name).slice(-LAYOUTS_AT_MOST);
  return { layouts, current: raw?.current ? readLayout(raw.current) : emptyLayout() };
}
