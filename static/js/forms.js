/** The dialogs that ask before an action: reason, result, shelving, note. Each answers the body to send. */
import { ACTIONS } from "./actions.js";
import { choices, field, openDialog } from "./dialog.js";
import { h, icon, shape } from "./dom.js";
import { shapeId } from "./grades.js";
import { named, t } from "./i18n.js";

const SHELVE_MINUTES = [10, 20, 30, 60];
const OTHER = "other";
const ENDED_RELAYS = new Set(["closed", "declined", "cancelled", "by_hand"]);

const heading = (incident) => ({
  subtitle: `${named(incident.title)} · ${incident.place || incident.address} · ${incident.number}`,
  lead: shape(shapeId(incident), incident.grade),
});

/** Agencies that have neither closed nor given up their case: closing over them is a supervisor's override. */
function agenciesStillOut(incident) {
  return (incident.relays ?? []).filter((relay) => !ENDED_RELAYS.has(relay.state));
}

/** Codes of the catalogue as choices, with a free text beside them. */
function reasonBody(incident, { catalogue }) {
  const codes = (catalogue.false_alarm_reasons ?? []).map(({ code, name }) => ({ code, label: named(name) }));
  return [
    choices("code", t("Reason"), [...codes.filter(({ code }) => code !== OTHER), { code: OTHER, label: t("Other") }], codes[0]?.code),
    field(t("In your words"), h("input", { name: "text", maxlength: "200" }), t("Needed where “Other” is chosen.")),
  ];
}

const reasonOf = (form) => (form.get("code") && form.get("code") !== OTHER ? form.get("code") : form.get("text")?.trim());

function stillOut(relays, me) {
  const names = relays.map((relay) => named(relay.agency_name)).join(", ");
  const may = me.actions.includes("override");
  return h("div", { class: "refusal" }, icon("circle-alert"), h("div", {},
    h("p", {}, t("Not yet closed by: %(names)s.", { names })),
    may ? h("label", { class: "check" }, h("input", { type: "checkbox", name: "override" }), t("Close all the same (a note is needed)")) : h("p", {}, t("Only a supervisor may close before the agency does."))));
}

/** What each kind of dialog shows and what it makes of the form: `body`, `read(form)`, a null answer means "incomplete". */
const KINDS = {
  "false-alarm": {
    body: reasonBody,
    read: (form) => (reasonOf(form) ? { reason: reasonOf(form) } : null),
  },
  reason: {
    body: () => [field(t("Reason"), h("textarea", { name: "text", maxlength: "500", "data-first": "" }))],
    read: (form) => (form.get("text")?.trim() ? { reason: form.get("text").trim() } : null),
  },
  close: {
    body: (incident, { catalogue, me, procedure }) => [
      procedure?.closing(),
      agenciesStillOut(incident).length ? stillOut(agenciesStillOut(incident), me) : null,
      choices("result_code", t("Result"), catalogue.result_codes.map(({ code, name }) => ({ code, label: named(name) }))),
      field(t("Note (optional)"), h("textarea", { name: "note", maxlength: "2000" })),
    ].filter(Boolean),
    read: (form) => (form.get("result_code") ? { result_code: form.get("result_code"), note: form.get("note")?.trim() ?? "", override: form.has("override") } : null),
  },
  shelve: {
    body: () => [
      choices("minutes", t("For how long"), SHELVE_MINUTES.map((m) => ({ code: String(m), label: t("%(m)s min", { m }) })), "10"),
      field(t("Reason"), h("input", { name: "text", maxlength: "200" }), t("It returns by itself when the time is over or when the incident changes.")),
    ],
    read: (form) => (form.get("text")?.trim() ? { minutes: Number(form.get("minutes")), reason: form.get("text").trim() } : null),
  },
};

/** Opens the dialog of action `id`; `context` is `{catalogue, me, procedure}`; `send(body)` resolves when the ledger has it and throws a refusal otherwise. */
export function ask(id, incident, context, send) {
  const action = ACTIONS[id];
  const kind = KINDS[action.asks];
  return openDialog({
    title: action.label(), ...heading(incident), body: kind.body(incident, context),
    confirm: {
      label: action.label(), icon: action.icon,
      run: async (dialog, form) => {
        const body = kind.read(form);
        if (!body) return dialog.refuse(t("Something is still missing: choose or write it."));
        await send(body);
        return true;
      },
    },
  });
}
