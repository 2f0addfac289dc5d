/** The queue at the left: rows are kept and only changed, so that focus, scroll and selection survive. */
import { arrange, h, icon, shape, text } from "./dom.js";
import { blocksOf, entriesOf, orderOf } from "./flood.js";
import { clockMinutes, counter, dateTime } from "./format.js";
import { GRADES, gradeName, shapeId, statusName, unseen } from "./grades.js";
import { GroupRow } from "./group-row.js";
import { named, t, tn } from "./i18n.js";
import { overdue, queueOf, shelved, unseenCounts } from "./store.js";

const ATTENTION = new Set(["failed"]);
/** Rows drawn at first; the most urgent come first, and more follow as one scrolls. */
const DRAWN = 120;

/** Whether an agency could not be told: someone must call. */
export function needsCall(incident) {
  return (incident.relays ?? []).some((relay) => relay.attention || ATTENTION.has(relay.state));
}

export class Queue {
  /**
   * `onOpen(number)`: a row was chosen. `city`: the municipality's Korean name, which every address repeats. `me`: GET me.
   * `onAcknowledge(group)`: everything that waits in a group of the flood is to be acknowledged.
   */
  constructor({ onOpen, city = "", me = {}, onAcknowledge = () => {} }) {
    Object.assign(this, { onOpen, city, me, onAcknowledge });
    this.groups = new Map();
    this.opened = new Set();
    this.entries = [];
    this.list = document.getElementById("queue-list");
    this.empty = document.getElementById("queue-empty");
    this.notice = document.getElementById("queue-notice");
    this.count = document.getElementById("queue-count");
    this.search = document.getElementById("search");
    this.grades = new Set(GRADES);
    this.rows = new Map();
    this.order = [];
    this.limit = DRAWN;
    this.more = h("button", { type: "button", onclick: () => this.#drawMore() });
    this.rest = h("li", { class: "queue-more" }, this.more);
    new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && this.#drawMore(), { root: this.list }).observe(this.rest);
    this.search.addEventListener("input", () => this.render());
    this.list.replaceChildren(...Array.from({ length: 6 }, () => h("li", { class: "skeleton" })));
    this.#buildFilter();
  }

  /** Shows the view `{incidents, ready}`; `chosen` is the open incident's number, `now` the time shown. */
  render(view = this.view, chosen = this.chosen, now = this.now) {
    Object.assign(this, { view, chosen, now });
    if (!view?.ready) return;
    const filter = { now, text: this.search.value, grades: this.grades.size < GRADES.length ? this.grades : null, role: this.me.role };
    const { rows, hidden } = queueOf(view.incidents, filter);
    const blocks = blocksOf(rows, { flood: this.grouping, now, alone: (incident) => this.#alone(incident) });
    this.order = orderOf(blocks);
    this.entries = entriesOf(blocks, { opened: this.opened, chosen });
    const at = this.entries.findIndex(({ incident }) => incident && incident.number === chosen);
    this.limit = Math.max(this.limit, at + 1); // the open one always has its row
    const left = this.entries.length - this.limit;
    const drawn = this.entries.slice(0, this.limit).map((entry) => (entry.group ? this.#group(entry) : this.#row(entry.incident, entry.child)));
    arrange(this.list, left > 0 ? [...drawn, this.rest] : drawn);
    text(this.more, tn("%(count)s more", "%(count)s more", Math.max(0, left)));
    for (const kept of [this.rows, this.groups]) for (const [key, row] of kept) if (!row.element.isConnected) kept.delete(key);
    this.#say(view, rows.length, hidden);
  }

  /** Counts ages and targets on; called every second. */
  tick(now) {
    this.now = now;
    for (const row of this.rows.values()) this.#count(row, now);
    for (const group of this.groups.values()) group.tick(now);
  }

  /** Whether the queue is grouped by place and type: in a flood, while nobody searches and the present is shown. */
  get grouping() {
    return Boolean(this.view?.floods?.length) && !this.search.value.trim();
  }

  /** In a flood, what must not be folded: an agency to be called, an offer that waits for me, and what I am at work on
   * (what I have merely acknowledged stays in its group: else acknowledging one would unfold it). */
  #alone(incident) {
    const atWork = incident.holder?.username === this.me.username && incident.status !== "acked" && !unseen(incident);
    return needsCall(incident) || incident.offer?.asked === this.me.username || atWork;
  }

  #group({ group, open }) {
    let row = this.groups.get(group.key);
    if (!row) {
      row = new GroupRow(group.key, { onToggle: (key) => this.#toggle(key), onAcknowledge: this.onAcknowledge, can: this.me.actions?.includes("acknowledge") });
      this.groups.set(group.key, row);
    }
    row.fill(group, open, this.now);
    return row.element;
  }

  #toggle(key) {
    if (!this.opened.delete(key)) this.opened.add(key);
    this.render();
  }

  /** Flashes a row that has just come. */
  mark(number) {
    const element = this.rows.get(number)?.element;
    element?.classList.add("fresh");
    setTimeout(() => element?.classList.remove("fresh"), 1700);
  }

  /** The number `step` places from `from` in the shown order; the first where `from` is not shown. */
  neighbour(from, step) {
    const at = this.order.indexOf(from);
    if (at < 0) return this.order[step > 0 ? 0 : this.order.length - 1] ?? null;
    return this.order[Math.max(0, Math.min(this.order.length - 1, at + step))];
  }

  /** The unacknowledged incident after `from`, round and round. */
  nextUnseen(from) {
    const waiting = this.order.filter((number) => unseen(this.view.incidents.get(number)));
    return waiting[(waiting.indexOf(from) + 1) % waiting.length] ?? null;
  }

  /** Scrolls the row into sight. */
  reveal(number) {
    this.rows.get(number)?.element.scrollIntoView({ block: "nearest" });
  }

  /** Puts the focus into the search field. */
  focusSearch() {
    this.search.focus();
    this.search.select();
  }

  #drawMore() {
    this.limit += DRAWN;
    this.render();
  }

  #row(incident, child = false) {
    const row = this.rows.get(incident.number) ?? this.#add(incident.number);
    const chosen = incident.number === this.chosen;
    if (row.chosen !== chosen) {
      row.chosen = chosen;
      row.button.setAttribute("aria-current", String(chosen));
      row.element.classList.toggle("chosen", chosen);
    }
    row.element.classList.toggle("child", child);
    const changed = row.incident !== incident;
    if (changed) this.#fill(row, incident);
    if (changed || Math.abs(this.now - row.countedAt) >= 1000) this.#count(row, this.now);
    return row.element;
  }

  #add(number) {
    const row = { title: h("b"), place: h("span"), age: h("span", { class: "row-age" }), line: h("span", { class: "row-line" }),
      status: h("span", { class: "row-status" }), due: h("i", { class: "row-due" }), shape: h("span"), escalated: h("span", { class: "row-escalated", hidden: true }) };
    row.head = h("span", { class: "row-title" }, row.title, row.place, row.escalated);
    row.button = h("button", { type: "button", onclick: () => this.onOpen(number) }, row.shape, row.head, row.age, row.line, row.status);
    row.element = h("li", { class: "row", dataset: { number } }, row.button, row.due);
    this.rows.set(number, row);
    return row;
  }

  /** Writes only what differs: with hundreds of changes a second, whatever is written again is laid out and painted again. */
  #fill(row, incident) {
    const { classList } = row.element;
    if (row.incident?.grade !== incident.grade) {
      classList.remove(...GRADES);
      classList.add(incident.grade);
    }
    classList.toggle("unseen-row", unseen(incident));
    classList.toggle("attention", needsCall(incident));
    if (row.incident?.escalation !== incident.escalation) {
      classList.toggle("escalated", Boolean(incident.escalation));
      row.escalated.hidden = !incident.escalation;
      if (incident.escalation) row.escalated.replaceChildren(icon("chevrons-up"), incident.escalation > 1 ? t("Room") : t("Supervisor"));
    }
    text(row.title, named(incident.title));
    text(row.place, incident.place || "");
    text(row.line, [this.#shortAddress(incident), incident.summary].filter(Boolean).join(" · "));
    if (row.look !== shapeId(incident)) { // it names the grade, too
      row.look = shapeId(incident);
      const mark = h("span", { role: "img", "aria-label": gradeName(incident.grade) }, shape(row.look, incident.grade));
      row.shape.replaceWith(mark);
      row.shape = mark;
    }
    if (row.incident?.received_at !== incident.received_at) row.age.title = dateTime(incident.received_at);
    row.incident = incident;
  }

  #shortAddress({ address = "" }) {
    return this.city && address.startsWith(`${this.city} `) ? address.slice(this.city.length + 1) : address;
  }

  /** What the row says of its state: an icon's name or none, and words. */
  #status(incident, late) {
    if (needsCall(incident)) return ["phone-call", t("Call by hand")];
    if (late > 0) return [null, t("Overdue %(time)s", { time: counter(late) })];
    if (shelved(incident, this.now)) return ["timer", t("Shelved until %(time)s", { time: clockMinutes(incident.shelved_until) })];
    if (incident.offer) return ["arrow-right", t("Offered to %(name)s", { name: incident.offer.to.name })];
    const joined = incident.event_count > 1 ? ` ×${incident.event_count}` : "";
    if (unseen(incident)) return [null, statusName("open") + joined];
    return [null, incident.holder ? `${statusName(incident.status)} · ${incident.holder.name}${joined}` : statusName(incident.status) + joined];
  }

  #count(row, now) {
    const { incident, due } = row;
    row.countedAt = now;
    const started = new Date(incident.received_at).getTime();
    text(row.age, counter(now - started));
    const late = overdue(incident, now);
    row.element.classList.toggle("overdue", late > 0);
    row.element.classList.toggle("shelved", shelved(incident, now));
    const said = this.#status(incident, late);
    if (row.said !== String(said)) row.status.replaceChildren(...(said[0] ? [icon(said[0]), said[1]] : [said[1]]));
    row.said = String(said);
    due.hidden = late == null;
    const left = late == null || late > 0 ? "" : `scaleX(${Math.max(0, -late / (-late + now - started)).toFixed(3)})`;
    if (row.left !== left) due.style.transform = row.left = left;
  }

  #say(view, shown, hidden) {
    const counted = [unseenCounts(view.incidents).total, view.incidents.size];
    if (String(counted) !== this.counted) {
      this.counted = String(counted);
      this.count.replaceChildren(h("b", {}, String(counted[0])), ` ${t("unacknowledged")} / ${counted[1]}`);
    }
    this.notice.hidden = hidden === 0;
    text(this.notice, tn("The filter hides %(count)s critical or urgent incident.", "The filter hides %(count)s critical or urgent incidents.", hidden));
    this.empty.hidden = shown > 0;
    this.list.hidden = shown === 0;
    if (shown > 0) return;
    const nothing = view.incidents.size === 0;
    this.empty.replaceChildren(icon(nothing ? "circle-check" : "search"),
      h("b", {}, nothing ? t("No open incidents") : t("Nothing matches")),
      h("span", {}, nothing ? t("New ones appear here by themselves.") : t("Clear the search or the grade filter.")));
  }

  #buildFilter() {
    const place = document.getElementById("grade-filter");
    for (const grade of GRADES) {
      const button = h("button", { type: "button", class: grade, "aria-pressed": "true", title: gradeName(grade), "aria-label": `${grade.slice(1)} ${gradeName(grade)}` },
        shape(`g-${grade}`, grade), grade.slice(1));
      button.addEventListener("click", () => {
        if (!this.grades.delete(grade)) this.grades.add(grade);
        button.setAttribute("aria-pressed", String(this.grades.has(grade)));
        this.render();
      });
      place.append(button);
    }
  }
}
