/** The five nearest cameras of the open incident: the list in the panel and the numbers on the map. */
import { get } from "./api.js";
import { h, icon } from "./dom.js";
import { bearing, distance } from "./format.js";
import { named, t } from "./i18n.js";

const RADIUS_METRES = 500;
const LIMIT = 5;

export class NearCameras {
  /** `map`: the operator's map, on which the numbers stand. */
  constructor(map) {
    this.map = map;
    this.cameras = [];
    this.element = h("section", { class: "block" });
  }

  /** Looks up the cameras around `incident`; an answer that comes after another incident was opened is dropped. */
  async load(incident) {
    const key = incident ? `${incident.number} ${incident.lat} ${incident.lon}` : "";
    if (key === this.key) return;
    Object.assign(this, { key, cameras: [] });
    this.map.showNear(incident, []);
    this.#render(incident, t("Looking for cameras…"));
    if (incident?.lat == null) return this.#render(incident, t("The place of this incident is unknown."));
    const near = { near: `${incident.lat},${incident.lon}`, radius_m: RADIUS_METRES, limit: LIMIT };
    const answer = await get("cameras", near).catch((error) => ({ error }));
    if (key !== this.key) return;
    this.cameras = answer.cameras ?? [];
    this.map.showNear(incident, this.cameras);
    this.#render(incident, answer.error ? answer.error.message : t("No camera within 500 m."));
  }

  /** Shows camera `number` (1–5) on the map. */
  look(number) {
    const camera = this.cameras[number - 1];
    if (!camera) return;
    this.map.lookAt(camera.lat, camera.lon);
    this.#light(number);
  }

  #light(number) {
    this.map.near.look(number);
    [...this.element.querySelectorAll(".camera")].forEach((row, i) => row.classList.toggle("looked", i + 1 === number));
  }

  #render(incident, empty) {
    const rows = this.cameras.map((camera, i) => this.#row(camera, i + 1));
    this.element.replaceChildren(h("h3", {}, t("Nearest cameras (500 m)"), h("small", {}, rows.length ? t("keys 1–%(n)s show one", { n: rows.length }) : "")),
      rows.length ? h("div", { class: "cameras" }, rows) : h("p", { class: "none" }, empty));
  }

  #row(camera, number) {
    const way = `${bearing(camera.bearing_deg)} ${distance(camera.distance_m)}`;
    return h("button", { type: "button", class: "camera", title: camera.address || camera.name, "aria-keyshortcuts": String(number),
      onclick: () => this.look(number), onmouseenter: () => this.#light(number), onmouseleave: () => this.#light(0) },
      h("span", { class: "camera-number" }, String(number)),
      h("span", { class: "camera-name" }, camera.name, h("small", {}, named(camera.purpose))),
      camera.ptz ? h("span", { class: "camera-ptz", title: t("Can turn (PTZ)") }, "PTZ") : h("span"),
      h("span", { class: "camera-way", style: { "--bearing": `${camera.bearing_deg}deg` } }, icon("arrow-up"), way));
  }
}
