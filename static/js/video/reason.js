/** Why a camera is looked at: the open incident, or words that go into the viewing ledger. */
import { field, openDialog } from "../dialog.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";

const SHORTEST = 5;
const LONGEST = 200;
const STORED = "ocenter.reason";

/** Asks for a reason; resolves to `{reason}`, or null when the dialog was left. The last one of this session is proposed. */
export function askReason({ title, subtitle = "" }) {
  return new Promise((resolve) => {
    const input = h("input", { name: "reason", maxlength: String(LONGEST), autocomplete: "off", "data-first": "", value: sessionStorage.getItem(STORED) ?? "" });
    const dialog = openDialog({
      title, subtitle, body: [field(t("Reason"), input, t("It is kept in the viewing ledger with your name, the camera and the seconds watched."))],
      confirm: {
        label: t("Watch"), icon: "video",
        run: async (element, form) => {
          const reason = form.get("reason")?.trim();
          if (reason.length < SHORTEST) return element.refuse(t("Without an incident a reason is needed, of at least %(n)s characters.", { n: SHORTEST }));
          sessionStorage.setItem(STORED, reason);
          resolve({ reason });
          return true;
        },
      },
    });
    dialog.addEventListener("close", () => resolve(null));
    input.select();
  });
}
