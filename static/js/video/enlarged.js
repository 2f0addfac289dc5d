/** One camera large over the map: its tile moved there, what it is, controls where it can turn, and a window of its own. */
import { h, icon } from "../dom.js";
import { bearing, distance } from "../format.js";
import { named, t } from "../i18n.js";
import { PtzPad } from "./ptz.js";
import { popOut } from "./windows.js";

export class Enlarged {
  /** `stage`: the element that is covered. `may(action)`: whether this person may. `alone`: there is nothing to go back to. */
  constructor(stage, { may, alone = false }) {
    Object.assign(this, { stage, may, alone, tile: null });
    this.place = h("div", { class: "enlarged-picture" });
    this.head = h("div", { class: "enlarged-head" });
    this.element = h("section", { class: "enlarged", tabindex: "-1", "aria-label": t("Enlarged camera") }, this.head, this.place);
  }

  /** Whether a camera is shown large. */
  get open() {
    return this.element.isConnected;
  }

  /** Shows `tile` large; when it leaves, `onBack(tile)` takes it again. */
  show(tile, onBack) {
    if (this.tile === tile) return;
    this.back();
    Object.assign(this, { tile, onBack, before: document.activeElement });
    this.#fill(tile);
    this.stage.append(this.element);
    move(tile, this.place);
    this.element.focus({ preventScroll: true });
  }

  /** Puts the tile back; answers whether one was shown. */
  back() {
    if (!this.open) return false;
    const { tile, onBack, before } = this;
    this.pad?.close();
    Object.assign(this, { tile: null, pad: null });
    onBack(tile);
    this.element.remove();
    tile.moved();
    if (before?.isConnected) before.focus({ preventScroll: true });
    return true;
  }

  #fill({ camera, why, denied }) {
    const where = [named(camera.purpose), camera.address, camera.number, camera.distance_m == null ? "" : `${bearing(camera.bearing_deg)} ${distance(camera.distance_m)}`].filter(Boolean).join(" · ");
    const tool = (name, label, onclick) => h("button", { type: "button", class: "tool", title: label, "aria-label": label, onclick }, icon(name));
    this.head.replaceChildren(h("h2", {}, camera.name, h("small", {}, where)),
      denied || this.alone ? "" : tool("picture-in-picture-2", t("Open in a window of its own"), () => { popOut({ view: "camera", camera: camera.id }, why); this.back(); }),
      this.alone ? "" : tool("x", `${t("Back")} (Esc)`, () => this.back()));
    if (!camera.ptz || denied || !why || !this.may("ptz")) return this.place.replaceChildren();
    this.pad = new PtzPad(camera, why);
    this.pad.listen(document);
    this.place.replaceChildren(this.pad.element);
  }
}

/** Moves a tile's element to `place` without interrupting it where the browser knows how. */
export function move(tile, place, before = place.firstChild) {
  if (place.moveBefore && tile.element.isConnected && place.isConnected) place.moveBefore(tile.element, before);
  else place.insertBefore(tile.element, before);
  tile.moved();
}
