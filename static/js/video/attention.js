/** Which tiles are in sight: those out of sight, or of a hidden page, give their views back; a page that goes gives back all. */

const PULSE_MS = 500;
/** A glance elsewhere costs no picture: only what stays away this long is given back. */
const AWAY_MS = 4000;

const tiles = new Map();
let watch = null;
let pulse = null;

function observer() {
  watch ??= new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => {
    for (const [tile, one] of tiles) if (tile.element === target) consider(tile, Object.assign(one, { inside: isIntersecting }));
  }), { threshold: 0.05 });
  return watch;
}

function consider(tile, one) {
  clearTimeout(one.away);
  if (one.inside && !document.hidden) return tile.inSight(true);
  one.away = setTimeout(() => tile.inSight(false), AWAY_MS);
}

/** Watches over `tile` (`element`, `inSight(seen)`, `pulse()`) until it is dismissed. */
export function attend(tile) {
  tiles.set(tile, { inside: false, away: null });
  observer().observe(tile.element);
  pulse ??= setInterval(() => tiles.forEach((_, one) => one.pulse()), PULSE_MS);
}

export function dismiss(tile) {
  clearTimeout(tiles.get(tile)?.away);
  tiles.delete(tile);
  watch?.unobserve(tile.element);
  if (tiles.size || pulse == null) return;
  clearInterval(pulse);
  pulse = null;
}

globalThis.document?.addEventListener("visibilitychange", () => tiles.forEach((one, tile) => consider(tile, one)));
globalThis.addEventListener?.("pagehide", () => tiles.forEach((_, tile) => tile.inSight(false)));
globalThis.addEventListener?.("pageshow", () => tiles.forEach((one, tile) => consider(tile, one)));
