/** A handover as a sheet of paper: the same on the screen and printed, whoever contributed its sections. */
import { h, icon, shape } from "../dom.js";
import { clockMinutes, dateTime } from "../format.js";
import { gradeName } from "../grades.js";
import { named, t, tn } from "../i18n.js";
import { kindText } from "../timeline.js";
import { crewWords, stateWords, wrongWords } from "./model.js";

/** "11-27 05:41", or only the time on the sheet's own day. */
function moment(at, sheet) {
  const [date, time] = dateTime(at).split(" ");
  return date === sheet.day ? time.slice(0, 5) : `${date.slice(5)} ${time.slice(0, 5)}`;
}

/** The sheet of `handover` for the centre called `centre`. */
export function sheetOf(handover, centre) {
  return h("article", { class: "sheet", dataset: { state: handover.state } },
    head(handover, centre), handover.wrong.length ? tampered(handover) : null,
    handover.sections.map((section) => sectionOf(section, handover)), notes(handover), signatures(handover), foot(handover));
}

function head(handover, centre) {
  const facts = [
    [t("Shift"), `${handover.day} · ${crewWords(handover)}`], [t("State of"), dateTime(handover.written_at)],
    [t("Counted since"), dateTime(handover.since)], [t("Ledger"), handover.cursor], [t("Written by"), handover.written_by],
    handover.replaces ? [t("Corrects"), t("No. %(id)s", { id: handover.replaces })] : null,
    handover.returned ? [t("Returned"), `${handover.returned.name} · ${dateTime(handover.returned.at)} · ${handover.returned.reason}`] : null,
  ].filter(Boolean);
  return h("header", { class: "sheet-head" }, h("p", { class: "centre" }, centre),
    h("h2", {}, t("Shift handover"), h("small", {}, t("No. %(id)s", { id: handover.id })), h("span", { class: "stamp", dataset: { state: handover.state } }, stateWords(handover.state))),
    h("dl", {}, facts.flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, value)])));
}

function tampered(handover) {
  return h("p", { class: "tampered", role: "alert" }, icon("triangle-alert"), t("This is not what was signed: %(what)s.", { what: wrongWords(handover.wrong).join("; ") }));
}

function sectionOf(section, sheet) {
  const title = h("h3", {}, named(section.title), section.figures.length ? null : h("span", { class: "count" }, String(section.total)));
  if (section.figures.length) return h("section", { class: "figures-section", dataset: { section: section.name } }, title, figures(section.figures));
  if (!section.rows.length) return h("section", { dataset: { section: section.name }, class: "empty-section" }, title, h("p", { class: "none" }, t("None.")));
  const left = section.total - section.rows.length;
  return h("section", { dataset: { section: section.name } }, title, table(section.rows, sheet),
    left > 0 ? h("p", { class: "none" }, tn("%(count)s more is not listed here.", "%(count)s more are not listed here.", left)) : null);
}

function figures(list) {
  return h("ul", { class: "figures" }, list.map((one) => h("li", { dataset: { figure: one.name } },
    h("b", {}, String(one.value), one.of === null ? "" : h("small", {}, ` / ${one.of}`)), h("span", {}, named(one.label)))));
}

/** Only the columns that some row fills. */
function table(rows, sheet) {
  const columns = COLUMNS.filter(({ has }) => rows.some(has));
  return h("table", {}, h("thead", {}, h("tr", {}, columns.map(({ name, className }) => h("th", { scope: "col", class: className ?? "" }, name())))),
    h("tbody", {}, rows.map((row) => h("tr", { dataset: { subject: row.subject ?? "" } }, columns.map(({ cell, className }) => h("td", { class: className ?? "" }, cell(row, sheet)))))));
}

/** The thing, its number and place, and what was said of it. */
function whatCell(row) {
  const place = [row.subject, row.where].filter(Boolean).join(" · ");
  return [h("b", {}, named(row.what)), place ? h("small", {}, place) : null, named(row.note) ? h("small", { class: "said" }, named(row.note)) : null].filter(Boolean);
}

const COLUMNS = [
  { name: () => t("Grade"), className: "grade-cell", has: (row) => row.grade, cell: (row) => (row.grade ? [shape(`g-${row.grade}`, row.grade), h("span", {}, gradeName(row.grade))] : "") },
  { name: () => t("What"), className: "wide", has: () => true, cell: whatCell },
  { name: () => t("State"), has: (row) => named(row.state), cell: (row) => named(row.state) },
  { name: () => t("Who"), has: (row) => row.who, cell: (row) => row.who ?? "" },
  { name: () => t("Since"), className: "time", has: (row) => row.at, cell: (row, sheet) => (row.at ? moment(row.at, sheet) : "") },
  { name: () => t("Until"), className: "time", has: (row) => row.until, cell: (row, sheet) => (row.until ? moment(row.until, sheet) : "") },
  { name: () => t("Last entry"), has: (row) => row.last, cell: (row, sheet) => (row.last ? [kindText(row.last.kind), h("small", {}, `${moment(row.last.at, sheet)} · ${row.last.who}`)] : "") },
];

function notes(handover) {
  return h("section", { dataset: { section: "notes" }, class: handover.notes ? "" : "empty-section" }, h("h3", {}, t("Notes of the outgoing shift")),
    handover.notes ? h("p", { class: "notes" }, handover.notes) : h("p", { class: "none" }, t("None.")));
}

function signatures(handover) {
  return h("section", { class: "signatures" }, signature(t("Handed over by"), handover.outgoing), signature(t("Taken over by"), handover.incoming));
}

function signature(title, who) {
  return h("div", { class: `signature ${who ? "" : "open"}` }, h("h3", {}, title),
    who ? [h("b", {}, who.name), h("span", {}, t("Crew %(crew)s", { crew: who.crew })), h("small", {}, `${who.username} · ${dateTime(who.at)}`)] : h("span", { class: "none" }, t("not signed")));
}

function foot(handover) {
  if (!handover.digest) return h("footer", { class: "sheet-foot" }, t("A draft: nothing is signed, nothing is frozen."));
  const intact = handover.wrong.length === 0;
  return h("footer", { class: "sheet-foot" },
    h("p", { class: intact ? "intact" : "broken" }, icon(intact ? "shield" : "triangle-alert"), intact ? t("Checked against the audit chain: as it was signed.") : t("Not as it was signed.")),
    h("p", {}, "SHA-256 ", h("code", {}, handover.digest)), handover.seal ? h("p", {}, `${t("Seal")} `, h("code", {}, handover.seal)) : null);
}

/** "05:41" or a dash: when somebody signed, for lists. */
export function signedAt(signature) {
  return signature ? `${signature.name} ${clockMinutes(signature.at)}` : "–";
}
