/** Saved views, each person's own: a name for a centre, a zoom and what is switched off. Kept by the server. */
import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { preference, savePreference } from "../preferences.js";
import { toast } from "../toast.js";

const NAME = "map.views";
const MOST = 20;

/** The list with `view` under its name, replacing the one of that name; newest last. */
export function withView(views, view) {
  return [...views.filter(({ name }) => name !== view.name), view].slice(-MOST);
}

export class SavedViews {
  /** `current()`: `{lat, lon, zoom, off}` as it is now; `onGo(view)`. */
  constructor({ current, onGo }) {
    Object.assign(this, { current, onGo });
    this.list = h("ul", { class: "saved-views" });
    this.input = h("input", { type: "text", maxLength: 40, placeholder: t("Name of this view"), "aria-label": t("Name of this view") });
    const form = h("form", { class: "save-view", onsubmit: (event) => { event.preventDefault(); this.#save(); } }, this.input,
      h("button", { type: "submit", class: "quiet", title: t("Save this view") }, icon("plus"), t("Save")));
    this.element = h("section", {}, h("h3", {}, t("Saved views")), this.list, form);
    this.#render();
  }

  async #save() {
    const name = this.input.value.trim();
    if (!name) return this.input.focus();
    await this.#keep(withView(this.#views(), { name, ...this.current() }));
    this.input.value = "";
  }

  async #keep(views) {
    try {
      await savePreference(NAME, views);
    } catch (error) {
      toast(t("The view was not saved"), error.message, "bad");
    }
    this.#render();
  }

  #views() {
    const views = preference(NAME, []);
    return Array.isArray(views) ? views : [];
  }

  #render() {
    this.list.replaceChildren(...this.#views().map((view) => h("li", {},
      h("button", { type: "button", class: "go", onclick: () => this.onGo(view) }, icon("map-pin"), view.name),
      h("button", { type: "button", class: "tool", "aria-label": t("Remove %(name)s", { name: view.name }), onclick: () => this.#keep(this.#views().filter(({ name }) => name !== view.name)) }, icon("x")))));
  }
}
