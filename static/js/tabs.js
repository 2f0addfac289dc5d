/** The small page: queue, map and incident one at a time, with the same panels. On a wide screen nothing of this shows. */
import { h, icon, shape, text } from "./dom.js";
import { GRADES, gradeName, shapeId } from "./grades.js";
import { named, t } from "./i18n.js";
import { unseenCounts } from "./store.js";

export const TABS = ["queue", "map", "incident"];

/** The worst grade that waits for an acknowledgement, or null. */
export function worstUnseen(incidents) {
  const counts = unseenCounts(incidents);
  return GRADES.find((grade) => counts[grade]) ?? null;
}

export class Tabs {
  /** `place`: the `<nav>`; the body says in `data-tab` which one is shown, and `onShow(tab)` is told. */
  constructor(place, onShow = () => {}) {
    this.onShow = onShow;
    const words = { queue: [t("Queue"), "inbox"], map: [t("Map"), "map-pin"], incident: [t("Incident"), "file-text"] };
    this.badges = {};
    this.buttons = Object.fromEntries(TABS.map((tab) => {
      this.badges[tab] = h("span", { class: "tab-badge" });
      const [word, name] = words[tab];
      return [tab, h("button", { type: "button", dataset: { tab }, onclick: () => this.show(tab) }, icon(name), h("span", {}, word), this.badges[tab])];
    }));
    place.replaceChildren(...Object.values(this.buttons));
    this.#more(document.querySelector(".top"));
    this.show("queue");
  }

  /** On a phone the header keeps what is urgent; this button opens the rest. */
  #more(top) {
    const button = h("button", { type: "button", class: "tool top-more", "aria-expanded": "false", "aria-label": t("More"), title: t("More") }, icon("settings"));
    button.addEventListener("click", () => button.setAttribute("aria-expanded", String(top.classList.toggle("open"))));
    top.querySelector(".top-right").append(button);
  }

  /** Shows one tab. */
  show(tab) {
    this.shown = tab;
    document.body.dataset.tab = tab;
    this.onShow(tab);
    for (const [name, button] of Object.entries(this.buttons)) button.setAttribute("aria-current", String(name === tab));
  }

  /** An incident was chosen (its tab comes), or with null none is (the queue comes back). */
  chosen(number) {
    this.show(number ? "incident" : "queue");
  }

  /** Says how many wait and which incident is open, whatever tab is shown. */
  tell(incidents, incident) {
    const counts = unseenCounts(incidents);
    const worst = worstUnseen(incidents);
    const key = `${counts.total} ${worst} ${incident?.number} ${incident && shapeId(incident)}`;
    if (key === this.told) return;
    this.told = key;
    this.badges.queue.replaceChildren(...(worst ? [h("span", { role: "img", "aria-label": gradeName(worst) }, shape(`g-${worst}`, worst)), String(counts.total)] : []));
    this.badges.incident.replaceChildren(...(incident ? [h("span", { role: "img", "aria-label": gradeName(incident.grade) }, shape(shapeId(incident), incident.grade))] : []));
    text(this.buttons.incident.children[1], incident ? named(incident.title) : t("Incident"));
  }
}
