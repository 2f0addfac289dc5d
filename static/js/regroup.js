/** Merging, splitting and undoing: choose, read what will happen, confirm. The ledger's rows then show it everywhere. */
import { get } from "./api.js";
import { field, openDialog } from "./dialog.js";
import { h, icon, shape } from "./dom.js";
import { distance, span } from "./format.js";
import { shapeId, statusName } from "./grades.js";
import { named, t } from "./i18n.js";
import { mergeLines, mergeWay, splitLines, undoLines } from "./why.js";

const TYPING_MS = 350;
const path = (incident) => `incidents/${encodeURIComponent(incident.number)}/neighbours`;

function heading(incident) {
  return { lead: shape(shapeId(incident), incident.grade), subtitle: `${named(incident.title)} · ${incident.place || incident.address} · ${incident.number}` };
}

const preview = (lines) => [h("h3", {}, t("What will happen")), h("ul", { class: "will" }, lines.map((line) => h("li", {}, icon("arrow-right"), line)))];

export class Regrouper {
  /** `send(number, action, body)`: acts and answers the incident once it is on the screen. `open(number)` opens one. */
  constructor({ send, picker, open }) {
    Object.assign(this, { send, picker, open });
  }

  /** Asks what to merge `incident` with, beside the map and the queue, in which one may be pointed at. */
  merge(incident) {
    const choice = new MergeChoice(incident);
    const dialog = openDialog({
      title: t("Merge with another incident"), ...heading(incident), docked: true, body: choice.element, onClose: () => this.picker.end(),
      confirm: { label: t("Merge"), icon: "merge", run: async (element) => {
        if (!choice.pair) return element.refuse(choice.against || t("Choose the other incident first."));
        const [part, whole] = choice.pair;
        await this.send(part.number, "merge", { into: whole.number });
        this.open(whole.number);
        return true;
      } },
    });
    choice.onChange = () => dialog.refuse("");
    this.picker.begin({ onIncident: (number) => choice.name(number) });
  }

  /** Shows what splitting these events off will do, and does it. */
  split(incident, ids) {
    openDialog({
      title: t("Split events off"), ...heading(incident), body: preview(splitLines(incident, ids.length)),
      confirm: { label: t("Split them off"), icon: "split", run: async () => {
        const { number } = await this.send(incident.number, "split", { events: ids });
        this.open(number);
        return true;
      } },
    });
  }

  /** Shows what undoing a merge or split will do, and does it. */
  undo(one) {
    openDialog({
      title: one.kind === "merge" ? t("Undo the merge") : t("Undo the split"), subtitle: `${one.part} · ${one.whole}`, lead: icon("undo-2"), body: preview(undoLines(one)),
      confirm: { label: t("Undo"), icon: "undo-2", run: async () => {
        const { number } = await this.send(one.part, one.undo);
        this.open(number);
        return true;
      } },
    });
  }
}

/** The choice of the other incident: suggestions, a number typed, or one pointed at; then which way, and what will happen. */
class MergeChoice {
  constructor(incident) {
    Object.assign(this, { incident, pair: null, against: "", onChange: () => {} });
    this.list = h("div", { class: "neighbours", role: "radiogroup", "aria-label": t("Suggestions") }, h("p", { class: "none" }, t("Looking…")));
    this.input = h("input", { name: "number", autocomplete: "off", spellcheck: "false", "data-first": "", placeholder: incident.number });
    this.input.addEventListener("input", () => { clearTimeout(this.typing); this.typing = setTimeout(() => this.#typed(), TYPING_MS); });
    this.input.addEventListener("keydown", (event) => { if (event.key === "Enter" && !this.pair) { event.preventDefault(); this.#typed(); } });
    this.outcome = h("div", { class: "outcome", "aria-live": "polite" });
    this.element = [h("p", { class: "hint-line" }, icon("crosshair"), t("Click it in the queue or on the map, choose one below, or type its number.")),
      h("h3", {}, t("Near in space and time")), this.list, field(t("Or by its number"), this.input), this.outcome];
    this.#suggest();
  }

  /** Takes the incident of that number, wherever it was pointed at. */
  async name(number) {
    const answer = await get(path(this.incident), { number }).catch((error) => ({ error }));
    const [found] = answer.neighbours ?? [];
    this.#choose(found ?? null, answer.error?.message ?? t("There is no other incident of that number."));
  }

  async #suggest() {
    const answer = await get(path(this.incident)).catch((error) => ({ error }));
    const found = answer.neighbours ?? [];
    this.list.replaceChildren(...(found.length ? found.map((one) => this.#option(one)) : [h("p", { class: "none" }, answer.error?.message ?? t("None within 1 km and an hour."))]));
  }

  #option(one) {
    const { incident } = one;
    const far = one.distance_m == null ? t("place unknown") : distance(one.distance_m);
    const input = h("input", { type: "radio", name: "neighbour", value: incident.number, onchange: () => this.#choose(one) });
    return h("label", { class: incident.grade }, input, h("span", { class: "neighbour" }, shape(shapeId(incident), incident.grade),
      h("span", {}, h("b", {}, `${named(incident.title)} · ${incident.place || ""}`), h("small", {}, `${incident.number} · ${statusName(incident.status)}`)),
      h("span", { class: "how-near" }, far, h("small", {}, t("gap %(gap)s", { gap: span(one.gap_s * 1000) })))));
  }

  #typed() {
    const number = this.input.value.trim();
    if (number) this.name(number);
  }

  #choose(one, missing = "") {
    this.onChange();
    for (const radio of this.list.querySelectorAll("input")) radio.checked = radio.value === one?.incident.number;
    this.pair = null;
    this.against = missing;
    if (!one) return this.outcome.replaceChildren(h("p", { class: "refusal" }, icon("circle-alert"), missing));
    this.input.value = one.incident.number;
    this.#way(one, mergeWay(one));
  }

  #way(one, way) {
    const { incident } = this;
    this.pair = way && (way === "into" ? [incident, one.incident] : [one.incident, incident]);
    this.against = way ? "" : one.refusal;
    if (!way) return this.outcome.replaceChildren(h("p", { class: "refusal" }, icon("circle-alert"), one.refusal));
    const turn = !one.refusal && !one.refusal_other_way && h("button", { type: "button", class: "quiet small", onclick: () => this.#way(one, way === "into" ? "from" : "into") }, icon("refresh-cw"), t("The other way round"));
    this.outcome.replaceChildren(...preview(mergeLines(...this.pair)), turn || "");
  }
}
