/** The open incident's nearest cameras: four pictures that open at once, the list of the others, and the numbers on the map. */
import { get } from "../api.js";
import { h, icon } from "../dom.js";
import { bearing, distance } from "../format.js";
import { ENDED } from "../grades.js";
import { named, t } from "../i18n.js";
import { move } from "./enlarged.js";
import { askReason } from "./reason.js";
import { Tile } from "./tile.js";

export const RADIUS_METRES = 500;
const LIMIT = 5;
const TILES = 4;
/** So many are looked at to find `LIMIT` that have a picture; those without come after. */
const ASKED = 20;
/** Whoever walks through the queue faster than this opens no pictures on the way. */
const SETTLE_MS = 400;

export class CameraWell {
  /** `map`: shows the numbers. `enlarged`: where a camera is shown large. `may(action)`: whether this person may. `onWall()`: opens the wall. */
  constructor({ map, enlarged, may, onWall }) {
    Object.assign(this, { map, enlarged, may, onWall });
    this.cameras = [];
    this.tiles = [];
    this.guest = null;
    this.away = false;
    this.element = h("section", { class: "block well" });
  }

  /** Looks up the cameras around `incident` and opens the nearest; a late answer for another incident is dropped. */
  async load(incident, { historic = false } = {}) {
    const resting = Boolean(incident) && (historic || ENDED.has(incident.status));
    const key = incident ? `${incident.number} ${incident.lat} ${incident.lon} ${resting}` : "";
    if (key === this.key) return;
    this.#clear();
    Object.assign(this, { key, incident, historic, resting, cameras: [] });
    this.map.showNear(incident, []);
    this.#render(t("Looking for cameras…"));
    if (incident?.lat == null) return this.#render(t("The place of this incident is unknown."));
    const near = { near: `${incident.lat},${incident.lon}`, radius_m: RADIUS_METRES, limit: ASKED };
    const answer = await get("cameras", near).catch((error) => ({ error }));
    if (key !== this.key) return;
    this.cameras = picturesFirst(answer.cameras ?? []).slice(0, LIMIT);
    this.map.showNear(incident, this.cameras);
    this.tiles = this.cameras.slice(0, TILES).map((camera, i) => this.#tile(camera, i + 1));
    this.#render(answer.error ? answer.error.message : t("No camera within 500 m."));
    this.settling = setTimeout(() => this.#openTiles(), SETTLE_MS);
  }

  /** While nobody sees the panel (it has a window of its own, or another tab is shown) no pictures are fetched. */
  rest(away) {
    if (away === this.away) return;
    this.away = away;
    this.#openTiles();
  }

  /** Enlarges camera `number`; the same number again puts it back. */
  look(number) {
    const camera = this.cameras[number - 1];
    if (!camera || this.historic) return false;
    if (this.resting) return this.watch(camera);
    const tile = this.tiles[number - 1] ?? this.#guest(camera, number);
    if (this.enlarged.tile === tile) return this.enlarged.back();
    this.#enlarge(tile, number);
    return true;
  }

  /** Shows any camera large: for the open incident, else for a reason that is asked for. */
  async watch(camera) {
    const known = this.cameras.findIndex(({ id }) => id === camera.id);
    if (known >= 0 && !this.resting) return this.look(known + 1);
    const denied = !this.may("watch");
    const why = denied ? null : this.#why() ?? (await askReason({ title: t("Watch this camera"), subtitle: camera.name }));
    if (why || denied) this.#enlarge(this.#guest(camera, null, why, denied));
  }

  /** Something covers the panel, or no longer: what nobody can see is given back. */
  covered(on) {
    this.isCovered = on;
    if (on) this.back();
    this.#openTiles();
  }

  #openTiles() {
    this.tiles.forEach((tile) => (this.isCovered || this.away || this.resting ? tile.close() : tile.open()));
  }

  /** Puts an enlarged camera back; answers whether there was one. */
  back() {
    return this.enlarged.back();
  }

  #why() {
    return this.incident && !this.resting ? { incident: this.incident.number } : null;
  }

  #tile(camera, number) {
    const tile = new Tile({
      camera, number, why: this.#why(), denied: !this.may("watch"), way: way(camera), onChoose: () => this.look(number),
    });
    // What stays in the panel while the tile itself is large.
    tile.slot = h("div", { class: "well-slot", onmouseenter: () => this.#light(number), onmouseleave: () => this.#light(0) }, tile.element);
    return tile;
  }

  #enlarge(tile, number = 0) {
    this.enlarged.show(tile, () => {
      this.#light(0);
      if (tile === this.guest) return this.#leave();
      move(tile, tile.slot);
    });
    // After the one before has gone and taken its light with it.
    this.#light(number);
    if (tile === this.guest || this.away) tile.open();
  }

  /** A camera that has no tile of its own, for as long as it is large. */
  #guest(camera, number, why = this.#why(), denied = !this.may("watch")) {
    if (this.guest?.camera.id === camera.id) return this.guest;
    this.enlarged.back();
    this.guest = new Tile({ camera, number, why, denied, way: way(camera), onChoose: () => this.enlarged.back() });
    return this.guest;
  }

  #leave() {
    this.guest?.close();
    this.guest?.element.remove();
    this.guest = null;
  }

  #clear() {
    clearTimeout(this.settling);
    // What is watched for a reason of its own has nothing to do with the incident that leaves.
    if (this.enlarged.tile && !this.enlarged.tile.why?.reason) this.enlarged.back();
    this.tiles.forEach((tile) => tile.close());
    this.tiles = [];
  }

  #light(number) {
    this.map.near.look(number);
    this.element.querySelectorAll("[data-number]").forEach((row) => row.classList.toggle("looked", Number(row.dataset.number) === number));
  }

  #render(empty) {
    const rows = this.cameras.slice(TILES).map((camera, i) => this.#row(camera, TILES + i + 1));
    const wall = this.cameras.length && this.may("watch") ? h("button", { type: "button", class: "well-wall", "aria-keyshortcuts": "V", onclick: () => this.onWall() }, icon("layout-grid"), t("Wall"), h("kbd", { "aria-hidden": "true" }, "V")) : null;
    this.element.replaceChildren(h("h3", {}, t("Nearest cameras (500 m)"), h("small", {}, this.cameras.length ? t("keys 1–%(n)s enlarge one", { n: this.cameras.length }) : ""), wall),
      this.resting && this.cameras.length ? h("p", { class: "none" }, this.historic ? t("History is shown: no live pictures.") : t("This incident has ended: a camera opens for a reason.")) : "",
      this.tiles.length ? h("div", { class: "tiles-grid" }, this.tiles.map((tile) => tile.slot)) : "",
      this.cameras.length ? (rows.length ? h("div", { class: "cameras" }, rows) : "") : h("p", { class: "none" }, empty));
  }

  #row(camera, number) {
    return h("button", { type: "button", class: "camera", dataset: { number: String(number) }, title: camera.address || camera.name, "aria-keyshortcuts": String(number),
      onclick: () => this.look(number), onmouseenter: () => this.#light(number), onmouseleave: () => this.#light(0) },
      h("span", { class: "camera-number" }, String(number)),
      h("span", { class: "camera-name" }, camera.name, h("small", {}, named(camera.purpose))),
      camera.ptz ? h("span", { class: "camera-ptz", title: t("Can turn (PTZ)") }, "PTZ") : h("span"), way(camera));
  }
}

/** Nearest first, but those that have a picture before those that have none. */
export function picturesFirst(cameras) {
  return [...cameras].sort((a, b) => (a.video === false) - (b.video === false));
}

/** Distance and bearing from the incident; nothing for a camera that was chosen by itself. */
function way(camera) {
  if (camera.distance_m == null) return null;
  return h("span", { class: "camera-way", style: { "--bearing": `${camera.bearing_deg}deg` } }, icon("arrow-up"), `${bearing(camera.bearing_deg)} ${distance(camera.distance_m)}`);
}
