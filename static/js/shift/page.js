/** The shift page: the archive at the left, one handover as a sheet, and what one may do with it. */
import { get, post } from "../api.js";
import { AlarmPlayer } from "../audio.js";
import { learn, now } from "../clock.js";
import { field, openDialog } from "../dialog.js";
import { h, icon } from "../dom.js";
import { dateTime } from "../format.js";
import { t } from "../i18n.js";
import { refused } from "../perform.js";
import { bindTheme } from "../theme.js";
import { crewWords, mayWrite, stateWords, turn } from "./model.js";
import { Notices } from "./notices.js";
import { sheetOf, signedAt } from "./sheet.js";
import { ShiftStrip } from "./strip.js";

const EVERY_MS = 4000;
const DAY_MS = 24 * 3600000;
const boot = JSON.parse(document.getElementById("boot").textContent);
const element = (id) => document.getElementById(id);

class ShiftPage {
  constructor(me) {
    this.me = me;
    const onChanged = () => this.refresh();
    const player = new AlarmPlayer({ onBlocked: () => {} });
    this.strip = new ShiftStrip({ element: element("shift-strip"), me, player, now, page: null, onChanged });
    this.notices = new Notices({ element: h("div"), me, now, onChanged });
    this.list = [];
    this.cursor = null;
    element("filter").addEventListener("input", () => this.search());
    element("older").addEventListener("click", () => this.search({ more: true }));
    addEventListener("hashchange", () => this.open(this.#wanted()));
  }

  async start() {
    await this.refresh();
    await this.search();
    const { open, latest } = this.state?.handover ?? {};
    await this.open(this.#wanted() ?? open?.id ?? latest?.id ?? null);
    setInterval(() => this.refresh(), EVERY_MS);
  }

  /** Asks how the shift is; a handover that changed meanwhile is read again, unless its notes are being written. */
  async refresh() {
    const state = await get("shift").catch((error) => { if (error.status === 401 || error.status === 403) location.assign("/login/?next=/shift/&expired=1"); return null; });
    element("lost").hidden = Boolean(state);
    if (!state) return;
    learn(state.at);
    const before = this.state;
    this.state = state;
    this.strip.render(state);
    this.notices.render(state);
    this.#aside();
    const changed = JSON.stringify(before?.handover) !== JSON.stringify(state.handover);
    if (before && changed) await this.search();
    const shown = this.handover && [state.handover.open, state.handover.latest].find((one) => one?.id === this.handover.id);
    const stale = shown && (shown.version !== this.handover.version || shown.state !== this.handover.state);
    if (stale || (before && changed && this.handover && !shown)) await this.open(this.handover.id);
    else if (this.handover) this.#bar();
    else if (before && changed) this.#draw();
  }

  /** Lists the archive by the chosen days. */
  async search({ more = false } = {}) {
    const [from, to] = ["since", "until"].map((name) => element(name).value);
    const until = to ? new Date(new Date(`${to}T00:00:00+09:00`).getTime() + DAY_MS).toISOString() : "";
    const answer = await get("shift/handovers", { since: from ? `${from}T00:00:00+09:00` : "", until, page_size: 30, cursor: more ? this.cursor : "" }).catch((error) => { refused(error); return null; });
    if (!answer) return;
    this.list = more ? [...this.list, ...answer.handovers] : answer.handovers;
    this.cursor = answer.cursor;
    element("older").hidden = !this.cursor;
    this.#archive();
  }

  /** Shows one handover; null: none. */
  async open(id) {
    const handover = id ? await get(`shift/handovers/${id}`).catch((error) => { refused(error); return null; }) : null;
    this.show(handover);
  }

  show(handover) {
    this.handover = handover;
    if (handover && this.#wanted() !== handover.id) history.replaceState(null, "", `#${handover.id}`);
    this.barKey = null;
    this.#draw();
    this.#archive();
  }

  #wanted() {
    return Number(location.hash.slice(1)) || null;
  }

  #draw() {
    const { handover } = this;
    document.title = handover ? `${t("Shift handover")} ${handover.day} ${crewWords(handover)}` : t("Shift handover");
    element("sheet").replaceChildren(handover ? sheetOf(handover, boot.centre) : h("p", { class: "nothing" }, icon("clipboard-list"), t("No handover yet. Who is on duty writes the first one.")));
    printed(handover);
    this.#bar();
  }

  #archive() {
    element("archive").replaceChildren(...this.list.map((one) => h("li", {}, h("button", { type: "button", "aria-current": String(one.id === this.handover?.id), dataset: { handover: String(one.id), state: one.state }, onclick: () => this.open(one.id) },
      h("b", {}, `${one.day} ${crewWords(one)}`), h("span", { class: "stamp", dataset: { state: one.state } }, stateWords(one.state)),
      h("small", {}, `${signedAt(one.outgoing)} → ${signedAt(one.incoming)}`)))));
    element("archive-empty").hidden = this.list.length > 0;
  }

  #aside() {
    const key = JSON.stringify(this.state.notices);
    if (key === this.noticesKey) return;
    this.noticesKey = key;
    element("notices").replaceChildren(...this.notices.list());
  }

  /** The buttons above the sheet: drawn again only where something is different, so that what is being typed stays. */
  #bar() {
    const { handover, state } = this;
    const { can, why } = turn(handover, this.me, state?.duty);
    const write = state && mayWrite(state);
    const key = JSON.stringify([handover?.id, handover?.version, handover?.state, can, why, write]);
    if (key === this.barKey) return;
    this.barKey = key;
    const button = (id, words, name, run, kind = "quiet") => h("button", { type: "button", class: kind, "data-do": id, onclick: run }, icon(name), words);
    const buttons = [
      write ? button("write", t("Write a handover"), "notebook-pen", () => this.#do("shift/handovers"), "primary") : null,
      can.includes("refresh") ? button("refresh", t("Refresh from the present"), "refresh-cw", () => this.#do("shift/handovers")) : null,
      can.includes("sign") ? button("sign", t("Sign: hand over"), "signature", () => this.#sign(), "primary") : null,
      can.includes("countersign") ? button("countersign", t("Sign: take over"), "signature", () => this.#countersign(), "primary") : null,
      can.includes("return") ? button("return", t("Return for correction"), "undo-2", () => this.#return()) : null,
      handover ? button("print", t("Print"), "printer", () => print()) : null,
      handover?.digest ? h("a", { class: "quiet", href: `/api/v1/shift/handovers/${handover.id}/document`, download: `handover-${handover.id}.json` }, icon("file-text"), t("Signed file")) : null,
    ];
    const words = why ? [h("p", { class: "why" }, icon("circle-alert"), why)] : [];
    const writing = document.activeElement === this.words;
    element("bar").replaceChildren(h("div", { class: "bar-buttons" }, buttons.filter(Boolean)), ...words, ...(can.includes("note") ? [this.#notes()] : []));
    if (writing) this.words.focus();
  }

  /** The form of the notes. What was written in it and not kept yet stays, whatever made the bar be drawn again. */
  #notes() {
    const unkept = this.kept?.id === this.handover.id && this.words.value.trim() !== this.kept.notes ? this.words.value : null;
    this.kept = this.handover;
    this.words = h("textarea", { name: "notes", maxlength: "4000", rows: "3", placeholder: t("What the next shift must know and no list says") });
    this.words.value = unkept ?? this.handover.notes;
    const save = h("button", { type: "submit", class: "quiet" }, icon("check"), t("Keep the notes"));
    const form = h("form", { class: "notes-form" }, field(t("Notes of the outgoing shift"), this.words), save);
    form.addEventListener("submit", (event) => { event.preventDefault(); this.#saveNotes(); });
    return form;
  }

  async #saveNotes() {
    return this.#do(`shift/handovers/${this.handover.id}/notes`, { notes: this.words.value, version: this.handover.version });
  }

  #sign() {
    return openDialog({
      title: t("Sign: hand over"), subtitle: `${this.handover.day} · ${crewWords(this.handover)}`, lead: icon("signature"),
      body: [h("p", {}, t("With your signature the sheet is frozen: nobody can change it any more. The incoming shift reads it and signs, or returns it.")), h("p", {}, t("You sign as %(name)s.", { name: this.me.name }))],
      confirm: {
        label: t("Sign"), icon: "signature",
        run: async () => {
          if (this.words && this.words.value.trim() !== this.handover.notes && !(await this.#saveNotes())) return true;
          await this.#do(`shift/handovers/${this.handover.id}/sign`, { version: this.handover.version });
          return true;
        },
      },
    });
  }

  #countersign() {
    const { handover } = this;
    return openDialog({
      title: t("Sign: take over"), subtitle: `${handover.day} · ${crewWords(handover)} · ${handover.outgoing.name}`, lead: icon("signature"),
      body: [h("p", {}, t("With your signature you say that you have read it. It goes into the archive.")), h("p", {}, t("You sign as %(name)s.", { name: this.me.name })), h("p", { class: "digest" }, "SHA-256 ", h("code", {}, handover.digest))],
      confirm: { label: t("I have read it: sign"), icon: "signature", run: async () => { await this.#do(`shift/handovers/${handover.id}/countersign`, { digest: handover.digest }); return true; } },
    });
  }

  #return() {
    return openDialog({
      title: t("Return for correction"), subtitle: `${this.handover.day} · ${crewWords(this.handover)}`, lead: icon("undo-2"),
      body: [field(t("Reason"), h("textarea", { name: "reason", maxlength: "300", "data-first": "" }), t("The outgoing shift gets a new draft; what was signed stays in the archive."))],
      confirm: {
        label: t("Return for correction"), icon: "undo-2",
        run: async (dialog, form) => {
          const reason = form.get("reason")?.trim();
          if (!reason) return dialog.refuse(t("Something is still missing: choose or write it."));
          return this.#do(`shift/handovers/${this.handover.id}/return`, { reason });
        },
      },
    });
  }

  /** Sends, and shows the handover that comes back; where it was refused, how it stands now. True when it was done. */
  async #do(path, body = {}) {
    const answer = await post(path, body).catch((error) => { refused(error); return null; });
    if (answer) this.show(answer);
    else if (this.handover) await this.open(this.handover.id);
    await this.refresh();
    return Boolean(answer);
  }
}

const pages = new CSSStyleSheet();

/** On paper every page says which document it is a part of. */
function printed(handover) {
  const said = handover ? `${handover.day} ${crewWords(handover)} · ${handover.digest ? `SHA-256 ${handover.digest}` : stateWords("draft")}` : "";
  pages.replaceSync(`@page { size: A4; margin: 14mm 13mm 16mm; @bottom-left { content: ${JSON.stringify(said)}; font-size: 6.5pt; } @bottom-right { content: counter(page) " / " counter(pages); font-size: 8pt; } }`);
  document.adoptedStyleSheets = [pages];
  element("printed-at").textContent = dateTime(now());
}

bindTheme(element("theme"));
addEventListener("beforeprint", () => { element("printed-at").textContent = dateTime(now()); });
get("me").then((me) => new ShiftPage(me).start(), (error) => (error.status === 401 ? location.assign("/login/?next=/shift/&expired=1") : refused(error)));
