/** The video wall: up to sixteen pictures in scenes, a tour through them, and a turn to the incident that needs eyes. */
import { get } from "../api.js";
import { arrange, h, icon, shape, text } from "../dom.js";
import { ENDED, shapeId, unseen } from "../grades.js";
import { named, t } from "../i18n.js";
import { preference, savePreference } from "../preferences.js";
import { toast } from "../toast.js";
import { camerasById } from "./cameras.js";
import { Enlarged, move } from "./enlarged.js";
import { calls, followed, holdLeft, kept, stillFollowed } from "./follow.js";
import { gridFor, readWalls, saved, sceneFor, withCamera, withGrid, withScene, withoutCamera, withoutScene } from "./layout.js";
import { askReason } from "./reason.js";
import { Tile } from "./tile.js";
import { newTour, secondsLeft, shownScene, switched, toured } from "./tour.js";
import { WallHead } from "./wall-head.js";
import { popOut } from "./windows.js";

const STORED = "wall";
const SAVE_MS = 800;
const NEAR = { radius_m: 800, limit: 40 };
const NEAR_AT_MOST = 9;

export class Wall {
  /** `may(action)`, `find(words)`: cameras by name or number (async). `place`: where the wall is put; `behind`: what rests meanwhile. `alone`: nothing lies behind it; `screen`: nobody sits before it. `onCover(on)`: it now covers the page, or no longer. */
  constructor({ may, find, place = document.body, behind = [], alone = false, screen = false, onCover = () => {} }) {
    Object.assign(this, { may, behind, alone, screen, onCover, why: null, following: null, news: null, auto: true });
    this.tiles = new Map();
    this.walls = null;
    this.head = new WallHead({
      find, alone, on: {
        grid: (grid) => this.#edit(withGrid(this.layout, grid)), seconds: (seconds) => this.#edit({ ...this.layout, seconds }),
        scene: (index) => this.#scene(index), addScene: () => this.#addScene(), dropScene: () => this.#edit(withoutScene(this.layout, this.tour.index)),
        tour: () => this.#switchTour(), auto: () => { this.auto = !this.auto; this.#draw(); }, add: ({ id }) => this.put([id]),
        open: (name) => this.#load(name), save: (name) => this.#save(name), popOut: () => this.#popOut(), close: () => this.close(),
      },
    });
    this.notice = h("div", { class: "wall-notice", role: "status", hidden: true });
    this.headline = h("div", { class: "wall-notice news", role: "alert", hidden: true });
    this.grid = h("div", { class: "wall-grid" });
    this.body = h("div", { class: "wall-body" }, this.grid);
    this.enlarged = new Enlarged(this.body, { may });
    this.element = h("section", { class: "wall", role: "dialog", "aria-label": t("Video wall"), tabindex: "-1", hidden: true }, screen ? null : this.head.element, this.headline, this.notice, this.body);
    place.append(this.element);
  }

  /** Whether the wall is open. */
  get shown() {
    return !this.element.hidden;
  }

  get layout() {
    return this.walls.current;
  }

  /** Opens the wall for `incident` (null: for a reason, asked once), or closes it. */
  async toggle(incident, why = null) {
    if (this.shown) return this.close();
    if (!this.may("watch")) return toast(t("Not permitted"), t("Your role may not watch video."), "info");
    this.why = why ?? (incident && !ENDED.has(incident.status) ? { incident: incident.number } : null) ?? (this.screen ? null : await this.#ask());
    // Before the big screen nobody may answer: without a reason it shows incidents' pictures alone.
    if (this.why || this.screen) this.#open(incident);
  }

  /** Closes the wall and gives every picture back. */
  close() {
    clearInterval(this.clock);
    this.enlarged.back();
    Object.assign(this, { following: null, news: null });
    this.#tilesFor([]);
    this.element.hidden = true;
    this.behind.forEach((element) => { element.inert = false; });
    this.onCover(false);
    this.before?.focus?.({ preventScroll: true });
  }

  /** A key's command while the wall is open; what it does not know answers false. */
  run(command) {
    if (command === "back") return this.enlarged.back() || this.alone || this.close();
    if (command === "wall") return this.alone || this.close();
    if (command === "leave-field") return document.activeElement.blur();
    if (command === "live") return this.#switchTour();
    if (command === "search") return this.head.focusSearch();
    if (command === "next" || command === "previous") return this.#scene((this.tour.index + (command === "next" ? 1 : -1) + this.layout.scenes.length) % this.layout.scenes.length);
    if (command.startsWith("camera:")) return this.#look(Number(command.slice(7)));
    return false;
  }

  /** Puts a camera into the scene that is shown. */
  add(camera) {
    const { layout, index } = withCamera(this.layout, this.tour.index, camera);
    this.tour = shownScene(this.tour, index, Date.now());
    this.following = null;
    this.#edit(layout);
  }

  /** Puts these cameras on the wall, opening it where it is not. */
  async put(ids, incident) {
    if (!this.shown) await this.toggle(incident);
    if (!this.shown) return;
    const cameras = await camerasById(ids).catch((error) => { toast(t("The cameras could not be found"), error.message, "bad"); return []; });
    // An empty scene takes the grid that holds them all; one in use keeps its own.
    if (!this.layout.scenes[this.tour.index].some(Boolean)) this.#edit(withGrid(this.layout, Math.max(this.layout.grid, gridFor(cameras.length))));
    cameras.forEach((camera) => this.add(camera));
  }

  /** Something new came: a G1 or G2 takes the wall over, where that is switched on. */
  arrived(incident) {
    if (!this.shown || !calls(incident)) return;
    this.news = incident;
    this.#words();
    if (this.auto) this.#follow(incident, false);
  }

  /** An incident was chosen, here or in another window. */
  chosen(incident) {
    if (this.shown && this.auto && incident) this.#follow(incident, true);
  }

  /** The followed incident as it is now; one that is over gives the wall back. */
  changed(incidents) {
    if (!this.shown) return;
    // Critical news stays on the wall until somebody has acknowledged it, whatever the wall shows.
    if (this.news && !(incidents.has(this.news.number) && unseen(incidents.get(this.news.number)))) this.#read();
    if (!this.following || incidents.has(this.following.number)) return;
    this.following = null;
    this.#draw();
  }

  #read() {
    this.news = null;
    this.#words();
  }

  async #ask() {
    return askReason({ title: t("Open the video wall"), subtitle: t("Without an incident the wall needs a reason, once.") });
  }

  #open(incident) {
    this.walls ??= readWalls(preference(STORED, null));
    this.tour = newTour(Date.now());
    this.before = document.activeElement;
    this.element.hidden = false;
    this.behind.forEach((element) => { element.inert = true; });
    this.onCover(true);
    this.element.focus({ preventScroll: true });
    this.clock = setInterval(() => this.#tick(), 500);
    this.#draw();
    if (incident && !ENDED.has(incident.status)) this.#follow(incident, true);
  }

  async #follow(incident, chosen) {
    const next = followed(this.following, incident, { at: Date.now(), chosen });
    if (next === this.following) return;
    const answer = await get("cameras", { near: `${incident.lat},${incident.lon}`, ...NEAR }).catch(() => null);
    const cameras = answer?.cameras.filter(({ video }) => video !== false).slice(0, NEAR_AT_MOST) ?? [];
    if (!this.shown || !cameras.length) return;
    const nothingElse = this.screen && !this.layout.scenes.flat().some(Boolean);
    if (this.news?.number === incident.number) this.news = null;
    this.following = { ...next, kept: nothingElse, incident, cameras };
    this.enlarged.back();
    this.#draw();
  }

  #tick() {
    const at = Date.now();
    const following = stillFollowed(this.following, { at });
    const tour = this.following ? shownScene(this.tour, this.tour.index, at) : toured(this.tour, { at, seconds: this.layout.seconds, count: this.layout.scenes.length });
    const same = following === this.following && tour.index === this.tour.index;
    Object.assign(this, { following, tour });
    if (same) this.#words();
    else this.#draw();
  }

  #edit(layout) {
    this.walls = { ...this.walls, current: layout };
    this.tour = toured(this.tour, { at: Date.now(), seconds: layout.seconds, count: layout.scenes.length });
    this.#draw();
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.#keep(), SAVE_MS);
  }

  #keep() {
    return savePreference(STORED, this.walls).catch((error) => toast(t("The layout could not be saved"), error.message, "bad"));
  }

  async #save(name) {
    const layout = { ...this.layout, name };
    this.walls = { layouts: saved(this.walls.layouts, layout), current: layout };
    this.#draw();
    await this.#keep();
    toast(t("Layout saved"), name, "good");
  }

  #load(name) {
    const layout = this.walls.layouts.find((one) => one.name === name);
    if (!layout) return;
    this.tour = newTour(Date.now());
    this.following = null;
    this.#edit(layout);
  }

  #scene(index) {
    this.following = null;
    this.tour = shownScene(this.tour, index, Date.now());
    this.#draw();
  }

  #addScene() {
    const layout = withScene(this.layout);
    this.tour = shownScene(this.tour, layout.scenes.length - 1, Date.now());
    this.#edit(layout);
  }

  #switchTour() {
    this.tour = switched(this.tour, !this.tour.on, Date.now());
    this.#words();
  }

  #look(number) {
    const tile = [...this.tiles.values()][number - 1];
    if (!tile) return false;
    if (this.enlarged.tile === tile) return this.enlarged.back();
    this.enlarged.show(tile, () => move(tile, tile.slot));
    return true;
  }

  #popOut() {
    popOut({ view: "wall" }, this.why);
    this.close();
  }

  #draw() {
    const { following, layout } = this;
    const { grid, scene } = following ? sceneFor(following.cameras) : { grid: layout.grid, scene: layout.scenes[this.tour.index] };
    this.grid.dataset.grid = String(grid);
    this.#tilesFor(scene, following ? { incident: following.number } : this.why);
    this.element.classList.toggle("following", Boolean(following));
    // Only what must move is moved: a moved picture stops for a moment.
    arrange(this.grid, scene.map((camera) => (camera ? this.tiles.get(camera.id).slot : this.#free())));
    this.tiles.forEach((tile) => tile.moved());
    this.#words();
  }

  /** Keeps the pictures that stay, opens the new ones, gives the others back. */
  #tilesFor(scene, why) {
    const wanted = new Map(scene.filter(Boolean).map((camera) => [camera.id, camera]));
    for (const [id, tile] of this.tiles) {
      if (wanted.has(id) && JSON.stringify(tile.why) === JSON.stringify(why)) continue;
      if (this.enlarged.tile === tile) this.enlarged.back();
      tile.close();
      this.tiles.delete(id);
    }
    const tiles = [...wanted.values()].map((camera) => this.tiles.get(camera.id) ?? this.#tile(camera, why));
    tiles.forEach((tile, i) => tile.numbered(i + 1));
    this.tiles = new Map(tiles.map((tile) => [tile.camera.id, tile]));
    // Only a tile that is in the page is seen, and only one that is seen asks for its picture.
    queueMicrotask(() => tiles.forEach((tile) => this.tiles.get(tile.camera.id) === tile && tile.open()));
  }

  #tile(camera, why) {
    const remove = h("button", { type: "button", class: "cam-tool", title: t("Take off the wall"), "aria-label": `${t("Take off the wall")}: ${camera.name}`, onclick: () => this.#edit(withoutCamera(this.layout, this.tour.index, camera.id)) }, icon("x"));
    const tile = new Tile({ camera, why, number: 1, denied: !this.may("watch"), onChoose: () => this.#look([...this.tiles.values()].indexOf(tile) + 1), tools: [remove] });
    tile.slot = h("div", { class: "wall-slot" }, tile.element);
    return tile;
  }

  #free() {
    return h("button", { type: "button", class: "wall-slot free", onclick: () => this.head.focusSearch() }, icon("plus"), t("Add a camera"));
  }

  #words() {
    const at = Date.now();
    const { following, tour, layout } = this;
    this.head.show({
      layout, index: tour.index, names: this.walls.layouts.map(({ name }) => name), touring: tour.on, auto: this.auto, following: Boolean(following),
      left: following ? null : secondsLeft(tour, { at, seconds: layout.seconds, count: layout.scenes.length }),
    });
    this.#headline();
    this.notice.hidden = !following;
    if (!following) return;
    if (this.notice.dataset.number !== following.number || this.notice.dataset.kept !== String(following.kept)) this.#announce(following);
    const left = holdLeft(following, at);
    text(this.notice.querySelector("small"), left == null ? t("stays until you go back") : t("goes back in %(s)s s", { s: left }));
  }

  /** What came and does not have the wall: it is not turned to, or another keeps it. */
  #headline() {
    const { news } = this;
    this.headline.hidden = !news;
    if (!news || this.headline.dataset.number === news.number) return;
    this.headline.dataset.number = news.number;
    this.headline.className = `wall-notice news ${news.grade}`;
    this.headline.replaceChildren(shape(shapeId(news), news.grade), h("b", {}, t("New: %(name)s", { name: nameOf(news) })), h("small"),
      h("button", { type: "button", class: "quiet", onclick: () => this.#follow(news, true) }, icon("arrow-right"), t("Turn there")),
      h("button", { type: "button", class: "tool", "aria-label": t("Close"), onclick: () => this.#read() }, icon("x")));
  }

  #announce({ incident, number, grade, kept: stays }) {
    Object.assign(this.notice.dataset, { number, kept: String(stays) });
    this.notice.className = `wall-notice ${grade}`;
    this.notice.replaceChildren(h("b", {}, t("Turned to the incident: %(name)s", { name: nameOf(incident) })), h("small"),
      stays ? "" : h("button", { type: "button", class: "quiet", onclick: () => { this.following = kept(this.following); this.#words(); } }, t("Stay here")),
      h("button", { type: "button", class: "quiet", onclick: () => { this.following = null; this.#draw(); } }, icon("undo-2"), t("Back to the scene")));
  }
}

const nameOf = (incident) => [named(incident.title), incident.place].filter(Boolean).join(" · ");
