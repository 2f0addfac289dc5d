/** Relaying to an agency: which one, how its link is, cameras, words, and the exact message before the one confirmation. */
import { linkState, relayTo, sendLabel, sendingTo } from "./agencies.js";
import { get } from "./api.js";
import { field, openDialog } from "./dialog.js";
import { h, icon, shape, text } from "./dom.js";
import { clock, distance } from "./format.js";
import { shapeId } from "./grades.js";
import { named, t } from "./i18n.js";
import { stateName } from "./relays.js";
import { stateTone } from "./standing.js";

const TYPING_MS = 300;
/** How many of the nearest can be chosen from, and how many go without a choice. */
const CAMERAS = { offered: 10, sent: 5 };

/** JSON as coloured elements, never as markup. */
function coloured(value) {
  const parts = JSON.stringify(value, null, 2).split(/("(?:[^"\\]|\\.)*"\s*:?|-?\d+(?:\.\d+)?)/g);
  return parts.map((part, i) => {
    if (i % 2 === 0) return part;
    const kind = part.startsWith('"') ? (part.trimEnd().endsWith(":") ? "k" : "s") : "n";
    return h("span", { class: kind }, part);
  });
}

/**
 * Opens the dialog with `agency` chosen, or none. `context`: `{catalogue, links}`; `send(body)` resolves when the
 * ledger has it. The first preview is made before the dialog opens: one that cannot be is a refusal shown by the caller.
 */
export async function askRelay(incident, agency, label, { catalogue, links }, send) {
  const choice = new RelayChoice(incident, catalogue.agencies, links);
  if (agency) await choice.choose(agency);
  const dialog = openDialog({
    title: label, wide: true, lead: shape(shapeId(incident), incident.grade),
    subtitle: `${named(incident.title)} · ${incident.place || incident.address} · ${incident.number}`,
    hint: t("Nothing has been sent yet."), body: choice.element,
    confirm: { label: t("Send"), icon: "send", run: async (element) => {
      const body = choice.body();
      if (!body) return element.refuse(choice.missing());
      await send(body);
      return true;
    } },
  });
  choice.button = dialog.querySelector("button[type=submit]");
  choice.onChange = () => dialog.refuse("");
  choice.label();
  return dialog;
}

class RelayChoice {
  constructor(incident, agencies, links) {
    Object.assign(this, { incident, agencies, links, slug: "", cameras: null, onChange: () => {} });
    this.list = h("div", { class: "agencies", role: "radiogroup", "aria-label": t("Recipient") }, agencies.map((one) => this.#option(one)));
    this.words = h("textarea", { name: "message", maxlength: "2000", rows: "2" });
    this.words.addEventListener("input", () => { clearTimeout(this.typing); this.typing = setTimeout(() => this.#preview(), TYPING_MS); });
    [this.note, this.recipient, this.place, this.pre] = [h("div"), h("div"), h("div", { class: "send-cameras" }), h("pre", { tabindex: "0" })];
    this.element = [this.list, this.recipient, this.note, field(t("Message to the agency (optional)"), this.words), this.place,
      h("section", { class: "payload" }, h("h3", {}, t("Exactly this will be sent"), h("span", {}, "POST")), this.pre)];
    this.#offerCameras();
  }

  /** Chooses an agency and shows its message. Refusals of the preview are thrown. */
  async choose(slug) {
    this.slug = slug;
    if (!this.agency) throw new Error(t("No such agency is linked."));
    this.onChange();
    for (const radio of this.list.querySelectorAll("input")) radio.checked = radio.value === slug;
    this.#explain();
    await this.#preview({ strict: true });
    this.label();
  }

  /** Says on the button what pressing it does. */
  label() {
    if (this.button && this.agency) this.button.replaceChildren(icon("send"), sendLabel(sendingTo(this.incident, this.slug), named(this.agency.name)));
  }

  /** What is sent, or null where something is missing. */
  body() {
    if (!this.slug || (sendingTo(this.incident, this.slug) === "update" && !this.words.value.trim())) return null;
    const message = this.words.value.trim();
    const anew = sendingTo(this.incident, this.slug) === "anew";
    return { agency: this.slug, ...(anew ? { anew } : {}), ...(message ? { message } : {}), ...(this.#chosen() ? { cameras: this.#chosen() } : {}) };
  }

  /** Why nothing can be sent yet. */
  missing() {
    return this.slug ? t("It has been told already: write what is new, and it gets an update.") : t("Choose an agency.");
  }

  get agency() {
    return this.agencies.find((one) => one.slug === this.slug);
  }

  #option(one) {
    const state = linkState(one, this.links);
    const told = relayTo(this.incident, one.slug);
    const input = h("input", { type: "radio", name: "agency", value: one.slug, onchange: () => this.choose(one.slug).catch((error) => text(this.pre, error.message)) });
    return h("label", {}, input, h("span", { class: "agency", dataset: { tone: state ? stateTone(state.state) : "quiet" } }, h("b", {}, named(one.name)),
      h("small", {}, [state?.word, told && stateName(told.state)].filter(Boolean).join(" · "))));
  }

  #explain() {
    const { agency } = this;
    this.recipient.replaceChildren(h("div", { class: "recipient" }, icon("radio-tower"),
      h("div", {}, h("small", {}, t("Recipient")), h("b", {}, named(agency.name))), h("span", { class: "phone" }, agency.phone || t("no phone number"))));
    const lines = [this.#past(), this.#link()].filter(Boolean);
    this.note.replaceChildren(...lines.map((line) => h("p", { class: "relay-note" }, icon("circle-alert"), line)));
  }

  #past() {
    const before = relayTo(this.incident, this.slug);
    if (!before) return "";
    const values = { state: stateName(before.state), time: clock(before.state_at) };
    return {
      anew: t("It has ended its case (%(state)s, %(time)s). Sending opens a new one there.", values),
      again: t("The message could not be delivered. Sending tries the same message again: it takes effect once.", values),
      update: t("It has been told already (%(state)s, %(time)s). Write what is new: it gets an update.", values),
    }[sendingTo(this.incident, this.slug)];
  }

  #link() {
    const state = linkState(this.agency, this.links);
    return state?.waits ? t("Its link is %(state)s: the message waits and will be put before you. Call %(phone)s.", { state: state.word, phone: this.agency.phone || "–" }) : "";
  }

  async #offerCameras() {
    if (this.incident.lat == null) return;
    const near = { near: `${this.incident.lat},${this.incident.lon}`, radius_m: 500, limit: CAMERAS.offered };
    this.cameras = (await get("cameras", near).catch(() => ({}))).cameras ?? [];
    if (!this.cameras.length) return;
    this.place.replaceChildren(h("h3", {}, t("Cameras to send")), h("div", { class: "choices" }, this.cameras.map((camera, i) => h("label", {},
      h("input", { type: "checkbox", name: "camera", value: String(camera.id), checked: i < CAMERAS.sent, onchange: () => this.#preview() }), h("span", {}, `${camera.name} · ${distance(camera.distance_m)}`)))));
  }

  /** The ids chosen, or null where the nearest five go anyway. */
  #chosen() {
    const boxes = [...this.place.querySelectorAll("input")];
    const plain = boxes.every((box, i) => box.checked === i < CAMERAS.sent);
    return plain ? null : boxes.filter((box) => box.checked).map((box) => Number(box.value));
  }

  async #preview({ strict = false } = {}) {
    const asked = { agency: this.slug, message: this.words.value.trim(), cameras: this.#chosen()?.join(",") ?? null };
    if (!this.slug) return;
    const key = (this.asked = JSON.stringify(asked));
    const path = `incidents/${encodeURIComponent(this.incident.number)}/relay-preview${asked.cameras === "" ? "?cameras=" : ""}`;
    const answer = await get(path, asked).catch((error) => ({ error }));
    if (strict && answer.error) throw answer.error;
    if (key !== this.asked) return;
    this.pre.replaceChildren(...(answer.error ? [answer.error.message] : coloured(answer.payload)));
  }
}
