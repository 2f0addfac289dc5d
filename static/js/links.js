/** The header's word on the links: one button that says how they are, and behind it the list of them all. */
import { arrange, h, icon, text } from "./dom.js";
import { named, t, tn } from "./i18n.js";
import { byWorst, changesInWords, contactWords, sinceWords, stateIcon, stateTone, stateWord, troubleCounts, troubled } from "./standing.js";

export class Links {
  /** `place`: the element to fill. `now()`: server time. `page`: the health page's address. */
  constructor(place, { now, page }) {
    Object.assign(this, { place, now, known: [], rows: new Map(), said: "" });
    this.label = h("span", { class: "links-label" });
    this.button = h("button", { type: "button", class: "links-button", "aria-expanded": "false", "aria-controls": "links-list", onclick: () => this.toggle() }, this.label, icon("chevron-down"));
    this.list = h("ul");
    this.card = h("div", { class: "links-card", id: "links-list", role: "region", "aria-label": t("Links"), hidden: true, tabindex: "-1" },
      this.list, h("a", { class: "links-page", href: page }, icon("activity"), t("Health page"), icon("arrow-right")));
    this.voice = h("span", { class: "hidden-text", role: "status", "aria-live": "polite" });
    place.replaceChildren(this.button, this.card, this.voice);
    place.addEventListener("keydown", (event) => this.#escape(event));
    place.addEventListener("focusout", (event) => event.relatedTarget && !place.contains(event.relatedTarget) && this.close());
    document.addEventListener("pointerdown", (event) => !place.contains(event.target) && this.close());
  }

  /** Shows these links; what became better or worse is also said to screen readers. */
  show(links) {
    const news = changesInWords(this.known, links);
    if (news.length) text(this.voice, news.join(". "));
    this.known = links;
    this.#summary();
    if (!this.card.hidden) this.#fill();
  }

  /** Opens or closes the list. */
  toggle() {
    if (this.card.hidden) this.#open();
    else this.close();
  }

  /** Closes the list; answers whether it was open. */
  close() {
    if (this.card.hidden) return false;
    this.card.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
    return true;
  }

  #open() {
    this.card.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.#fill();
    this.card.focus({ preventScroll: true });
  }

  #escape(event) {
    if (event.code !== "Escape" || !this.close()) return;
    event.stopPropagation();
    event.preventDefault();
    this.button.focus();
  }

  #summary() {
    const counts = troubleCounts(this.known);
    const key = counts.length ? JSON.stringify(counts) + this.known.find(troubled)?.slug : `ok ${fineWords(this.known)}`;
    if (key === this.said) return;
    this.said = key;
    const bad = byWorst(this.known).filter(troubled);
    this.button.dataset.tone = bad.length ? stateTone(bad[0].state) : "good";
    const parts = counts.map(([state, count]) => h("span", { class: "link-count", dataset: { state, tone: stateTone(state) } }, icon(stateIcon(state)), `${stateWord(state)} `, h("b", {}, String(count))));
    const fine = [h("i", { class: "lamp" }), fineWords(this.known)];
    const name = bad.length === 1 ? h("span", { class: "link-name" }, named(bad[0].name)) : null;
    this.label.replaceChildren(...(bad.length ? [name, ...parts].filter(Boolean) : fine));
    this.button.title = t("How the links are");
  }

  #fill() {
    const links = byWorst(this.known);
    arrange(this.list, links.map((link) => this.#row(link)));
    for (const slug of this.rows.keys()) if (!links.some((link) => link.slug === slug)) this.rows.delete(slug);
  }

  #row(link) {
    if (!this.rows.has(link.slug)) this.rows.set(link.slug, h("li"));
    const row = this.rows.get(link.slug);
    const key = `${link.state} ${named(link.name)}`;
    if (row.key !== key) {
      row.key = key;
      Object.assign(row.dataset, { slug: link.slug, state: link.state, tone: stateTone(link.state) });
      row.lines = { since: h("span"), reason: h("small"), contact: h("small", { class: "contact" }) };
      const kind = link.kind === "agency" ? t("agency") : t("feed");
      row.replaceChildren(icon(stateIcon(link.state)), h("div", {}, h("b", {}, named(link.name)), h("small", { class: "kind" }, kind), row.lines.reason, row.lines.contact), h("div", { class: "link-state" }, h("b", {}, stateWord(link.state)), row.lines.since));
    }
    text(row.lines.since, link.state === "ok" ? "" : sinceWords(link, this.now()));
    text(row.lines.reason, named(link.reason));
    text(row.lines.contact, link.state === "never" ? "" : contactWords(link, this.now()));
    return row;
  }
}

/** How many are in order, where none is in trouble: the others are paused, in maintenance, or were never heard. */
function fineWords(links) {
  const fine = links.filter((link) => link.state === "ok").length;
  return fine === links.length ? tn("%(count)s link in order", "%(count)s links in order", fine) : t("%(fine)s of %(all)s links in order", { fine, all: links.length });
}
