/** The health page's parts and tables. Rows stay where they are and only cells that changed are drawn: focus survives. */
import { arrange, h, icon } from "./dom.js";
import { span } from "./format.js";
import { named, t, tn } from "./i18n.js";
import { byWorst, sinceWords, stateIcon, stateTone, stateWord } from "./standing.js";

const COUNTED_TO = 10000;

/** "42 ms", "1.3 s", a dash where there is nothing to measure. */
export function took(ms) {
  if (ms == null) return "–";
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10000 ? 1 : 0)} s`;
}

/** "120 / 340 / 910 ms" of a spread, in one unit; a dash where nothing happened. */
export function quantiles(spread) {
  if (!spread.count) return "–";
  const values = [spread.p50_ms, spread.p95_ms, spread.p99_ms];
  const seconds = Math.max(...values) >= 10000;
  return `${values.map((ms) => (seconds ? (ms / 1000).toFixed(1) : Math.round(ms))).join(" / ")} ${seconds ? "s" : "ms"}`;
}

/** A count that the server stops counting at ten thousand. */
export function countWords(count) {
  return count >= COUNTED_TO ? `${COUNTED_TO}+` : String(count);
}

/** The breaker in words. */
export function breakerWords(breaker, now) {
  if (breaker.state === "closed") return breaker.failures ? tn("closed, %(count)s failure", "closed, %(count)s failures", breaker.failures) : t("closed");
  if (breaker.state === "half_open") return t("trying again");
  return t("open, %(time)s left", { time: span(new Date(breaker.until).getTime() - now) });
}

const ago = (at, now) => (at ? span(now - new Date(at).getTime()) : "–");
const partNames = () => ({ database: t("Database"), bell: t("Bell (Redis)"), sweeper: t("Sweeper"), collector: t("Collector"), worker: t("Worker"), video: t("Media gateway") });

/** What a cell shows: `key` tells whether it changed, `nodes` draws it. */
const plain = (words, tone = "") => ({ key: `${words} ${tone}`, nodes: () => [words], tone });

function stateCell(link) {
  return { key: link.state, tone: stateTone(link.state), nodes: () => [icon(stateIcon(link.state)), h("b", {}, stateWord(link.state))] };
}

function nameCell(link, boot) {
  const name = named(link.name);
  const inner = boot.link ? h("a", { href: boot.link.replace("/0/", `/${link.id}/`) }, name) : h("b", {}, name);
  return { key: name, nodes: () => [inner, h("small", {}, link.slug)] };
}

function reasonCell(link, now) {
  const [why, since] = [named(link.reason), link.state === "ok" ? "" : sinceWords(link, now)];
  return { key: `${why} ${since}`, nodes: () => [why || h("span", { class: "nothing" }, "–"), since ? h("small", {}, since) : ""] };
}

function quarantineCell(link, boot) {
  const words = countWords(link.quarantined);
  const nodes = () => [link.quarantined && boot.quarantine ? h("a", { href: boot.quarantine.replace(/0$/, link.id) }, words) : words];
  return { key: `${words} ${link.id}`, tone: link.quarantined ? "warn" : "", nodes };
}

function feedColumns(boot) {
  const limit = (value, words) => (value ? words : t("no limit"));
  return [
    { name: t("State"), cell: stateCell }, { name: t("Feed"), cell: (link) => nameCell(link, boot), heading: true }, { name: t("Why, and since when"), cell: reasonCell, wide: true },
    { name: t("Last contact"), number: true, cell: (link, now) => ({ ...plain(link.last_contact_at ? ago(link.last_contact_at, now) : t("never")), nodes: () => [link.last_contact_at ? ago(link.last_contact_at, now) : t("never"), h("small", {}, t("limit %(time)s", { time: span(link.feed.quiet_limit_s * 1000) }))] }) },
    { name: t("Delay"), number: true, cell: (link) => ({ key: `${link.feed.delay_s}`, nodes: () => [link.feed.delay_s == null ? "–" : took(link.feed.delay_s * 1000), h("small", {}, limit(link.feed.late_limit_s, t("limit %(time)s", { time: span(link.feed.late_limit_s * 1000) })))] }) },
    { name: t("Events a minute"), number: true, cell: (link) => ({ key: `${link.feed.events_last_min}`, nodes: () => [String(link.feed.events_last_min), h("small", {}, limit(link.feed.noisy_limit_per_min, t("limit %(count)s", { count: link.feed.noisy_limit_per_min })))] }) },
    { name: t("Quarantine"), number: true, cell: (link) => quarantineCell(link, boot) },
    { name: t("Format"), cell: (link) => ({ key: `${link.feed.format} ${link.feed.poll_interval_s}`, nodes: () => [link.feed.format, h("small", {}, link.feed.poll_interval_s ? t("asked every %(time)s", { time: span(link.feed.poll_interval_s * 1000) }) : t("sends by itself"))] }) },
  ];
}

function windowCell(name) {
  return (link) => {
    const { delivered, http, failures } = link.agency[name];
    const more = [tn("%(count)s delivered", "%(count)s delivered", delivered.count), failures ? tn("%(count)s failed attempt", "%(count)s failed attempts", failures) : ""].filter(Boolean).join(", ");
    const exchange = http.count ? t("exchange %(times)s", { times: quantiles(http) }) : "";
    return { key: `${quantiles(delivered)} ${more} ${exchange}`, nodes: () => [quantiles(delivered), h("small", {}, more), exchange ? h("small", {}, exchange) : ""] };
  };
}

function agencyColumns(boot) {
  return [
    { name: t("State"), cell: stateCell }, { name: t("Agency"), cell: (link) => nameCell(link, boot), heading: true }, { name: t("Why, and since when"), cell: reasonCell, wide: true },
    { name: t("Last contact"), number: true, cell: (link, now) => plain(link.last_contact_at ? ago(link.last_contact_at, now) : t("never")) },
    { name: t("Queue"), number: true, cell: (link, now) => ({ key: `${link.agency.queue} ${ago(link.agency.oldest_at, now)}`, tone: link.agency.queue ? "warn" : "", nodes: () => [String(link.agency.queue), h("small", {}, link.agency.queue ? t("oldest %(time)s", { time: ago(link.agency.oldest_at, now) }) : t("empty"))] }) },
    { name: t("On the wire"), number: true, cell: (link) => plain(`${link.agency.under_way} / ${link.agency.at_once}`) },
    { name: t("Breaker"), cell: (link, now) => ({ ...plain(breakerWords(link.agency.breaker, now), link.agency.breaker.state === "closed" ? "" : "bad"), nodes: () => [breakerWords(link.agency.breaker, now), link.agency.second_endpoint_until ? h("small", {}, t("on the second endpoint")) : ""] }) },
    { name: t("Relay time, 15 min"), hint: "p50 / p95 / p99", number: true, cell: windowCell("last_15_min") },
    { name: t("Relay time, 24 h"), hint: "p50 / p95 / p99", number: true, cell: windowCell("last_24_h") },
    { name: t("Quarantine"), number: true, cell: (link) => quarantineCell(link, boot) },
  ];
}

function readerColumns(boot) {
  return [{ name: t("State"), cell: stateCell }, { name: t("Central reader"), cell: (link) => nameCell(link, boot), heading: true }, { name: t("Why, and since when"), cell: reasonCell, wide: true }];
}

class Table {
  constructor(title, columns) {
    Object.assign(this, { columns, rows: new Map(), body: h("tbody") });
    const heads = columns.map((column) => h("th", { scope: "col", class: column.number ? "number" : "" }, column.name, column.hint ? h("small", {}, column.hint) : null));
    this.count = h("small", { class: "count" });
    this.element = h("section", { class: "links-table" }, h("h2", {}, title, this.count), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, h("table", {}, h("thead", {}, h("tr", {}, heads)), this.body)));
  }

  show(links, now) {
    this.element.hidden = !links.length;
    this.count.textContent = String(links.length);
    const focused = document.activeElement;
    arrange(this.body, byWorst(links).map((link) => this.#row(link, now)));
    // A row that moved up has lost the focus it held.
    if (focused !== document.activeElement && this.body.contains(focused)) focused.focus({ preventScroll: true });
    for (const id of this.rows.keys()) if (!links.some((link) => link.id === id)) this.rows.delete(id);
  }

  #row(link, now) {
    if (!this.rows.has(link.id)) {
      const cells = this.columns.map((column) => h(column.heading ? "th" : "td", { class: column.number ? "number" : column.wide ? "wide" : "", scope: column.heading ? "row" : null }));
      this.rows.set(link.id, { element: h("tr", { dataset: { slug: link.slug } }, cells), cells });
    }
    const { element, cells } = this.rows.get(link.id);
    element.dataset.state = link.state;
    this.columns.forEach((column, i) => {
      const { key, nodes, tone = "" } = column.cell(link, now);
      if (cells[i].key === key) return;
      cells[i].key = key;
      cells[i].dataset.tone = tone;
      cells[i].replaceChildren(...nodes());
    });
    return element;
  }
}

export class HealthTables {
  /** `place` takes the tables, `parts` the list of our own parts; `boot` has the admin's addresses, where one may go there. */
  constructor({ place, parts, boot }) {
    this.partsList = parts;
    this.partRows = new Map();
    this.tables = { agency: new Table(t("Agencies"), agencyColumns(boot)), feed: new Table(t("Feeds"), feedColumns(boot)), central: new Table(t("Central readers"), readerColumns(boot)) };
    place.replaceChildren(this.tables.feed.element, this.tables.agency.element, this.tables.central.element);
  }

  /** Shows a report of `GET health` as of `now` (milliseconds). */
  show(report, now) {
    for (const [kind, table] of Object.entries(this.tables)) table.show(report.links.filter((link) => link.kind === kind), now);
    const skew = { name: "clock", ok: Math.abs(report.clock_skew_ms) < 1000, label: t("Clock"), words: t("database %(ms)s ms apart", { ms: Math.round(report.clock_skew_ms) }) };
    arrange(this.partsList, [...report.parts.map((part) => ({ ...part, label: partNames()[part.name] ?? part.name, words: partWords(part, report.video) })), skew].map((part) => this.#part(part)));
  }

  #part({ name, ok, label, words }) {
    const row = this.partRows.get(name) ?? h("li", { dataset: { part: name } });
    this.partRows.set(name, row);
    const key = `${ok} ${words}`;
    if (row.key !== key) {
      row.key = key;
      row.className = ok ? "good" : "bad";
      row.replaceChildren(icon(ok ? "circle-check" : "circle-x"), h("b", {}, label), h("span", {}, `${ok ? t("works") : t("does not work")}${words ? ` · ${words}` : ""}`));
    }
    return row;
  }
}

/** What is known of one of our own parts. */
function partWords(part, video) {
  if (part.name === "video" && part.ok && video) return t("%(running)s of %(limit)s cameras", video);
  if (part.took_ms != null) return took(part.took_ms);
  if (part.age_s != null) return t("seen %(time)s ago", { time: span(part.age_s * 1000) });
  return part.reason === "never seen" ? t("never seen") : part.reason ?? "";
}

