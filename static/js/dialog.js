/** Dialogs on the browser's own `<dialog>`: focus is kept inside, Escape closes, one at a time. */
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";

/** Whether a dialog is open, so that the page's keys rest. */
export function dialogOpen() {
  return Boolean(document.querySelector("dialog[open]"));
}

/**
 * Opens a dialog. `body`: elements. `confirm`: `{label, icon, kind, run}`; `run(form)` may be async: the
 * dialog closes when it answers true, and stays with `refuse(message)` otherwise. `docked`: it stands beside the map
 * and the queue, which stay in use. `onClose()` when it has gone. Returns the element.
 */
export function openDialog({ title, subtitle = "", lead = null, body, confirm = null, wide = false, hint = "", docked = false, onClose = null }) {
  const refusal = h("div", { class: "refusal", role: "alert", hidden: true });
  const back = document.activeElement;
  const close = () => element.close();
  const button = confirm && h("button", { type: "submit", class: confirm.kind ?? "primary" }, icon(confirm.icon ?? "check"), confirm.label);
  const form = h("form", { method: "dialog", class: "dialog-form", novalidate: true },
    h("div", { class: "dialog-head" }, lead, h("div", { class: "dialog-name" }, h("h2", { id: "dialog-title" }, title), subtitle ? h("p", {}, subtitle) : null),
      h("button", { type: "button", class: "tool", "aria-label": t("Close"), onclick: close }, icon("x"))),
    h("div", { class: "dialog-body" }, refusal, body),
    confirm && h("div", { class: "dialog-foot" }, hint ? h("span", { class: "hint" }, hint) : null,
      h("button", { type: "button", class: "quiet", onclick: close }, t("Cancel")), button));
  const element = h("dialog", { class: docked ? "docked" : wide ? "wide" : "", "aria-labelledby": "dialog-title" }, form);
  element.refuse = (message) => {
    refusal.replaceChildren(icon("circle-alert"), h("div", {}, message));
    refusal.hidden = !message;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!confirm || button.disabled) return;
    button.disabled = true;
    const done = await confirm.run(element, new FormData(form)).catch((error) => element.refuse(error.message));
    button.disabled = false;
    if (done) close();
  });
  element.addEventListener("click", (event) => event.target === element && close());
  element.addEventListener("close", () => { element.remove(); onClose?.(); back?.focus?.(); });
  document.body.append(element);
  if (docked) standBeside(element);
  else element.showModal();
  (element.querySelector("[data-first]") ?? button ?? element).focus();
  return element;
}

/** Opens it without taking the page; Escape closes it all the same, one open before it gives way. */
function standBeside(element) {
  for (const other of document.querySelectorAll("dialog.docked[open]")) other.close();
  const leave = (event) => { if (event.key === "Escape" && !event.isComposing && !document.querySelector("dialog:modal")) element.close(); };
  document.addEventListener("keydown", leave);
  element.addEventListener("close", () => document.removeEventListener("keydown", leave));
  element.show();
}

/** A group of choices as radio buttons: `[{code, label}]`. */
export function choices(name, legend, items, chosen = null) {
  return h("fieldset", { class: "choices" }, h("legend", {}, legend), items.map((item, i) => h("label", {},
    h("input", { type: "radio", name, value: item.code, checked: item.code === chosen, "data-first": i === 0 ? "" : null }), h("span", {}, item.label))));
}

/** A labelled field around an input element. */
export function field(label, input, help = "") {
  return h("label", { class: "field" }, label, input, help ? h("small", {}, help) : null);
}
