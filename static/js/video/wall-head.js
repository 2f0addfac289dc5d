/** The wall's tools: scenes, grid, tour, saved layouts, search, and the turn to incidents. It decides nothing by itself. */
import { field, openDialog } from "../dialog.js";
import { cap, h, icon, text } from "../dom.js";
import { t } from "../i18n.js";
import { GRIDS, SECONDS } from "./layout.js";
import { CameraSearch } from "./camera-search.js";

export class WallHead {
  /** `on`: what each tool does. `find(words)`: cameras (async). `alone`: there is nothing to close or pop out. */
  constructor({ on, find, alone }) {
    this.on = on;
    this.said = "";
    this.scenes = h("div", { class: "wall-scenes", role: "group", "aria-label": t("Scenes") });
    this.grids = h("div", { class: "wall-grids", role: "group", "aria-label": t("Pictures at once") }, GRIDS.map((grid) => h("button", { type: "button", dataset: { grid: String(grid) }, onclick: () => on.grid(grid) }, String(grid))));
    this.tour = h("button", { type: "button", class: "wall-tour", "aria-keyshortcuts": "Space", onclick: () => on.tour() }, icon("repeat"), h("span", {}, t("Tour")), h("b"));
    this.seconds = h("select", { "aria-label": t("Seconds a scene"), onchange: (event) => on.seconds(Number(event.target.value)) }, SECONDS.map((s) => h("option", { value: String(s) }, t("%(s)s s", { s }))));
    this.auto = h("button", { type: "button", class: "wall-auto", title: t("A new critical or major incident takes the wall over for a minute."), onclick: () => on.auto() }, icon("siren"), t("Turn to incidents"));
    this.layouts = h("select", { class: "wall-layouts", "aria-label": t("Saved layouts"), onchange: (event) => on.open(event.target.value) });
    this.search = new CameraSearch({ find, onChoose: (camera) => on.add(camera) });
    const tool = (name, label, run) => h("button", { type: "button", class: "tool", title: label, "aria-label": label, onclick: run }, icon(name));
    this.element = h("header", { class: "wall-head" }, h("h2", {}, t("Video wall")), this.scenes, this.grids, h("div", { class: "wall-touring" }, this.tour, this.seconds), this.auto, this.search.element,
      h("div", { class: "wall-end" }, this.layouts, tool("save", t("Save this layout"), () => this.#askName()),
        alone ? null : tool("picture-in-picture-2", t("Open in a window of its own"), () => on.popOut()), alone ? null : h("button", { type: "button", class: "tool wide", title: t("Close the wall"), onclick: () => on.close() }, icon("x"), cap("V"))));
  }

  focusSearch() {
    this.search.focus();
    return true;
  }

  /** Shows `{layout, index, names, touring, auto, following, left}`. */
  show({ layout, index, names, touring, auto, following, left }) {
    const key = JSON.stringify([layout.scenes.length, index, names, layout.name, following]);
    if (key !== this.said) this.#rebuild(layout, index, names, following);
    this.said = key;
    this.name = layout.name;
    for (const button of this.grids.children) button.setAttribute("aria-pressed", String(Number(button.dataset.grid) === layout.grid));
    this.tour.setAttribute("aria-pressed", String(touring));
    text(this.tour.querySelector("b"), left == null ? "" : String(left));
    this.auto.setAttribute("aria-pressed", String(auto));
    if (this.seconds.value !== String(layout.seconds)) this.seconds.value = String(layout.seconds);
  }

  #rebuild(layout, index, names, following) {
    const tabs = layout.scenes.map((_, i) => h("button", { type: "button", "aria-pressed": String(!following && i === index), "aria-label": t("Scene %(n)s", { n: i + 1 }), onclick: () => this.on.scene(i) }, String(i + 1)));
    const tool = (name, label, run) => h("button", { type: "button", title: label, "aria-label": label, onclick: run }, icon(name));
    const inside = this.scenes.contains(document.activeElement);
    this.scenes.replaceChildren(...tabs, tool("plus", t("One scene more"), () => this.on.addScene()), layout.scenes.length > 1 ? tool("minus", t("Remove this scene"), () => this.on.dropScene()) : "");
    if (inside) tabs[index]?.focus();
    this.layouts.replaceChildren(h("option", { value: "" }, names.length ? t("Saved layouts") : t("No saved layout")), ...names.map((name) => h("option", { value: name, selected: name === layout.name }, name)));
  }

  #askName() {
    const input = h("input", { name: "name", maxlength: "40", autocomplete: "off", "data-first": "", value: this.name });
    openDialog({
      title: t("Save this layout"), body: [field(t("Name"), input, t("Scenes, grid and tour are kept for you; a layout of the same name is replaced."))],
      confirm: {
        label: t("Save"), icon: "save",
        run: async (dialog, form) => {
          const name = form.get("name").trim();
          if (!name) return dialog.refuse(t("Something is still missing: choose or write it."));
          await this.on.save(name);
          return true;
        },
      },
    });
  }
}
