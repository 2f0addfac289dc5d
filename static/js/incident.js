/** The panel at the right: the open incident, what can be done, cameras, relays, timeline and the note field. */
import { ACTIONS, menu } from "./actions.js";
import { get } from "./api.js";
import { cap, h, icon, shape, text } from "./dom.js";
import { clock, counter, dateTime, position, span } from "./format.js";
import { ENDED, gradeName, shapeId, shapeName, statusName, unseen } from "./grades.js";
import { named, t, tn } from "./i18n.js";
import { overdue, shelved } from "./store.js";
import { byPerson, timelineList } from "./timeline.js";
import { whereabouts } from "./whereabouts.js";

export class IncidentPanel {
  /**
   * `me`, `catalogue`: from the API. `cameras`, `relays`, `events`, `procedure`: the blocks shown between head and timeline.
   * `overview`: what is shown while nothing is open.
   * `onAction(id)`, `onNote(text)` (answers true when the ledger has it), `onClose()`.
   */
  constructor({ me, catalogue, cameras, relays, events, procedure, overview, offer, onAction, onNote, onClose }) {
    Object.assign(this, { me, catalogue, cameras, relays, events, procedure, overview, offer, onAction, onNote, onClose });
    this.element = document.getElementById("panel");
    this.changes = new Map();
    this.busy = new Set();
    this.head = h("div");
    this.actions = h("div");
    this.timeline = h("section", { class: "block" });
    this.note = this.#noteForm();
    this.body = h("div", { class: "panel-body" }, offer.element, procedure.element, relays.element, cameras.element, events.element, this.timeline);
    this.#renderEmpty();
  }

  /** Shows `incident` (or nothing) as of `now`; `historic` turns every action off. */
  render(incident, { now, historic = false }) {
    const opened = incident?.number !== this.incident?.number;
    Object.assign(this, { now, historic });
    if (!incident) return this.incident && this.#renderEmpty();
    if (opened) this.#open(incident);
    else if (incident === this.incident && historic === this.wasHistoric) return;
    Object.assign(this, { incident, wasHistoric: historic });
    this.note.hidden = historic;
    this.#renderHead();
    this.#renderActions();
    if (!opened) this.#renderTimeline();
    this.relays.render(incident, { can: !historic && this.me.actions.includes("called-by-hand"), now });
    this.offer.render(incident, { can: !historic && this.me.actions.includes("accept"), now });
    this.procedure.render(incident, { now, historic });
    this.cameras.load(incident, { historic });
    this.events.render(incident, { now, historic, can: (action) => this.me.actions.includes(action) });
  }

  /** Counts what counts; called every second. */
  tick(now) {
    this.now = now;
    if (!this.incident) return this.overview.tick(now);
    text(this.elapsed, t("%(time)s ago", { time: span(now - new Date(this.incident.occurred_at).getTime()) }));
    this.relays.tick(now);
    this.offer.tick(now);
    this.procedure.tick(now);
    const late = overdue(this.incident, now);
    const seenText = late == null ? "" : late > 0 ? t("acknowledgement overdue by %(time)s", { time: counter(late) }) : t("acknowledge within %(time)s", { time: counter(-late) });
    text(this.due, seenText);
    this.due.classList.toggle("late", late != null && late > 0);
  }

  /** Adds live ledger rows of the open incident to its timeline. */
  append(changes) {
    this.procedure.append(changes);
    // Rows that concern the whole room have no incident: they are no news of "none".
    if (!this.incident) return;
    const mine = changes.filter((change) => change.incident?.number === this.incident.number);
    mine.forEach((change) => this.changes.set(change.seq, change));
    if (mine.length) this.#renderTimeline();
  }

  /** Reads the timeline again, as after a fresh snapshot. */
  async reload() {
    const number = this.incident?.number;
    if (!number) return;
    const answer = await get(`incidents/${encodeURIComponent(number)}/timeline`).catch((error) => ({ error }));
    if (number !== this.incident?.number) return;
    (answer.changes ?? []).forEach((change) => this.changes.set(change.seq, change));
    this.#renderTimeline(answer.error);
  }

  /** Marks an action as on its way, or no longer. */
  setBusy(id, on) {
    if (on) this.busy.add(id);
    else this.busy.delete(id);
    if (this.incident) this.#renderActions();
  }

  /** Whether action `id` may be started now. */
  can(id) {
    const found = this.actions.querySelector(`[data-action="${id}"]`);
    return Boolean(found && !found.disabled);
  }

  focusNote() {
    this.note.querySelector("input").focus();
  }

  #open(incident) {
    this.incident = incident;
    this.changes = new Map();
    this.busy.clear();
    this.note.reset();
    this.timeline.replaceChildren(h("h3", {}, t("Timeline")));
    const foot = this.me.actions.includes("note") ? this.note : null;
    this.element.replaceChildren(...[this.head, this.actions, this.body, foot].filter(Boolean));
    this.body.scrollTop = 0;
    this.reload();
  }

  #renderEmpty() {
    this.incident = null;
    this.procedure.render(null, {});
    this.cameras.load(null);
    this.events.render(null, {});
    this.element.replaceChildren(this.overview.element);
  }

  #renderHead() {
    const { incident } = this;
    this.due = h("span");
    this.elapsed = h("small");
    const state = h("div", { class: "panel-state" },
      h("span", { class: "grade-word", title: shapeName(incident.grade) }, `${gradeName(incident.grade)} (${incident.grade})`),
      h("span", { class: "chip", dataset: { status: incident.status } }, unseen(incident) ? null : icon("user-check"), statusName(incident.status), incident.holder ? ` · ${incident.holder.name}` : ""),
      incident.escalation ? h("span", { class: "chip escalated", dataset: { escalation: incident.escalation } }, icon("chevrons-up"), incident.escalation > 1 ? t("Escalated to the room") : t("Escalated to the supervisor")) : null,
      shelved(incident, this.now) ? h("span", { class: "chip", title: shelfWords(incident) }, icon("timer"), t("Shelved until %(time)s", { time: clock(incident.shelved_until) })) : null,
      this.#whereabouts(incident), this.due);
    this.head.className = `panel-head ${incident.grade}`;
    this.head.replaceChildren(
      h("div", { class: "panel-title" }, shape(shapeId(incident), incident.grade),
        h("div", {}, h("h2", {}, named(incident.title), " ", h("small", {}, incident.place || "")), state),
        h("button", { type: "button", class: "tool", dataset: { print: "" }, title: t("Print this incident"), "aria-label": t("Print this incident") }, icon("printer")),
        h("button", { type: "button", class: "tool popout", dataset: { popout: "panel" }, title: t("In a window of its own"), "aria-label": t("Incident in a window of its own") }, icon("external-link")),
        h("button", { type: "button", class: "tool panel-close", title: `${t("Close the panel")} (Esc)`, "aria-label": t("Close the panel"), onclick: () => this.onClose() }, icon("x"))),
      h("dl", { class: "facts" }, this.#facts(incident)));
    this.head.querySelector(".panel-title > div").style.flex = "1";
    this.tick(this.now);
  }

  #whereabouts(incident) {
    const words = { unknown: t("Place unknown"), outside: t("Outside this city") }[whereabouts(incident, this.me.municipality?.bounds)];
    return words ? h("span", { class: "chip whereabouts" }, icon("map-pin"), words) : null;
  }

  #facts(incident) {
    const where = position(incident.lat, incident.lon);
    const copyButton = h("button", { type: "button", class: "copy", "aria-label": t("Copy the coordinates"), title: t("Copy the coordinates"), onclick: () => navigator.clipboard?.writeText(where) }, icon("copy"));
    const source = [named(incident.source?.name) || t("registered by hand"), incident.source?.device_id].filter(Boolean).join(" · ");
    const facts = [
      [t("Occurred"), [dateTime(incident.occurred_at), " ", this.elapsed]],
      [t("Place"), [incident.address || t("unknown")]],
      [t("Position"), [where, incident.lat == null ? null : copyButton]],
      [t("Number"), [incident.number]],
      [t("Source"), [source, incident.event_count > 1 ? h("small", {}, ` ${tn("%(count)s event", "%(count)s events", incident.event_count)}`) : null]],
      incident.summary ? [t("Summary"), [incident.summary]] : null,
      shelved(incident, this.now) ? [t("On the shelf"), [shelfWords(incident)]] : null,
      ENDED.has(incident.status) && incident.closed_at ? [t("Ended"), [dateTime(incident.closed_at), " ", h("small", {}, this.#resultText(incident))]] : null,
    ];
    return facts.filter(Boolean).flatMap(([term, parts]) => [h("dt", {}, term), h("dd", {}, parts)]);
  }

  #resultText(incident) {
    const code = incident.result_code ?? incident.reason;
    const known = [...(this.catalogue.result_codes ?? []), ...(this.catalogue.false_alarm_reasons ?? [])].find((one) => one.code === code);
    return known ? named(known.name) : code ?? "";
  }

  #renderActions() {
    const focused = document.activeElement?.dataset?.action;
    const choice = menu(this.incident, this.me, this.now);
    this.actions.className = "actions";
    if (this.historic || choice.none) {
      const why = this.historic ? t("History is shown: actions are off.") : t("Your role may look but not act.");
      this.actions.replaceChildren(h("p", { class: "actions-off" }, icon(this.historic ? "history" : "eye"), why));
      return;
    }
    const allowed = new Set([...choice.main, ...choice.more].filter((id) => this.#allowed(id)));
    const main = choice.main.map((id) => this.#button(id, allowed.has(id), id === choice.next));
    const more = choice.more.map((id) => this.#button(id, allowed.has(id), false, true));
    this.actions.replaceChildren(...[main.length ? h("div", { class: "actions-main" }, main) : null, more.length ? h("div", { class: "actions-more" }, more) : null].filter(Boolean));
    if (focused) this.actions.querySelector(`[data-action="${focused}"]`)?.focus();
  }

  #allowed(id) {
    return (this.incident.moves ?? []).includes(ACTIONS[id].move);
  }

  #button(id, allowed, next, small = false) {
    const { label, key, icon: name } = ACTIONS[id];
    const busy = this.busy.has(id);
    const props = { type: "button", dataset: { action: id }, disabled: !allowed || busy, "aria-busy": String(busy), "aria-keyshortcuts": key, onclick: () => this.onAction(id) };
    if (small) return h("button", props, icon(name), label());
    return h("button", { ...props, class: `action ${next ? "next" : ""}` }, label(), h("span", { class: "cap" }, icon(name), key ? cap(key) : null));
  }

  #renderTimeline(error = null) {
    const until = this.historic ? this.now : Infinity;
    const rows = [...this.changes.values()].filter((change) => new Date(change.at).getTime() <= until).sort((a, b) => a.seq - b.seq);
    const shown = this.peopleOnly ? rows.filter(byPerson) : rows;
    const filter = h("button", { type: "button", class: "quiet small people-only", "aria-pressed": String(Boolean(this.peopleOnly)), onclick: () => { this.peopleOnly = !this.peopleOnly; this.#renderTimeline(error); } }, icon("user"), t("Only people's actions"));
    const focused = this.timeline.contains(document.activeElement);
    this.timeline.replaceChildren(h("h3", {}, t("Timeline"), h("small", {}, t("newest first")), filter),
      shown.length ? timelineList(shown, this.catalogue, this.incident.source) : h("p", { class: "none" }, error ? error.message : t("Nothing yet.")));
    if (focused) filter.focus();
  }

  #noteForm() {
    const input = h("input", { name: "note", type: "text", maxlength: "2000", autocomplete: "off", placeholder: t("Write a note for the ledger"), "aria-label": t("Note"), "aria-keyshortcuts": "N" });
    const form = h("form", { class: "note-form" }, input, h("button", { class: "quiet", type: "submit" }, icon("notebook-pen"), t("Note"), cap("N")));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const words = input.value.trim();
      if (words && !this.historic && (await this.onNote(words))) form.reset();
    });
    return form;
  }
}

/** Why it is put aside, and by whom. */
function shelfWords({ shelf }) {
  return [shelf?.suppression ? t("Suppressed source") : null, shelf?.reason, shelf?.by?.name].filter(Boolean).join(" · ");
}
