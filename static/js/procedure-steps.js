/** The steps of a checklist as rows with their buttons: the same in the panel and in the closing dialog. */
import { cap, h, icon, text } from "./dom.js";
import { clock, counter } from "./format.js";
import { named, t } from "./i18n.js";
import { timeLeft, verbs } from "./procedure-view.js";

const GLYPHS = { done: "circle-check", skipped: "circle-slash", open: "circle" };

/** The word beside a step's link. */
function linkText(action) {
  const [kind, whom] = action.split(":");
  const words = { cameras: t("Cameras"), map: t("Map"), note: t("Note") };
  if (kind === "relay") return { police112: t("Relay 112"), fire119: t("Relay 119") }[whom] ?? t("Relay %(agency)s", { agency: whom });
  return kind === "call" ? whom : words[action] ?? action;
}

function stateText(step) {
  return { done: t("Done"), skipped: t("Skipped"), open: t("Not done") }[step.state];
}

export class StepRows {
  /** `me`: GET me. `onDo(verb, step, value)`: do, undo, open, choose (an option's id), skip (a reason). `keys`: whether S stands beside the current step. */
  constructor({ me, onDo, keys = false }) {
    Object.assign(this, { me, onDo, keys });
    this.element = h("ol", { class: "sop-steps" });
    this.skipping = null;
    this.words = "";
    this.clocks = [];
  }

  /** Shows these steps of `checklist`; `busy` is the id of one on its way to the server. */
  render(steps, checklist, { now, off, busy = null }) {
    Object.assign(this, { steps, checklist, now, off, busy });
    const focused = this.element.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    this.clocks = [];
    this.readiness = this.#ready();
    this.element.replaceChildren(...steps.map((step) => this.#row(step)));
    if (focused) this.element.querySelector(`[data-focus="${focused}"]`)?.focus();
  }

  /** Counts the clocks; draws anew when a timer has become ready. */
  tick(now) {
    this.now = now;
    if (this.steps && this.#ready() !== this.readiness) this.render(this.steps, this.checklist, this);
    for (const { element, step } of this.clocks) this.#count(element, step);
  }

  /** Opens the field for a reason. */
  askReason(step) {
    this.skipping = step.id;
    this.words = "";
    this.render(this.steps, this.checklist, this);
    this.element.querySelector(".sop-reason input")?.focus();
  }

  #ready() {
    return this.steps.map((step) => verbs(step, this.checklist, this.me, this.now, this.off).join()).join("|");
  }

  #row(step) {
    const allowed = verbs(step, this.checklist, this.me, this.now, this.off);
    const current = step.id === this.checklist.current;
    const tone = current ? "current" : "";
    return h("li", { class: `sop-step ${step.state} ${tone}`, dataset: { step: step.id, state: step.state }, "aria-current": current ? "step" : null },
      h("span", { class: "sop-glyph", role: "img", "aria-label": stateText(step) }, icon(current && step.state === "open" ? "circle-dot" : GLYPHS[step.state])),
      h("div", { class: "sop-what" }, h("span", { class: "sop-text" }, named(step.text)), this.#marks(step, current)),
      h("div", { class: "sop-verbs" }, this.#buttons(step, allowed, current)),
      allowed.includes("choose") ? this.#options(step) : null,
      allowed.includes("skip") && this.skipping === step.id ? this.#reason(step) : null);
  }

  #marks(step, current) {
    const chosen = step.options.find(({ id }) => id === step.choice);
    const owner = step.owner === "supervisor" ? h("span", { class: "sop-chip" }, icon("user"), t("Supervisor")) : null;
    const open = step.state === "open";
    const said = [chosen && named(chosen.text), step.reason].filter(Boolean).join(" · ");
    const by = open ? null : h("small", { class: "sop-by" }, [said, step.hand ? step.by : t("by the ledger"), clock(step.at)].filter(Boolean).join(" · "));
    const watch = current && open && timeLeft(step, this.now) ? h("b", { class: "sop-clock", role: "timer" }) : null;
    if (watch) {
      this.clocks.push({ element: watch, step });
      this.#count(watch, step);
    }
    return [watch, open && step.required ? h("span", { class: "sop-chip needed" }, t("Required")) : null, open ? owner : null, by];
  }

  #count(element, step) {
    const left = timeLeft(step, this.now);
    if (!left) return;
    element.dataset.tone = left.tone;
    const time = counter(Math.abs(left.ms));
    text(element, left.tone === "over" ? t("over by %(time)s", { time }) : left.tone === "wait" ? t("wait %(time)s", { time }) : time);
  }

  #buttons(step, allowed, current) {
    const busy = this.busy === step.id;
    const button = (verb, name, label, run, wide = false) => h("button", {
      type: "button", class: wide ? "sop-button" : "sop-button small", disabled: busy, "aria-busy": String(busy), "aria-label": `${label}: ${named(step.text)}`, title: label,
      dataset: { verb, focus: `${verb}-${step.id}` }, onclick: run }, icon(name), wide ? label : null, wide && current && this.keys ? cap("S") : null);
    const first = allowed.find((verb) => verb === "open" || verb === "do");
    return allowed.filter((verb) => verb !== "choose").map((verb) => {
      if (verb === "open") return this.#link(step, button);
      if (verb === "do") return button("do", "check", t("Done"), () => this.onDo("do", step), first === "do");
      if (verb === "skip") return button("skip", "skip-forward", t("Skip"), () => (this.skipping === step.id ? this.#close() : this.askReason(step)));
      return button("undo", "undo-2", t("Take back"), () => this.onDo("undo", step));
    });
  }

  #link(step, button) {
    const label = linkText(step.action);
    if (!step.action.startsWith("call:")) return button("open", step.action.startsWith("relay:") ? "send" : "eye", label, () => this.onDo("open", step), true);
    return h("a", { class: "sop-button", href: `tel:${label}`, dataset: { verb: "open", focus: `open-${step.id}` } }, icon("phone"), label);
  }

  #options(step) {
    const busy = this.busy === step.id;
    return h("div", { class: "sop-options", role: "group", "aria-label": named(step.text) }, step.options.map((option) => h("button", {
      type: "button", disabled: busy, dataset: { option: option.id, focus: `choose-${step.id}-${option.id}` }, onclick: () => this.onDo("choose", step, option.id) }, named(option.text))));
  }

  #reason(step) {
    const input = h("input", { type: "text", maxlength: "300", autocomplete: "off", value: this.words, placeholder: t("Why is it skipped? The supervisor sees it."), "aria-label": t("Reason"), dataset: { focus: `reason-${step.id}` } });
    input.value = this.words;
    input.addEventListener("input", () => { this.words = input.value; });
    const send = () => input.value.trim() && this.onDo("skip", step, input.value.trim()).then((done) => done && this.#close());
    input.addEventListener("keydown", (event) => {
      if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
      // Neither the dialog around it nor the page may take these for their own.
      event.preventDefault();
      event.stopPropagation();
      if (event.key === "Enter") send();
      else this.#close();
    });
    return h("div", { class: "sop-reason" }, input, h("button", { type: "button", class: "sop-button", dataset: { verb: "skip-send" }, onclick: send }, t("Skip")));
  }

  #close() {
    this.skipping = null;
    this.render(this.steps, this.checklist, this);
  }
}
