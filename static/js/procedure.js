/** The procedure of the open incident: its checklist, short or whole, and the marking of steps. */
import { get, post } from "./api.js";
import { h, icon } from "./dom.js";
import { clock } from "./format.js";
import { ENDED } from "./grades.js";
import { named, t, tn } from "./i18n.js";
import { refused } from "./perform.js";
import { preference, savePreference } from "./preferences.js";
import { StepRows } from "./procedure-steps.js";
import { blockingSteps, concerns, mayWaive, shortForm, stepNow } from "./procedure-view.js";

const PREFERENCE = "procedure-whole";

export class ProcedureBlock {
  /** `me`: GET me. `onOpen(action)`: a step's link was pressed. `onChanges(changes)`: live rows, for whoever else listens. */
  constructor({ me, onOpen, onChanges = () => {} }) {
    Object.assign(this, { me, onOpen, onChanges, incident: null, checklist: null, asked: 0, busy: null });
    this.whole = Boolean(preference(PREFERENCE, false));
    this.rows = new StepRows({ me, onDo: (...what) => this.#do(...what), keys: true });
    this.element = h("section", { class: "block sop", "aria-label": t("Procedure"), hidden: true });
    this.waiving = false;
  }

  /** Shows the procedure of `incident`; in history as it stood at `now`. There, and once it has ended, nothing can be done. */
  render(incident, { now, historic = false }) {
    const ended = Boolean(incident) && ENDED.has(incident.status);
    const key = incident ? `${incident.number} ${historic ? now : ended}` : "";
    Object.assign(this, { incident, now, historic, off: historic || ended });
    if (key === this.key) return;
    Object.assign(this, { key, checklist: null, waiving: false });
    this.rows.skipping = null;
    this.element.hidden = true;
    if (incident) this.load();
  }

  /** Reads the checklist from the server; an answer overtaken by a later one is dropped. */
  async load() {
    const asked = ++this.asked;
    const { number } = this.incident;
    const at = this.historic ? { at: new Date(this.now).toISOString() } : {};
    const answer = await get(`incidents/${encodeURIComponent(number)}/procedure`, at).catch((error) => ({ error }));
    if (asked !== this.asked || number !== this.incident?.number) return;
    this.#show(answer.error ? null : answer, answer.error);
  }

  /** Live ledger rows: those of the open incident may change how its checklist stands. */
  append(changes) {
    if (this.incident && changes.some((change) => concerns(change, this.incident.number))) this.load();
    this.onChanges(changes);
  }

  /** Counts the clocks. */
  tick(now) {
    if (!this.historic) this.now = now;
    if (this.checklist && !this.off) for (const rows of [this.rows, this.closingRows]) if (rows?.element.isConnected) rows.tick(now);
  }

  /** Key S: does what the current step asks for. Answers false where there is nothing to do. */
  stepNow() {
    const found = stepNow(this.checklist, this.me, this.now, this.off);
    if (!found) return false;
    if (found.verb === "choose") return this.element.querySelector(`[data-step="${found.step.id}"] .sop-options button`)?.focus();
    return this.#do(found.verb, found.step);
  }

  /** For the closing dialog: the required steps that are open, to be done or skipped right there; it follows the ledger. */
  closing() {
    this.closingRows = new StepRows({ me: this.me, onDo: (...what) => this.#do(...what) });
    this.closingElement = h("div", { class: "sop sop-closing" });
    this.#renderClosing();
    this.load();
    return this.closingElement;
  }

  #show(checklist, error = null) {
    this.checklist = checklist;
    this.element.hidden = !error && (!checklist || checklist.state === "none");
    if (error) this.element.replaceChildren(h("h3", {}, t("Procedure")), h("p", { class: "none" }, error.message));
    else if (!this.element.hidden) this.#render();
    if (checklist) this.#renderClosing();
  }

  #render() {
    const { checklist } = this;
    const waiting = checklist.state === "waiting";
    const steps = waiting && !this.whole ? [] : this.whole ? checklist.steps : shortForm(checklist);
    this.element.dataset.state = checklist.state;
    this.rows.render(steps, checklist, { now: this.now, off: this.off, busy: this.busy });
    this.element.replaceChildren(...[this.#head(checklist), this.#said(checklist), steps.length ? this.rows.element : null, this.whole ? this.#foot(checklist) : null].filter(Boolean));
  }

  #head({ title, version, settled, total, state }) {
    const finished = state === "complete" || state === "waived";
    const bar = h("progress", { max: String(total), value: String(settled), "aria-label": t("Progress") });
    return h("button", { type: "button", class: "sop-head", "aria-expanded": String(this.whole), title: t("Version %(version)s", { version }), onclick: () => this.#toggle() },
      icon(finished ? "circle-check" : "list-checks"), h("span", { class: "sop-title" }, named(title)),
      bar, h("b", { class: "sop-count" }, `${settled}/${total}`), icon(this.whole ? "chevron-down" : "chevron-right"));
  }

  #said({ state, waived, blocking }) {
    const words = {
      waiting: () => !this.off && t("Begins with the acknowledgement."),
      waived: () => t("The rest was waived by %(by)s at %(time)s: %(reason)s", { by: waived.by, time: clock(waived.at), reason: waived.reason }),
      open: () => this.whole && tn("Closing waits for %(count)s required step.", "Closing waits for %(count)s required steps.", blocking.length),
    }[state]?.();
    return words ? h("p", { class: "sop-said" }, words) : null;
  }

  #foot(checklist) {
    const hidden = checklist.hidden ? h("small", {}, tn("%(count)s step on a branch not taken", "%(count)s steps on branches not taken", checklist.hidden)) : null;
    return h("div", { class: "sop-foot" }, hidden, mayWaive(checklist, this.me, this.off) ? this.#waiver() : null);
  }

  #waiver() {
    if (!this.waiving) return h("button", { type: "button", class: "sop-button", dataset: { verb: "waive" }, onclick: () => { this.waiving = true; this.#render(); this.element.querySelector(".sop-waive input").focus(); } }, icon("ban"), t("Waive the rest"));
    const input = h("input", { name: "reason", type: "text", maxlength: "300", autocomplete: "off", placeholder: t("Why are the remaining steps not needed?"), "aria-label": t("Reason") });
    const form = h("form", { class: "sop-waive sop-reason" }, input, h("button", { type: "submit", class: "sop-button" }, t("Waive")));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (input.value.trim()) this.waiving = !(await this.#send("waive", { reason: input.value.trim() }));
    });
    return form;
  }

  #renderClosing() {
    if (!this.closingElement) return;
    const steps = blockingSteps(this.checklist);
    this.closingElement.hidden = !steps.length;
    if (!steps.length) return;
    this.closingRows.render(steps, this.checklist, { now: this.now, off: this.off, busy: this.busy });
    this.closingElement.replaceChildren(h("p", { class: "sop-said" }, icon("circle-alert"), tn("Closing waits for %(count)s required step.", "Closing waits for %(count)s required steps.", steps.length)), this.closingRows.element);
  }

  #toggle() {
    this.whole = !this.whole;
    this.#render();
    this.element.querySelector(".sop-head").focus();
    savePreference(PREFERENCE, this.whole).catch(() => {});
  }

  #do(verb, step, value) {
    if (verb === "open") return this.onOpen(step);
    const body = { skip: { reason: value }, choose: { choice: value } }[verb] ?? {};
    return this.#send(`${encodeURIComponent(step.id)}/${verb}`, body, step.id);
  }

  /** Sends, and shows the checklist as the server then has it; true when it is recorded. */
  async #send(path, body, id = "") {
    const { number } = this.incident;
    this.#busy(id);
    const answer = await post(`incidents/${encodeURIComponent(number)}/procedure/${path}`, body).catch((error) => { refused(error); return null; });
    this.#busy(null);
    if (number !== this.incident?.number) return Boolean(answer);
    if (answer) {
      this.asked += 1; // whatever was asked before is older than this
      this.waiving = false;
      this.#show(answer.procedure);
    } else await this.load();
    return Boolean(answer);
  }

  #busy(id) {
    this.busy = id;
    if (this.checklist && this.checklist.state !== "none") this.#show(this.checklist);
  }
}
