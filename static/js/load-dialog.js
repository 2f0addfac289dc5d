/** The alarm load at length: each operator, priorities against 80/15/5, and the sources that spoil it. */
import { get, post } from "./api.js";
import { openDialog } from "./dialog.js";
import { h, icon, shape } from "./dom.js";
import { clockMinutes, dateTime, span, windowWords } from "./format.js";
import { statusName } from "./grades.js";
import { named, t, tn } from "./i18n.js";
import { bandName, percent, priorityShares, rate, seconds } from "./load-words.js";
import { refused } from "./perform.js";
import { askSuppress, endSuppression } from "./suppress.js";

const section = (title, norm, ...parts) => h("section", { class: "load-section" }, h("h3", {}, title, norm ? h("small", {}, norm) : null), ...parts);
const none = (words) => h("p", { class: "none" }, words);

function table(heads, rows) {
  return h("table", { class: "load-table" }, h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell, i) => h(i ? "td" : "th", i ? {} : { scope: "row" }, cell))))));
}

function summary(load) {
  const { norms, times } = load;
  const tile = (value, label, note) => h("div", { class: "load-tile" }, h("dd", {}, value), h("dt", {}, label, h("small", {}, note)));
  return h("dl", { class: `load-tiles ${load.band}` },
    tile(rate(load.per_operator), t("per operator in %(time)s: %(band)s", { time: windowWords(load.window_s), band: bandName(load.band) }), t("norm: 1 acceptable, 2 manageable, above 10 flood")),
    tile(rate(load.average_per_operator), t("on average in %(hours)s h", { hours: load.hours }), tn("%(count)s alarm, by who is on duty now", "%(count)s alarms, by who is on duty now", load.alarms)),
    tile(percent(times.in_time), t("acknowledged in time"), `${t("median")} ${seconds(times.median_s)} · ${t("90 %")} ${seconds(times.p90_s)}`),
    tile(percent(load.flood_share, 1), t("of the time in flood"), t("norm below %(share)s", { share: percent(norms.flood_share) })));
}

function operators(load) {
  if (!load.operators.length) return none(t("Nobody has acknowledged anything."));
  return table([t("Operator"), t("Acknowledged"), t("Median"), t("90 %"), t("In time")], load.operators.map((one) => [
    h("span", {}, one.operator.name, one.on_duty ? h("i", { class: "presence here" }, t("on duty")) : null), String(one.acknowledged), seconds(one.median_s), seconds(one.p90_s), percent(one.in_time)]));
}

function priorities({ priorities: counts, norms }) {
  const shares = priorityShares(counts);
  if (!shares) return none(t("No alarm in this time."));
  const names = { low: t("low (G3, G4)"), medium: t("medium (G2)"), high: t("high (G1)") };
  return table([t("Priority"), t("Alarms"), t("Share"), t("Norm")], Object.keys(names).map((one) => [names[one], String(counts[one]), percent(shares[one]), percent(norms.priorities[one])]));
}

/** A source's row: what it is, which leads to its newest incident, and what a supervisor can do about it. */
function sourceRow(source, words, { onOpen, suppress }) {
  const name = [named(source.system_name), source.device_id].filter(Boolean).join(" · ");
  const open = h("button", { type: "button", class: "source-open", disabled: !source.incident, title: source.incident ?? "", onclick: () => onOpen(source.incident) },
    shape(`g-${source.grade}`, source.grade), h("span", {}, h("b", {}, named(source.title)), h("small", {}, name)));
  return h("li", {}, open, h("span", { class: "source-words" }, words), suppress(source));
}

function staleRow(one, now, onOpen) {
  return h("li", {}, h("button", { type: "button", class: "source-open", onclick: () => onOpen(one.incident) }, shape(`g-${one.grade}-held`, one.grade),
    h("span", {}, h("b", {}, [named(one.title), one.place].filter(Boolean).join(" · ")), h("small", {}, [statusName(one.status), one.holder].filter(Boolean).join(" · ")))),
  h("span", { class: "source-words", title: dateTime(one.unchanged_since) }, t("unchanged for %(time)s", { time: span(now - new Date(one.unchanged_since).getTime()) })));
}

function suppressionRow(one, may, again) {
  const end = may && h("button", { type: "button", class: "quiet", onclick: () => endSuppression(one.id).then(again, refused) }, icon("undo-2"), t("End"));
  return h("li", {}, h("span", { class: "source-open" }, icon("volume-x"), h("span", {}, h("b", {}, [named(one.system_name), one.device_id || t("whole system")].join(" · ")), h("small", {}, `${one.reason} · ${one.by.name}`))),
    h("span", { class: "source-words" }, t("until %(time)s", { time: clockMinutes(one.until) }), h("small", {}, tn("%(count)s held back", "%(count)s held back", one.incidents))), end || null);
}

/** Opens the dialog. `me`: GET me; `onOpen(number)` opens an incident after the dialog has closed. */
export function openLoad({ me, onOpen }) {
  const body = h("div", { class: "load-view" }, none(t("Loading…")));
  const dialog = openDialog({ title: t("Alarm load"), subtitle: t("Norms: EEMUA 191 and ISA-18.2"), wide: true, body: [body] });
  const leave = (number) => { dialog.close(); onOpen(number); };
  const may = me.actions.includes("suppress");
  const again = () => fill(body, { may, leave, again }).catch((error) => body.replaceChildren(none(error.message)));
  again();
  return dialog;
}

async function fill(body, { may, leave, again }) {
  const [load, bad, { suppressions }] = await Promise.all([get("load"), get("nuisances"), get("suppressions")]);
  const now = new Date(load.at).getTime();
  const running = suppressions.filter((one) => !one.ended_at);
  const isOff = (source) => running.some((one) => one.system === source.system && (one.device_id === "" || one.device_id === source.device_id));
  const suppress = (source) => (isOff(source) ? h("span", { class: "chip" }, t("Suppressed"))
    : may && source.grade > "G2" ? h("button", { type: "button", class: "quiet", onclick: () => askSuppress(source, (fields) => post("suppressions", fields).then(again)) }, icon("volume-x"), t("Suppress")) : null);
  const list = (rows, words) => (rows.length ? h("ol", { class: "sources" }, rows) : none(words));
  const context = { onOpen: leave, suppress };
  body.replaceChildren(summary(load),
    section(t("Operators"), t("last %(hours)s h", { hours: load.hours }), operators(load)),
    section(t("Priorities"), t("norm 80 / 15 / 5"), priorities(load)),
    section(t("Chattering sources"), t("5 reports within 10 min, last %(hours)s h", { hours: bad.hours }),
      list(bad.chattering.map((one) => sourceRow(one, t("%(count)s reports, 5 in %(time)s", { count: one.events, time: seconds(one.fastest_s) }), context)), t("None chatters."))),
    section(t("Ten worst sources"), t("together %(share)s of all reports, norm at most 5 %", { share: percent(bad.ten_worst_share, 1) }),
      list(bad.bad_actors.map((one) => sourceRow(one, t("%(count)s reports · %(share)s", { count: one.events, share: percent(one.share, 1) }), context)), t("Nothing was reported."))),
    section(t("Stale incidents"), t("nothing has happened for 4 h"), list(bad.stale.map((one) => staleRow(one, now, leave)), t("None is stale."))),
    section(t("Suppressed sources"), t("at most 8 h, never G1 or G2"), list(running.map((one) => suppressionRow(one, may, again)), t("None is suppressed."))));
}
