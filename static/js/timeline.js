/** The ledger's rows of one incident in words. */
import { clock, dateTime } from "./format.js";
import { h } from "./dom.js";
import { named, t, tn } from "./i18n.js";

/** Row kinds in words. An unknown kind is shown as it is: nothing that happened is hidden. */
export function kindText(kind) {
  const names = {
    "incident.opened": t("Incident opened"), "incident.joined": t("Another event joined"), "incident.acknowledged": t("Acknowledged"),
    "incident.verifying": t("Verification started"), "incident.confirmed": t("Confirmed as real"), "incident.false_alarm": t("Marked as a false alarm"),
    "incident.test": t("Marked as a test"), "incident.notified": t("Agency notified"), "incident.responding": t("Units responding"),
    "incident.resolved": t("Resolved"), "incident.closed": t("Closed"), "incident.reopened": t("Reopened"), "incident.cancelled": t("Cancelled by the source"),
    "incident.assigned": t("Taken over"), "incident.escalated": t("Acknowledgement missed: escalated"), "incident.offered": t("Hand-over offered"),
    "incident.offer_declined": t("Hand-over declined"), "incident.offer_withdrawn": t("Hand-over withdrawn"), "incident.offer_expired": t("Hand-over not answered in time"), "incident.noted": t("Note"), "incident.shelved": t("Shelved"), "incident.unshelved": t("Back from the shelf"),
    "incident.merged": t("Merged"), "incident.split": t("Split off"), "incident.unmerged": t("Merge undone"), "incident.unsplit": t("Split undone"), "incident.updated": t("Updated by the source"), "incident.raised": t("Grade raised by the source"), "relay.requested": t("Relay requested"), "relay.sent": t("Relay received by the agency"),
    "relay.attention": t("Relay not delivered"), "relay.accepted": t("Agency accepted"), "relay.declined": t("Agency declined"),
    "relay.dispatched": t("Unit dispatched"), "relay.unit": t("Unit on its way"), "relay.arrived": t("Unit arrived"), "relay.closed": t("Agency closed its case"),
    "relay.cancelled": t("Relay cancelled"), "relay.by_hand": t("Called by hand"), "relay.note": t("Note from the agency"), "relay.updated": t("Agency told of the change"),
    "relay.opened": t("Agency opened a case here"), "procedure.step_done": t("Step done"), "procedure.step_chosen": t("Branch chosen"),
    "procedure.step_skipped": t("Step skipped"), "procedure.step_undone": t("Step taken back"), "procedure.waived": t("Rest of the procedure waived"), "procedure.overdue": t("Step overdue"), "video.requested": t("Agency asks for video"),
  };
  return names[kind] ?? kind;
}

const BAD = new Set(["relay.attention", "relay.declined", "incident.escalated", "procedure.step_skipped", "procedure.overdue"]);

const HANDED = new Set(["incident.assigned", "incident.offered", "incident.offer_declined", "incident.offer_withdrawn", "incident.offer_expired"]);

/** To whom it was escalated or handed, and why it is back from the shelf. */
function aside(kind, detail) {
  if (kind === "incident.escalated") return detail.level > 1 ? t("to the whole room") : t("to the supervisor");
  if (kind === "incident.unshelved") return { time: t("its time was over"), suppression: t("the suppression ended") }[detail.because];
  return HANDED.has(kind) && detail.to ? `→ ${detail.to}` : null;
}

/** Why a request for video was denied, in words; any other reason as it is. */
function reasonText(reason) {
  const names = { "no legal basis": t("Denied: no legal basis"), "no camera of this centre in reach": t("Denied: no camera of this centre in reach") };
  return names[reason] ?? reason;
}

/** What a merge, a split or its undoing says of the other incident, or "". */
function regroupingText(kind, detail = {}) {
  const count = Array.isArray(detail.events) ? detail.events.length : detail.events ?? 0;
  if (kind === "incident.merged" || (kind === "incident.unsplit" && detail.into)) return t("into %(number)s", { number: detail.into });
  if (kind === "incident.unmerged" && detail.from_incident) return tn("out of %(number)s, with %(count)s event", "out of %(number)s, with %(count)s events", count, { number: detail.from_incident });
  const other = detail.merged ?? detail.part ?? detail.into;
  if (detail.split_from) return tn("%(count)s event split off from %(number)s", "%(count)s events split off from %(number)s", count, { number: detail.split_from });
  return other && kind !== "incident.opened" ? tn("%(number)s, %(count)s event", "%(number)s, %(count)s events", count, { number: other }) : "";
}

/** The row's kind in words, as this row means it. */
function titleOf({ kind, detail = {} }) {
  if (kind === "incident.joined" && detail.merged) return t("Took in another incident");
  if (kind === "incident.opened" && detail.registered_by) return t("Registered by hand");
  if (kind === "incident.opened" && detail.split_from) return t("Opened by a split");
  if (kind === "relay.requested" && detail.anew) return t("New case asked for at the agency");
  if (kind === "relay.requested" && detail.again) return t("Relay sent again");
  if (kind === "relay.requested" && detail.message) return t("Update sent to the agency");
  return kindText(kind);
}

/** What a row adds in its own words: a note, a reason, a code from the catalogue, the other incident. */
function words({ kind, detail }, catalogue) {
  const code = detail?.result_code ?? reasonText(detail?.reason);
  const known = [...(catalogue.result_codes ?? []), ...(catalogue.false_alarm_reasons ?? [])].find((one) => one.code === code);
  const grade = detail?.changed?.grade;
  const called = detail?.called_at && t("called at %(time)s", { time: clock(detail.called_at) });
  return [aside(kind, detail), regroupingText(kind, detail ?? {}), called, detail?.caller, grade && `${grade.from} → ${grade.to}`, named(detail?.step_text), named(detail?.choice_text), known ? named(known.name) : code, detail?.text ?? detail?.note].filter((part) => part && typeof part === "string").join(" · ");
}

function actorText(actor, detail, catalogue, source) {
  const slug = detail?.agency ?? (actor?.kind === "agency" ? actor.name : null);
  const agency = slug && (catalogue.agencies ?? []).find((one) => one.slug === slug);
  if (actor?.kind === "feed") return actor.name === source?.system || !source?.name ? named(source?.name) || actor.name : actor.name;
  const who = actor?.kind === "system" ? t("system") : actor?.kind === "agency" ? "" : actor?.name ?? "";
  return [agency ? named(agency.name) : slug, who].filter(Boolean).join(" · ");
}

/** Repeated unit positions say nothing new: only the last of a run stays. */
function thinned(changes) {
  return changes.filter((change, i) => change.kind !== "relay.unit" || changes[i + 1]?.kind !== "relay.unit");
}

/** Whether a person did it: what the filter leaves. */
export function byPerson(change) {
  return change.actor?.kind === "user";
}

/** The list element of `changes`, the newest first; `source` is the incident's. */
export function timelineList(changes, catalogue, source) {
  return h("ol", { class: "timeline" }, thinned(changes).reverse().map((change) => {
    const said = words(change, catalogue);
    const tone = BAD.has(change.kind) ? "bad" : change.actor?.kind ?? "";
    return h("li", { class: `moment ${tone}`, dataset: { kind: change.kind } }, h("time", { datetime: change.at, title: dateTime(change.at) }, clock(change.at)),
      h("div", {}, titleOf(change), " ", h("small", {}, actorText(change.actor, change.detail, catalogue, source)), said ? h("q", {}, said) : null));
  }));
}
