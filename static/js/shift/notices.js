/** Notices to the room: one calm line while something is unread, the list in the header's card, and posting one. */
import { post } from "../api.js";
import { choices, field, openDialog } from "../dialog.js";
import { h, icon } from "../dom.js";
import { clockMinutes, dateTime, day } from "../format.js";
import { t, tn } from "../i18n.js";
import { refused } from "../perform.js";
import { notUntil, unread } from "./model.js";

const LENGTH = 1000;

/** "until 18:00" today, else with the day. */
function untilWords(notice, now) {
  const time = day(notice.until) === day(now) ? clockMinutes(notice.until) : `${day(notice.until).slice(5)} ${clockMinutes(notice.until)}`;
  return t("until %(time)s", { time });
}

export class Notices {
  /** `element`: the line. `onChanged()` after the server has something new. */
  constructor({ element, me, now, onChanged }) {
    Object.assign(this, { element, me, now, onChanged });
  }

  /** Shows the first unread one, and how many more there are. */
  render(state) {
    this.state = state;
    const waiting = unread(state.notices);
    const key = waiting.map(({ id }) => id).join();
    if (key === this.drawn) return;
    this.drawn = key;
    this.element.hidden = !waiting.length;
    if (!waiting.length) return this.element.replaceChildren();
    const [first, ...more] = waiting;
    this.element.dataset.importance = first.importance;
    this.element.replaceChildren(icon("megaphone"), h("b", {}, first.importance === "important" ? t("Important notice") : t("Notice")),
      h("span", { class: "notice-text", title: first.text }, first.text), h("small", {}, `${first.posted_by} · ${untilWords(first, this.now())}`),
      h("span", { class: "strip-end" }, more.length ? h("small", {}, tn("%(count)s more", "%(count)s more", more.length)) : null,
        h("button", { type: "button", class: "quiet", "data-notice": String(first.id), onclick: () => this.#send(`shift/notices/${first.id}/read`) }, icon("check"), t("Read"))));
  }

  /** All that hold, for the card or the page. */
  list() {
    const rows = this.state.notices.map((one) => h("li", { class: "notice-row", dataset: { importance: one.importance, read: String(Boolean(one.read_at)) } },
      icon("megaphone"),
      h("div", {}, h("p", {}, one.importance === "important" ? h("b", {}, `${t("Important")} · `) : null, one.text),
        h("small", {}, `${one.posted_by} · ${untilWords(one, this.now())} · ${one.readers.length ? t("read by %(names)s", { names: one.readers.join(", ") }) : t("read by nobody yet")}`)),
      h("span", { class: "row-end" },
        one.read_at ? null : h("button", { type: "button", class: "tool", title: t("Read"), "aria-label": t("Read"), onclick: () => this.#send(`shift/notices/${one.id}/read`) }, icon("check")),
        this.#mayPost ? h("button", { type: "button", class: "tool", title: t("Withdraw"), "aria-label": t("Withdraw"), onclick: () => this.#send(`shift/notices/${one.id}/withdraw`) }, icon("x")) : null)));
    return [h("h3", {}, t("Notices"), this.#mayPost ? h("button", { type: "button", class: "tool", "data-notice": "post", onclick: () => this.compose() }, icon("plus"), t("Post a notice")) : null),
      rows.length ? h("ul", { class: "notice-list" }, rows) : h("p", { class: "none" }, t("No notices."))];
  }

  /** Asks for a new notice and posts it. */
  compose() {
    const ends = notUntil(this.state, this.now());
    return openDialog({
      title: t("Post a notice"), subtitle: t("Everybody in the room sees it at once; it goes into the handover."), lead: icon("megaphone"),
      body: [
        field(t("Text"), h("textarea", { name: "text", maxlength: String(LENGTH), "data-first": "" })),
        choices("until", t("Holds until"), ends, ends[1].code),
        choices("importance", t("Importance"), [{ code: "normal", label: t("Normal notice") }, { code: "important", label: t("Important") }], "normal"),
      ],
      confirm: {
        label: t("Post"), icon: "send",
        run: async (dialog, form) => {
          const text = form.get("text")?.trim();
          if (!text) return dialog.refuse(t("Something is still missing: choose or write it."));
          await post("shift/notices", { text, importance: form.get("importance"), until: ends.find(({ code }) => code === form.get("until")).at });
          await this.onChanged();
          return true;
        },
      },
    });
  }

  get #mayPost() {
    return this.me.actions.includes("notice");
  }

  async #send(path) {
    const done = await post(path).catch((error) => { refused(error); return null; });
    if (done) await this.onChanged();
  }
}
