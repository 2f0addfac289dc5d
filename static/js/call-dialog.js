/** "I have called": what was said and when, before it is written into the ledger. */
import { field, openDialog } from "./dialog.js";
import { h, icon } from "./dom.js";
import { clockMinutes } from "./format.js";
import { named, t } from "./i18n.js";
import { now } from "./clock.js";
import { momentOf } from "./why.js";

/** Opens the dialog; `send(body)` records it and throws a refusal otherwise. */
export function askCall(relay, send) {
  return openDialog({
    title: t("Called by hand"), lead: icon("phone-call"), subtitle: `${named(relay.agency_name)} · ${relay.phone || t("no phone number")}`,
    hint: t("What is still on its way to it is dropped: it is not told twice."),
    body: [
      field(t("When (Korean time)"), h("input", { name: "time", type: "time", value: clockMinutes(now()) })),
      field(t("What was said (optional)"), h("textarea", { name: "note", maxlength: "2000", rows: "3", "data-first": "" })),
    ],
    confirm: { label: t("I have called"), icon: "phone-call", run: async (_, form) => {
      const at = momentOf(form.get("time"), now());
      await send({ note: form.get("note").trim(), ...(at ? { called_at: at } : {}) });
      return true;
    } },
  });
}
