/** For supervisors: what was skipped, waived or overdue in procedures, behind a button in the header, until it is read. */
import { get } from "./api.js";
import { h, icon, text } from "./dom.js";
import { clock } from "./format.js";
import { named, t, tn } from "./i18n.js";
import { preference, savePreference } from "./preferences.js";
import { isNotice } from "./procedure-view.js";
import { toast } from "./toast.js";

const PREFERENCE = "procedure-seen";

function kindText(kind) {
  return { skipped: t("Step skipped"), waived: t("Rest of the procedure waived"), overdue: t("Step overdue") }[kind] ?? kind;
}

export class ProcedureNotices {
  /** `me`: GET me; for other than supervisors nothing is shown. `onOpen(number)`: an incident was chosen. */
  constructor({ me, onOpen }) {
    Object.assign(this, { onOpen, on: me.actions.includes("override"), notices: [], seen: preference(PREFERENCE, 0) });
    if (!this.on) return;
    this.label = h("span");
    this.button = h("button", { type: "button", class: "tool sop-notices-button", "aria-expanded": "false", "aria-controls": "sop-notices-list", onclick: () => this.toggle() }, icon("list-checks"), this.label);
    this.list = h("ol");
    this.card = h("div", { class: "sop-notices-card", id: "sop-notices-list", role: "region", "aria-label": t("Procedure notices"), hidden: true, tabindex: "-1" },
      this.list, h("button", { type: "button", class: "quiet", onclick: () => this.#read() }, icon("check"), t("All read")));
    this.element = h("div", { class: "sop-notices", hidden: true }, this.button, this.card);
    this.element.addEventListener("keydown", (event) => event.code === "Escape" && !this.card.hidden && (event.stopPropagation(), this.toggle(), this.button.focus()));
    document.addEventListener("pointerdown", (event) => !this.card.hidden && !this.element.contains(event.target) && this.toggle());
    document.getElementById("unseen").before(this.element);
    this.load();
  }

  /** Live rows: says at once what a supervisor must know. */
  append(changes) {
    const fresh = this.on ? changes.filter(isNotice) : [];
    if (!fresh.length) return;
    const { kind, incident, actor, detail } = fresh.at(-1);
    toast(kindText(kind.split(/[._]/).at(-1)), [named(incident.title), incident.place, named(detail.step_text), detail.reason, actor.kind === "user" ? actor.name : ""].filter(Boolean).join(" · "), kind === "procedure.overdue" ? "bad" : "info");
    this.load();
  }

  /** Reads what is not yet read. */
  async load() {
    const answer = await get("procedures/notices", { after: this.seen }).catch(() => null);
    if (!answer) return;
    this.notices = answer.notices;
    this.#show();
  }

  /** Opens or closes the list. */
  toggle() {
    this.card.hidden = !this.card.hidden;
    this.button.setAttribute("aria-expanded", String(!this.card.hidden));
    if (!this.card.hidden) this.card.focus({ preventScroll: true });
  }

  #show() {
    const count = this.notices.length;
    this.element.hidden = count === 0;
    if (!count && !this.card.hidden) this.toggle();
    text(this.label, String(count));
    this.button.title = tn("%(count)s procedure notice", "%(count)s procedure notices", count);
    this.button.setAttribute("aria-label", this.button.title);
    this.list.replaceChildren(...this.notices.map((notice) => this.#row(notice)));
  }

  #row({ at, kind, incident, title, place, step_text: step, by, reason }) {
    const who = kind === "overdue" ? "" : by;
    return h("li", { dataset: { kind } }, h("button", { type: "button", onclick: () => { this.toggle(); this.onOpen(incident); } },
      icon(kind === "overdue" ? "alarm-clock" : "skip-forward"),
      h("span", {}, h("b", {}, kindText(kind)), h("small", {}, [clock(at), named(title), place].filter(Boolean).join(" · ")),
        h("span", { class: "notice-step" }, [named(step), reason, who].filter(Boolean).join(" · ")))));
  }

  #read() {
    this.seen = Math.max(this.seen, ...this.notices.map(({ id }) => id));
    this.notices = [];
    this.#show();
    savePreference(PREFERENCE, this.seen).catch(() => {});
  }
}
