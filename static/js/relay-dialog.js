/** Relaying to an agency: recipient, phone number and the exact payload are shown before the one confirmation. */
import { get } from "./api.js";
import { openDialog } from "./dialog.js";
import { h, icon, shape } from "./dom.js";
import { shapeId } from "./grades.js";
import { named, t } from "./i18n.js";

/** JSON as coloured elements, never as markup. */
function coloured(value) {
  const parts = JSON.stringify(value, null, 2).split(/("(?:[^"\\]|\\.)*"\s*:?|-?\d+(?:\.\d+)?)/g);
  return parts.map((part, i) => {
    if (i % 2 === 0) return part;
    const kind = part.startsWith('"') ? (part.trimEnd().endsWith(":") ? "k" : "s") : "n";
    return h("span", { class: kind }, part);
  });
}

function recipient({ name, phone }) {
  return h("div", { class: "recipient" }, icon("radio-tower"),
    h("div", {}, h("small", {}, t("Recipient")), h("b", {}, named(name))),
    h("span", { class: "phone" }, phone || t("no phone number")));
}

/** Opens the dialog; `send(body)` as in `forms.ask`. A preview that cannot be made is a refusal shown by the caller. */
export async function askRelay(incident, agency, label, send) {
  const preview = await get(`incidents/${encodeURIComponent(incident.number)}/relay-preview`, { agency });
  const before = (incident.relays ?? []).find((relay) => relay.agency === agency && !["declined", "cancelled", "failed"].includes(relay.state));
  const name = named(preview.agency.name);
  return openDialog({
    title: label, wide: true, lead: shape(shapeId(incident), incident.grade),
    subtitle: `${named(incident.title)} · ${incident.place || incident.address} · ${incident.number}`,
    hint: t("Nothing has been sent yet."),
    body: [
      recipient(preview.agency),
      before ? h("p", { class: "refusal" }, icon("circle-alert"), t("This agency has already been told. Sending again gives it a second relay.")) : null,
      h("section", { class: "payload" }, h("h3", {}, t("Exactly this will be sent"), h("span", {}, "POST")), h("pre", { tabindex: "0" }, coloured(preview.payload))),
    ].filter(Boolean),
    confirm: { label: t("Send to %(name)s", { name }), icon: "send", run: async () => { await send({ agency }); return true; } },
  });
}
