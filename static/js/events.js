/** The events of the open incident: what each said, why it joined, and merging, splitting and undoing. */
import { get } from "./api.js";
import { h, icon, shape } from "./dom.js";
import { clock, dateTime } from "./format.js";
import { named, t } from "./i18n.js";
import { canSplit, whyWords } from "./why.js";

const PAGE_SIZE = 100;
/** In a storm the incident changes many times a second; its list is read again at this pace. */
const PACE_MS = 1000;

export class JoinedEvents {
  /**
   * `map`: shows the events' places. `onMerge(incident)`, `onSplit(incident, ids)`, `onUndo(regrouping)`: what was asked for.
   * `onOpen(number)`: another incident was pointed at.
   */
  constructor({ map, onMerge, onSplit, onUndo, onOpen }) {
    Object.assign(this, { map, onMerge, onSplit, onUndo, onOpen });
    this.element = h("section", { class: "block joined" });
    this.#forget();
  }

  /** Shows the incident's events; `can(action)` tells what may be done, `historic` that the past is shown. */
  render(incident, { now, can, historic = false }) {
    const opened = incident?.number !== this.incident?.number;
    if (opened) this.#forget();
    Object.assign(this, { incident, can, until: historic ? now : Infinity, historic });
    if (!incident) return this.map.showJoined(null, []);
    const key = [incident.number, incident.event_count, incident.status, incident.merged_into].join();
    if (key !== this.key) this.#soon(key);
    this.#draw();
  }

  #forget() {
    Object.assign(this, { events: [], regroupings: [], more: null, ticked: new Set(), key: "", error: null, loaded: false });
  }

  #soon(key) {
    this.key = key;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.load(), Math.max(0, (this.readAt ?? 0) + PACE_MS - Date.now()));
  }

  /** Reads the list from its beginning; an answer that comes after another incident was opened is dropped. */
  async load(cursor = null) {
    const number = this.incident?.number;
    if (!number) return;
    this.readAt = Date.now();
    const answer = await get(`incidents/${encodeURIComponent(number)}/events`, { page_size: PAGE_SIZE, cursor }).catch((error) => ({ error }));
    if (number !== this.incident?.number) return;
    this.error = answer.error ?? null;
    if (!answer.error) {
      this.events = cursor ? [...this.events, ...answer.events] : answer.events;
      Object.assign(this, { regroupings: answer.regroupings, more: answer.cursor, loaded: true });
      const known = new Set(this.events.map(({ id }) => id));
      this.ticked = new Set([...this.ticked].filter((id) => known.has(id)));
    }
    this.#draw();
  }

  #draw() {
    const shown = this.events.filter(({ received_at: at }) => new Date(at).getTime() <= this.until);
    this.map.showJoined(this.incident, shown);
    const focused = document.activeElement?.closest?.("[data-event]")?.dataset.event;
    const splitting = !this.historic && this.can("split") && this.incident.event_count > 1;
    this.element.replaceChildren(...[
      h("h3", {}, t("Events"), h("small", {}, this.incident.event_count > 1 ? t("why each is here") : "")),
      shown.length ? h("ol", { class: "joined-list" }, shown.map((event) => this.#row(event, splitting)))
        : h("p", { class: "none" }, this.#nothing()),
      this.more ? h("button", { type: "button", class: "quiet small", onclick: () => this.load(this.more) }, t("Show more events")) : null,
      this.historic ? null : h("div", { class: "joined-past" }, this.regroupings.map((one) => this.#regrouping(one))),
      this.historic ? null : this.#buttons(splitting),
    ].filter(Boolean));
    if (focused) this.element.querySelector(`[data-event="${CSS.escape(focused)}"] input`)?.focus();
  }

  /** Why no event is listed: nothing is claimed before the server has answered. */
  #nothing() {
    if (this.error) return this.error.message;
    if (!this.loaded) return t("Looking…");
    const { merged_into: into } = this.incident;
    return into ? t("Its events are in %(number)s now.", { number: into }) : t("Registered by hand: no device reported it.");
  }

  #row(event, splitting) {
    const { hand, words } = whyWords(event.why);
    const source = [named(event.system_name) || event.system, event.device_id].filter(Boolean).join(" · ");
    const tick = h("input", { type: "checkbox", checked: this.ticked.has(event.id), "aria-label": t("Choose %(event)s for splitting", { event: `${named(event.title)} ${clock(event.occurred_at)}` }),
      onchange: (change) => this.#tick(event.id, change.target.checked) });
    return h("li", { class: `joined-row ${event.grade} ${splitting ? "" : "plain"}`, dataset: { event: event.id, how: event.why.how }, onmouseenter: () => this.map.lookAtJoined(event.id), onmouseleave: () => this.map.lookAtJoined(null) },
      splitting ? tick : null, shape(`g-${event.grade}-held`, event.grade),
      h("div", {}, h("p", {}, h("b", {}, named(event.title)), h("span", {}, source), h("time", { datetime: event.occurred_at, title: dateTime(event.occurred_at) }, clock(event.occurred_at))),
        event.summary ? h("p", { class: "said" }, event.summary) : null,
        h("p", { class: hand ? "why hand" : "why" }, icon(hand ? "hand" : event.why.how === "rule" ? "merge" : "chevron-right"), words)));
  }

  #tick(id, on) {
    if (on) this.ticked.add(id);
    else this.ticked.delete(id);
    this.#draw();
  }

  #regrouping(one) {
    const other = one.part === this.incident.number ? one.whole : one.part;
    const words = { merge: one.part === this.incident.number ? t("Merged into") : t("Took in"), split: one.part === this.incident.number ? t("Split off from") : t("Gave off") }[one.kind];
    const may = this.can(one.undo);
    const button = may && h("button", { type: "button", class: "quiet small", dataset: { undo: one.undo, part: one.part }, disabled: Boolean(one.refusal), title: one.refusal ?? "", onclick: () => this.onUndo(one) }, icon("undo-2"), t("Undo"));
    return h("div", { class: "joined-one" },
      h("p", {}, `${words} `, h("button", { type: "button", class: "link", onclick: () => this.onOpen(other) }, other), h("small", {}, ` · ${one.by} · ${clock(one.at)}`), may && one.refusal ? h("small", { class: "against" }, one.refusal) : null), button || null);
  }

  #buttons(splitting) {
    const merge = this.can("merge") && this.incident.moves.includes("merge");
    if (!merge && !splitting) return null;
    const ready = canSplit(this.ticked.size, this.incident.event_count);
    return h("div", { class: "joined-buttons" },
      merge ? h("button", { type: "button", class: "quiet", dataset: { regroup: "merge" }, onclick: () => this.onMerge(this.incident) }, icon("merge"), t("Merge…")) : null,
      splitting ? h("button", { type: "button", class: "quiet", dataset: { regroup: "split" }, disabled: !ready, title: ready ? "" : t("Tick some of the events, not all"), onclick: () => this.onSplit(this.incident, [...this.ticked]) }, icon("split"), this.ticked.size ? t("Split off (%(n)s)…", { n: this.ticked.size }) : t("Split off…")) : null,
      splitting && !this.ticked.size ? h("small", {}, t("Tick what is another happening.")) : null);
  }
}
