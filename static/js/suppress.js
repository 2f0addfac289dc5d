/** Suppressing a chattering source: a supervisor's dialog, and ending it by hand. */
import { post } from "./api.js";
import { choices, field, openDialog } from "./dialog.js";
import { h, shape } from "./dom.js";
import { named, t } from "./i18n.js";

const MINUTES = [30, 60, 120, 240, 480];

/** Opens the dialog for a source of the lists; `send(fields)` resolves when the ledger has it and throws a refusal otherwise. */
export function askSuppress(source, send) {
  const name = [named(source.system_name), source.device_id || t("whole system")].join(" · ");
  return openDialog({
    title: t("Suppress a source"), subtitle: `${named(source.title)} · ${name}`, lead: shape(`g-${source.grade}`, source.grade),
    body: [
      choices("minutes", t("For how long"), MINUTES.map((m) => ({ code: String(m), label: m < 60 ? t("%(m)s min", { m }) : t("%(h)s h", { h: m / 60 }) })), "60"),
      field(t("Reason"), h("input", { name: "text", maxlength: "300" }), t("What it reports is still stored and opens on the shelf. Critical and urgent alarms are never suppressed.")),
    ],
    confirm: {
      label: t("Suppress"), icon: "volume-x",
      run: async (dialog, form) => {
        const reason = form.get("text")?.trim();
        if (!reason) return dialog.refuse(t("Something is still missing: choose or write it."));
        await send({ system: source.system, device_id: source.device_id, reason, minutes: Number(form.get("minutes")) });
        return true;
      },
    },
  });
}

/** Ends a suppression; what it held comes back at once. */
export const endSuppression = (id) => post(`suppressions/${id}/end`);
