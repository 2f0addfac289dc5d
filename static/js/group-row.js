/** One folded group of the queue: what it holds, the worst and oldest of it, who waits, and acknowledging them all. */
import { h, icon, shape, text } from "./dom.js";
import { clockMinutes, counter } from "./format.js";
import { gradeName } from "./grades.js";
import { named, t, tn } from "./i18n.js";

/** The family's name in the page's language. */
export function familyName(family) {
  const names = {
    CRM: t("Crime"), ORD: t("Public order"), FIR: t("Fire"), RES: t("Rescue"), EMS: t("Medical"), DIS: t("Disaster"), CWD: t("Crowd"), VUL: t("Vulnerable person"),
    JUS: t("Electronic tag"), VEH: t("Wanted vehicle"), BEL: t("Emergency bell"), VCA: t("Video analytics"), TRF: t("Traffic"), SEC: t("Private security"), SYS: t("System"),
  };
  return names[family] ?? family;
}

/** What a group is called: place and type, or the suppressed source. */
export function groupName({ suppressed, place, family, first }) {
  if (suppressed) return [t("Suppressed"), first.source?.device_id || named(first.source?.name)].join(" · ");
  return [place || t("Place unknown"), familyName(family)].join(" · ");
}

export class GroupRow {
  /** `onToggle(key)` unfolds or folds; `onAcknowledge(group)` takes notice of all that waits, where `can`. */
  constructor(key, { onToggle, onAcknowledge, can }) {
    Object.assign(this, { can, seen: null });
    this.title = h("b");
    this.count = h("span", { class: "group-count" });
    this.age = h("span", { class: "row-age" });
    this.line = h("span", { class: "row-line" });
    this.status = h("span", { class: "row-status" });
    this.mark = h("span");
    this.button = h("button", { type: "button", class: "group-head", "aria-expanded": "false", onclick: () => onToggle(key) },
      icon("chevron-right"), this.mark, h("span", { class: "row-title" }, this.title, this.count), this.age, this.line, this.status);
    this.all = h("button", { type: "button", class: "group-ack", hidden: true, onclick: () => onAcknowledge(this.group) }, icon("check"), h("span"));
    this.element = h("li", { class: "group", dataset: { group: key } }, this.button, this.all);
  }

  /** Shows `group`, unfolded or not, as of `now`. */
  fill(group, open, now) {
    this.group = group;
    this.button.setAttribute("aria-expanded", String(open));
    text(this.title, groupName(group));
    text(this.count, `×${group.children.length}`);
    text(this.line, this.#line(group));
    text(this.status, group.suppressed ? "" : group.unseen ? tn("%(count)s unacknowledged", "%(count)s unacknowledged", group.unseen) : t("all acknowledged"));
    this.#dress(group);
    this.all.hidden = !this.can || group.suppressed || !group.unseen;
    text(this.all.lastElementChild, tn("Acknowledge %(count)s", "Acknowledge all %(count)s", group.unseen));
    this.tick(now);
    // More of it has come: the folded row flashes, as a single one would.
    if (this.seen != null && group.children.length > this.seen && !group.suppressed) this.#flash();
    this.seen = group.children.length;
  }

  /** Colour and mark, where they are others than before. */
  #dress({ worst, suppressed, unseen }) {
    const look = `group ${worst} ${suppressed ? "suppressed" : ""} ${unseen ? "waiting" : ""}`;
    if (look === this.look) return;
    this.look = look;
    this.element.className = look;
    const mark = h("span", { role: "img", "aria-label": t("Worst: %(grade)s", { grade: gradeName(worst) }) }, shape(`g-${worst}${unseen ? "" : "-held"}`, worst));
    this.mark.replaceWith(mark);
    this.mark = mark;
  }

  /** Counts the oldest child's age on. */
  tick(now) {
    text(this.age, counter(now - new Date(this.group.oldest).getTime()));
  }

  #line({ suppressed, first, escalation, children }) {
    if (suppressed) return [first.shelf?.reason, first.shelved_until && t("until %(time)s", { time: clockMinutes(first.shelved_until) })].filter(Boolean).join(" · ");
    const kinds = [...new Set(children.map((one) => named(one.title)))].slice(0, 3).join(", ");
    return [escalation ? (escalation > 1 ? t("Escalated to the room") : t("Escalated to the supervisor")) : "", kinds].filter(Boolean).join(" · ");
  }

  #flash() {
    this.element.classList.add("fresh");
    setTimeout(() => this.element.classList.remove("fresh"), 1700);
  }
}

/**
 * Acknowledges each of `numbers` by `acknowledge(number)`, `width` at a time: one operation and one audited row each.
 * Answers `{done, refused}`: how many, and how many somebody else had been faster with.
 */
export async function acknowledgeEach(numbers, acknowledge, width = 4) {
  const waiting = [...numbers];
  const result = { done: 0, refused: 0, error: null };
  const worker = async () => {
    while (waiting.length && !result.error) {
      try {
        await acknowledge(waiting.shift());
        result.done += 1;
      } catch (error) {
        if (error.status !== 409) result.error = error;
        else result.refused += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return result;
}
