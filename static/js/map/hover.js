/** Names of cameras and devices under the pointer, and their pop-up on a click. */
import * as L from "leaflet";
import { h, icon } from "../dom.js";
import { position } from "../format.js";
import { named, t, tn } from "../i18n.js";
import { Names } from "./names.js";

/** The pointer must rest this long before a name is asked for. */
const REST_MS = 90;

/** `points`: the PointsLayer; `groupOf(set, index)`: the name of a purpose or kind; `busy()`: another tool has the pointer. */
export function addHover(map, { points, groupOf, busy }) {
  const names = new Names();
  const tip = h("div", { class: "map-tip", hidden: true });
  map.getContainer().append(tip);
  let waiting = null;
  let asked = null;
  const hide = () => { tip.hidden = true; asked = null; };
  // The container's own event: Leaflet would measure the page for its own, with every move of a drag, too.
  map.getContainer().addEventListener("mousemove", (event) => {
    if (map.dragging.moving()) return; // the frame that waits ends what was under the pointer
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => {
      const hit = busy() || map.dragging.moving() ? null : points.at(map.mouseEventToContainerPoint(event));
      map.getContainer().classList.toggle("on-point", Boolean(hit));
      const key = hit && `${hit.set} ${hit.level} ${hit.item}`;
      if (!hit || (key !== asked && hide())) return hide();
      if (key === asked) return;
      asked = key;
      setTimeout(() => key === asked && showTip(hit, () => key === asked), REST_MS);
    });
  });
  async function showTip(hit, current) {
    const words = hit.count > 1 ? [tn("%(count)s place", "%(count)s places", hit.count), t("click to part")] : await describe(hit);
    if (!words || !current()) return;
    Object.assign(tip.style, { left: `${hit.x}px`, top: `${hit.y}px` });
    tip.replaceChildren(words[0], h("small", {}, words[1]));
    tip.hidden = false;
  }
  async function describe(hit) {
    const { ids, groups } = await points.ask(hit);
    const [row] = await names.of(hit.set, ids).catch(() => []);
    return row && [row.name, groupOf(hit.set, groups[0])];
  }
  map.on("mouseout movestart zoomstart", hide);
  map.on("click", ({ containerPoint }) => !busy() && openAt(map, points, names, groupOf, containerPoint));
}

async function openAt(map, points, names, groupOf, point) {
  const hit = points.at(point);
  if (!hit) return;
  const { lat, lon, count, parts, ids, groups } = await points.ask(hit);
  if (count > 1 && parts <= map.getMaxZoom() && map.getZoom() < map.getMaxZoom() && parts <= 16) {
    return map.setView([lat, lon], Math.min(map.getMaxZoom(), Math.max(parts, map.getZoom() + 1)));
  }
  const rows = await names.of(hit.set, ids).catch(() => []);
  if (!rows.length) return;
  const card = rows.length === 1 ? single(hit.set, rows[0], groupOf(hit.set, groups[0])) : several(hit.set, rows, count);
  L.popup({ offset: [0, -2] }).setLatLng([lat, lon]).setContent(card).openOn(map);
}

function single(set, row, kind) {
  const more = set === "cameras" ? [row.number, row.ptz ? t("Can turn (PTZ)") : ""].filter(Boolean).join(" · ") : row.id;
  return h("div", { class: "pop" }, h("h3", {}, row.name), h("p", {}, kind), more ? h("p", {}, more) : null, row.address ? h("p", {}, row.address) : null,
    h("small", {}, position(row.lat, row.lon)), set === "cameras" ? h("div", { class: "pop-tools" }, watchButton(row), wallButton([row])) : null);
}

/** Cameras of one pole, or one building's sensors. */
function several(set, rows, count) {
  return h("div", { class: "pop" }, h("h3", {}, tn("%(count)s at this spot", "%(count)s at this spot", count)),
    h("ol", {}, rows.map((row) => h("li", {}, row.name, h("small", {}, set === "cameras" ? named(row.purpose) : row.id), set === "cameras" ? watchButton(row) : null))), set === "cameras" ? wallButton(rows) : null);
}

/** Shows one camera large; the console listens for this event and asks for the reason. */
function watchButton(camera) {
  const send = () => document.dispatchEvent(new CustomEvent("ocenter:watch", { detail: { camera } }));
  return h("button", { type: "button", class: "primary", onclick: send }, icon("video"), t("Watch"));
}

/** Puts cameras on the video wall, which listens for this event. */
export function wallButton(cameras) {
  const send = () => document.dispatchEvent(new CustomEvent("ocenter:cameras", { detail: { ids: cameras.map(({ id }) => id) } }));
  return h("button", { type: "button", class: "quiet", onclick: send }, icon("video"), t("To the video wall"));
}
