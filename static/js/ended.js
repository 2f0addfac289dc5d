/** Finding incidents that have left the queue: by the words of the search field, over REST. */
import { get } from "./api.js";
import { h, icon, shape } from "./dom.js";
import { dateTime } from "./format.js";
import { ENDED, shapeId, statusName } from "./grades.js";
import { named, t } from "./i18n.js";

const LIMIT = 30;

export class EndedSearch {
  /** `onFound(incidents)` before they are listed, `onOpen(number)` when one is chosen. */
  constructor({ onFound, onOpen }) {
    Object.assign(this, { onFound, onOpen });
    this.element = document.getElementById("queue-ended");
    this.search = document.getElementById("search");
    this.search.addEventListener("input", () => this.#offer());
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing && this.search.value.trim()) this.find();
    });
  }

  /** Looks the words up and lists what has ended, newest first. */
  async find() {
    const words = this.search.value.trim();
    const answer = await get("incidents", { q: words, status: [...ENDED].join(","), page_size: LIMIT }).catch((error) => ({ error }));
    if (words !== this.search.value.trim()) return;
    const found = answer.incidents ?? [];
    this.onFound(found);
    const rows = found.map((incident) => h("li", {}, h("button", { type: "button", onclick: () => this.onOpen(incident.number) },
      shape(shapeId(incident), incident.grade),
      h("span", {}, h("b", {}, `${named(incident.title)} · ${incident.place || ""}`), h("small", {}, `${statusName(incident.status)} · ${dateTime(incident.received_at)}`)))));
    this.element.replaceChildren(h("h3", {}, t("Ended incidents")), rows.length ? h("ol", {}, rows) : h("p", { class: "none" }, answer.error ? answer.error.message : t("Nothing matches")));
  }

  #offer() {
    this.element.hidden = !this.search.value.trim();
    this.element.replaceChildren(h("button", { type: "button", class: "find-ended", onclick: () => this.find() }, icon("archive"), t("Search ended incidents too"), h("kbd", { "aria-hidden": "true" }, "Enter")));
  }
}
