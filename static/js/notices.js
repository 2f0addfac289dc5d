/** The calm strip under the header: what one should know and may put off. Alarms are the banner's. */
import { arrange, h, icon } from "./dom.js";
import { t } from "./i18n.js";

export class Notices {
  constructor(place) {
    this.place = place;
    this.shown = new Map();
    this.putOff = new Set();
  }

  /** Shows notice `id`: `{icon, words, tone, action: {label, run}}`; null takes it away, and forgets that it was put off. */
  set(id, notice) {
    const known = this.shown.get(id);
    if (!notice) {
      this.putOff.delete(id);
      if (known) this.#drop(id);
    } else if (!known && !this.putOff.has(id)) this.#add(id, notice);
    else if (known && known.words.textContent !== notice.words) known.words.textContent = notice.words;
  }

  #add(id, { icon: name, words, tone = "", action = null }) {
    const said = h("span", {}, words);
    const later = h("button", { type: "button", class: "later", onclick: () => { this.putOff.add(id); this.#drop(id); } }, t("Later"));
    const element = h("p", { class: `notice ${tone}`, dataset: { notice: id } }, icon(name), said,
      action ? h("button", { type: "button", onclick: action.run }, action.label) : null, later);
    this.shown.set(id, { element, words: said });
    this.#show();
  }

  #drop(id) {
    this.shown.delete(id);
    this.#show();
  }

  #show() {
    arrange(this.place, [...this.shown.values()].map(({ element }) => element));
    this.place.hidden = this.shown.size === 0;
  }
}
