/** The shift at the console: the header's button with its card, the strip, the notices, and the question when leaving. */
import { get, post } from "../api.js";
import { openDialog } from "../dialog.js";
import { h, icon, text } from "../dom.js";
import { clockMinutes } from "../format.js";
import { t } from "../i18n.js";
import { refused } from "../perform.js";
import { crewWords, crews, soundWords } from "./model.js";
import { Notices } from "./notices.js";
import { SoundTest } from "./sound-test.js";
import { ShiftStrip } from "./strip.js";

/** Rows of the ledger tell at once (`ocenter:shift`); this is for what no row tells, such as a shift that ends. */
const EVERY_MS = 10000;

/** Whether this person works shifts at all; for others there is nothing to see. */
export function worksShifts(me) {
  return me.actions.includes("shift") && Boolean(me.municipality);
}

export class ShiftDesk {
  /** `player`: the alarm's; `now()`: server time; `page`: the shift page's address. */
  constructor({ me, player, now, page }) {
    Object.assign(this, { me, now, page });
    const element = (id) => document.getElementById(id);
    const onChanged = () => this.refresh();
    this.strip = new ShiftStrip({ element: element("shift-strip"), me, player, now, page, onChanged });
    this.notices = new Notices({ element: element("notice-strip"), me, now, onChanged });
    this.sound = new SoundTest({ player, onAnswer: (heard) => this.#send("shift/duty/sound", { heard }) });
    this.#header(document.querySelector(".top .who"));
    this.#leaving(document.querySelector("form[action$='/logout/']"));
    this.refresh();
    document.addEventListener("ocenter:shift", () => this.refresh());
    setInterval(() => this.refresh(), EVERY_MS);
  }

  /** Asks the server and shows what it says; a failure changes nothing, the header tells of the line. */
  async refresh() {
    const asked = (this.asked = (this.asked ?? 0) + 1);
    const state = await get("shift").catch(() => null);
    if (!state || asked !== this.asked) return;
    this.state = state;
    this.strip.render(state);
    this.notices.render(state);
    this.sound.show(state.duty?.sound ?? "untested");
    this.#button();
    if (!this.card.hidden) this.#fillCard();
  }

  #header(who) {
    this.word = h("b", {}, this.me.name);
    this.button = h("button", { type: "button", id: "shift", class: "who", "aria-expanded": "false", "aria-controls": "shift-card" }, icon("user"), this.word);
    this.card = h("div", { id: "shift-card", class: "shift-card", hidden: true, tabIndex: -1, role: "region", "aria-label": t("My shift") });
    this.button.addEventListener("click", () => this.#toggle());
    this.card.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); this.close(); this.button.focus(); } });
    document.addEventListener("pointerdown", (event) => { if (!this.card.hidden && !event.target.closest("#shift, #shift-card, dialog")) this.close(); });
    who.replaceWith(h("span", { class: "shift-place" }, this.button, this.card));
  }

  #button() {
    const { duty, notices } = this.state;
    text(this.word, duty ? `${crewWords(duty)} · ${this.me.name}` : `${t("Off duty")} · ${this.me.name}`);
    this.button.classList.toggle("off-duty", !duty);
    this.button.classList.toggle("no-sound", duty?.sound === "not_heard");
    this.button.title = [duty ? crewWords(duty) : t("Off duty"), this.me.name, duty && soundWords(duty.sound), notices.length && t("Notices")].filter(Boolean).join(" · ");
  }

  #toggle() {
    if (!this.card.hidden) return this.close();
    if (!this.state) return;
    this.#fillCard();
    this.card.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.card.focus();
  }

  /** Closes the card; true where it was open. */
  close() {
    const open = !this.card.hidden;
    this.card.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
    return open;
  }

  #fillCard() {
    const { state } = this;
    const key = JSON.stringify([state.duty, state.on_duty, state.handover, state.notices]);
    if (key === this.filled) return;
    this.filled = key;
    this.card.replaceChildren(...[...this.#mine(), ...this.#others(), ...this.notices.list(),
      h("a", { class: "links-page", href: this.page, target: "ocenter-shift", rel: "noopener" }, icon("clipboard-list"), t("Handovers"), icon("arrow-right"))]);
  }

  #mine() {
    const { duty } = this.state;
    if (!duty) {
      return [h("div", { class: "card-head" }, h("b", {}, t("You are not on duty.")),
        h("button", { type: "button", class: "primary", onclick: () => { this.close(); this.strip.recall(); } }, icon("log-in"), t("Begin duty")))];
    }
    return [h("div", { class: "card-head" }, h("b", {}, crewWords(duty)), h("small", {}, t("since %(time)s, until %(end)s", { time: clockMinutes(duty.began_at), end: clockMinutes(duty.ends_at) })),
      h("button", { type: "button", class: "quiet", "data-shift": "end", onclick: () => this.#send("shift/duty/end") }, icon("log-out"), t("End duty"))), h("div", { class: "card-sound" }, this.sound.element)];
  }

  #others() {
    const groups = crews(this.state.on_duty).map((group) => h("li", {}, h("b", {}, crewWords(group)),
      h("span", {}, group.people.map((one) => h("span", { class: "person" }, icon(one.sound === "not_heard" ? "volume-x" : "user"), one.name, one.sound === "heard" ? "" : h("small", {}, soundWords(one.sound)))))));
    return [h("h3", {}, t("On duty now")), groups.length ? h("ul", { class: "crew-list" }, groups) : h("p", { class: "none" }, t("Nobody has signed in."))];
  }

  /** Who signs out while on duty is asked whether the duty ends too. */
  #leaving(form) {
    form?.addEventListener("submit", (event) => {
      if (!this.state?.duty || form.dataset.asked) return;
      event.preventDefault();
      const go = () => { form.dataset.asked = "1"; form.submit(); };
      openDialog({
        title: t("You are on duty"), subtitle: crewWords(this.state.duty), lead: icon("log-out"),
        body: [h("p", {}, t("Does your duty end with this, or do you only leave this console?")),
          h("p", {}, h("button", { type: "button", class: "quiet", "data-shift": "leave", onclick: go }, t("Only sign out; my duty goes on")))],
        confirm: { label: t("End duty and sign out"), icon: "log-out", run: async () => { await post("shift/duty/end"); go(); return true; } },
      });
    });
  }

  async #send(path, body = {}) {
    const done = await post(path, body).catch((error) => { refused(error); return null; });
    if (done) await this.refresh();
  }
}
