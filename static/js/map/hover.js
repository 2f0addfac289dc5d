/** Names of cameras and devices under the pointer, and their pop-up on a click. */
import * as L from "leaflet";
import { h } from "../dom.js";
import { position } from "../format.js";
import { t, tn } from "../i18n.js";

/** `sources()`: `[{layer, describe(index) → {name, kind, more}}]`, the topmost first. */
export function addHover(map, sources) {
  const tip = h("div", { class: "map-tip", hidden: true });
  map.getContainer().append(tip);
  let waiting = null;
  map.on("mousemove", (event) => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => showTip(map, tip, sources(), event.containerPoint));
  });
  map.on("mouseout movestart zoomstart", () => { tip.hidden = true; });
  map.on("click", (event) => open(map, sources(), event.containerPoint));
}

function find(sources, point) {
  for (const source of sources) {
    const hit = source.layer.at(point);
    if (hit) return { source, hit };
  }
  return null;
}

function showTip(map, tip, sources, point) {
  const found = find(sources, point);
  tip.hidden = !found;
  map.getContainer().style.cursor = found ? "pointer" : "";
  if (!found) return;
  const { source, hit } = found;
  const at = map.latLngToContainerPoint([hit.lat, hit.lon]);
  Object.assign(tip.style, { left: `${at.x}px`, top: `${at.y}px` });
  const described = hit.cluster === undefined ? source.describe(hit.index) : null;
  tip.replaceChildren(described?.name ?? tn("%(count)s place", "%(count)s places", hit.count), h("small", {}, described?.kind ?? t("click to part")));
}

async function open(map, sources, point) {
  const found = find(sources, point);
  if (!found) return;
  const { source, hit } = found;
  if (hit.cluster !== undefined) {
    const zoom = await source.layer.expansion(hit.cluster);
    map.setView([hit.lat, hit.lon], Math.min(map.getMaxZoom(), Math.max(zoom, map.getZoom() + 1)));
    return;
  }
  const { name, kind, more } = source.describe(hit.index);
  const card = h("div", { class: "pop" }, h("h3", {}, name), h("p", {}, kind), more ? h("p", {}, more) : null, h("small", {}, position(hit.lat, hit.lon)));
  L.popup({ offset: [0, -2] }).setLatLng([hit.lat, hit.lon]).setContent(card).openOn(map);
}
