/** Registering what was heard of by telephone: type, place by click, address or coordinates, grade, words, caller. */
import { groupedCodes, familyName } from "./codes.js";
import { choices, field, openDialog } from "./dialog.js";
import { cap, h, icon, shape } from "./dom.js";
import { GRADES, gradeName } from "./grades.js";
import { named, t } from "./i18n.js";
import { readPosition } from "./why.js";

/** The fields of the form that answer for a field of the server. */
const SHOWN_AT = { lat: "position", lon: "position" };

export class Registrar {
  /**
   * `send(body)`: registers and answers the incident once it is on the screen. `open(number)`: shows it. `live()`:
   * whether the present is shown. The button that begins it stands over the queue.
   */
  constructor({ me, catalogue, send, picker, map, open, live }) {
    Object.assign(this, { catalogue, send, picker, map, open, live, may: me.actions.includes("register") });
    if (!this.may) return;
    const button = h("button", { type: "button", id: "register", class: "quiet small", title: `${t("Register an incident")} (R)`, "aria-keyshortcuts": "R", onclick: () => this.start() }, icon("phone-incoming"), t("Register"), cap("R"));
    document.querySelector(".queue-head").append(button);
  }

  /** Opens the dialog beside the map; false where it may not be. */
  start() {
    if (!this.may || !this.live()) return false;
    const form = new Registration(this.catalogue, { onPlace: (place) => this.map.markPlace(place) });
    const dialog = openDialog({
      title: t("Register an incident"), subtitle: t("It is yours at once: acknowledged, held by you."), lead: icon("phone-incoming"), docked: true, body: form.element,
      onClose: () => this.picker.end(),
      confirm: { label: t("Register"), icon: "check", run: async (element, data) => {
        const wrong = form.missing(data);
        showErrors(element, wrong);
        if (wrong.length) return element.refuse(t("Something is still missing: choose or write it."));
        return this.#send(element, form.read(data));
      } },
    });
    for (const name of ["input", "change"]) dialog.addEventListener(name, forget);
    this.picker.begin({ onPlace: (place) => form.place(place) });
    return true;
  }

  async #send(dialog, body) {
    try {
      const { number } = await this.send(body);
      this.open(number);
      return true;
    } catch (error) {
      showErrors(dialog, error.problem?.errors ?? []);
      throw error;
    }
  }
}

/** A field that is being mended no longer says that it is wrong. */
function forget({ target }) {
  const place = target.closest(".field, fieldset");
  place?.querySelectorAll(".error").forEach((error) => error.remove());
  place?.querySelectorAll("[aria-invalid]").forEach((input) => input.removeAttribute("aria-invalid"));
}

/** Puts what the server said beside the fields it is about. */
function showErrors(dialog, errors) {
  for (const old of dialog.querySelectorAll(".field .error")) old.remove();
  for (const input of dialog.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  for (const { field: name, message } of errors) {
    const input = dialog.querySelector(`[name="${CSS.escape(SHOWN_AT[name] ?? name)}"]`);
    input?.setAttribute("aria-invalid", "true");
    input?.closest(".field, fieldset")?.append(h("small", { class: "error" }, message));
  }
}

class Registration {
  constructor(catalogue, { onPlace }) {
    Object.assign(this, { catalogue, onPlace });
    this.list = h("div", { class: "code-list", role: "radiogroup", "aria-label": t("Type") });
    this.search = h("input", { type: "search", name: "code-search", autocomplete: "off", "data-first": "", placeholder: t("Theft, fire, bell … or a code"), "aria-label": t("Search the types") });
    this.search.addEventListener("input", () => this.#codes());
    this.search.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && this.#first(event));
    this.position = h("input", { name: "position", autocomplete: "off", inputmode: "decimal", placeholder: "36.35040, 127.38450" });
    this.position.addEventListener("input", () => this.onPlace(readPosition(this.position.value)));
    this.grades = h("div");
    this.element = [
      h("div", { class: "field" }, t("Type"), this.search, this.list),
      h("p", { class: "hint-line" }, icon("crosshair"), t("Click the place on the map, search for it there, or write where it is.")),
      field(t("Position (latitude, longitude)"), this.position, t("Without a position it is not on the map, and no camera is near.")),
      field(t("Address"), h("input", { name: "address", maxlength: "300", autocomplete: "off" }), t("Empty: looked up from the position.")),
      this.grades,
      field(t("What happened"), h("textarea", { name: "summary", maxlength: "500", rows: "3" })),
      field(t("Who reported it (optional)"), h("input", { name: "caller", maxlength: "100", autocomplete: "off" }), t("Such as a passer-by or a shop. Telephone numbers are covered in the ledger.")),
    ];
    this.#codes();
    this.#grades();
  }

  /** A place clicked on the map. */
  place(place) {
    this.position.value = `${place.lat.toFixed(5)}, ${place.lon.toFixed(5)}`;
    this.position.dispatchEvent(new Event("change", { bubbles: true }));
    this.onPlace(place);
  }

  /** What is missing or cannot be read, in the server's form. */
  missing(data) {
    const words = data.get("position").trim();
    return [
      data.get("code") ? null : { field: "code-search", message: t("Choose a type.") },
      words && !readPosition(words) ? { field: "position", message: t("Two numbers are needed: latitude, longitude.") } : null,
      !words && !data.get("address").trim() ? { field: "position", message: t("Click the place, or write a position or an address.") } : null,
    ].filter(Boolean);
  }

  /** The body to send. */
  read(data) {
    const { lat, lon } = readPosition(data.get("position")) ?? { lat: null, lon: null };
    const texts = Object.fromEntries(["grade", "summary", "address", "caller"].map((name) => [name, data.get(name)?.trim()]).filter(([, value]) => value));
    return { code: data.get("code"), lat, lon, ...texts };
  }

  #codes() {
    const chosen = this.chosen?.code;
    const groups = groupedCodes(this.catalogue.codes, this.search.value);
    this.list.replaceChildren(...groups.flatMap(({ family, codes }) => [h("h4", {}, familyName(family)), ...codes.map((one) => this.#option(one, chosen))]));
    if (!groups.length) this.list.replaceChildren(h("p", { class: "none" }, t("Nothing matches")));
    if (chosen && !this.list.querySelector("input:checked")) this.list.prepend(this.#option(this.chosen, chosen));
  }

  #option(one, chosen) {
    const input = h("input", { type: "radio", name: "code", value: one.code, checked: one.code === chosen, onchange: () => { this.chosen = one; this.#grades(); } });
    return h("label", { class: one.grade }, input, h("span", {}, shape(`g-${one.grade}`, one.grade), named(one.name), h("small", {}, one.code)));
  }

  /** Enter in the search takes the first that is found. */
  #first(event) {
    event.preventDefault();
    const input = this.list.querySelector("input");
    if (input) { input.checked = true; input.dispatchEvent(new Event("change", { bubbles: true })); input.focus(); }
  }

  #grades() {
    const own = this.chosen ? t("By type (%(grade)s)", { grade: this.chosen.grade }) : t("By type");
    this.grades.replaceChildren(choices("grade", t("Grade"), [{ code: "", label: own }, ...GRADES.map((grade) => ({ code: grade, label: `${grade} ${gradeName(grade)}` }))], ""));
    for (const input of this.grades.querySelectorAll("[data-first]")) input.removeAttribute("data-first");
  }
}
