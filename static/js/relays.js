/** The relays of the open incident: where each stands, its unit and ETA, and the phone where it failed. */
import { h, icon, text } from "./dom.js";
import { etaLeft } from "./eta.js";
import { clock, counter } from "./format.js";
import { named, t } from "./i18n.js";

const STEPS = ["sent", "accepted", "dispatched", "arrived", "closed"];
const STOPPED = new Set(["declined", "cancelled", "failed", "by_hand"]);

function stepName(step) {
  return { sent: t("Sent"), accepted: t("Accepted"), dispatched: t("Dispatched"), arrived: t("Arrived"), closed: t("Ended") }[step];
}

/** A relay's state in words. */
export function stateName(state) {
  const names = { queued: t("Waiting to be sent"), declined: t("Declined"), cancelled: t("Cancelled"), failed: t("Could not be sent"), by_hand: t("Called by hand") };
  return names[state] ?? stepName(state);
}

/** What went wrong, in words; an unknown code is shown as it came. */
function reasonText(reason) {
  const names = { connect_timeout: t("The agency's system could not be reached."), timeout: t("The agency's system did not answer in time."), declined: t("The agency declined.") };
  return names[reason] ?? reason;
}

export class Relays {
  /** `onCalled(relay)`: the operator says that they have called; `onAgain(relay)`: what failed is to be sent again. */
  constructor({ onCalled, onAgain }) {
    Object.assign(this, { onCalled, onAgain });
    this.element = h("section", { class: "block relays", "aria-live": "polite" });
    this.etas = [];
  }

  /** Shows the incident's relays; `can` tells whether calling by hand may be recorded. */
  render(incident, { can, now }) {
    this.etas = [];
    this.element.hidden = !incident?.relays?.length;
    if (this.element.hidden) return;
    this.element.replaceChildren(h("h3", {}, t("Relays")), ...incident.relays.map((relay) => this.#card(relay, can, now)));
  }

  /** Counts ETAs down. */
  tick(now) {
    for (const { element, relay } of this.etas) text(element, counter(etaLeft(relay, now)));
  }

  #card(relay, can, now) {
    const trouble = relay.attention || relay.state === "failed";
    return h("article", { class: `relay ${trouble ? "trouble" : ""}`, dataset: { state: relay.state, agency: relay.agency } },
      h("div", { class: "relay-head" }, icon("radio-tower"), named(relay.agency_name),
        relay.phone && !trouble ? h("a", { href: `tel:${relay.phone}` }, icon("phone"), relay.phone) : null),
      trouble ? this.#trouble(relay, can) : null,
      STOPPED.has(relay.state) ? h("p", { class: "relay-foot" }, `${stateName(relay.state)} · ${clock(relay.state_at)}`, relay.called_by ? ` · ${relay.called_by}` : "") : this.#steps(relay),
      relay.unit ? this.#unit(relay, now) : null,
      relay.receipt || relay.note ? h("p", { class: "relay-foot" }, [relay.receipt && t("Receipt %(receipt)s", { receipt: relay.receipt }), relay.note].filter(Boolean).join(" · ")) : null);
  }

  #steps(relay) {
    const at = STEPS.indexOf(relay.state);
    const kind = (i) => (i < at ? "done" : i === at ? "here" : i === at + 1 ? "wait" : "");
    return h("ol", { class: "steps", "aria-label": stateName(relay.state) }, STEPS.map((step, i) => h("li", { class: `step ${kind(i)}`, "aria-current": i === at ? "step" : null },
      stepName(step), i === at ? h("time", {}, clock(relay.state_at)) : null)));
  }

  #unit(relay, now) {
    const left = etaLeft(relay, now);
    const eta = h("span", { class: "eta" });
    if (relay.state === "dispatched" && left != null) {
      const digits = h("span", {}, counter(left));
      eta.append(h("small", {}, t("arrives in")), digits);
      this.etas.push({ element: digits, relay });
    }
    return h("div", { class: "relay-unit" }, icon("truck"), h("b", {}, relay.unit), h("span", {}, relay.state === "arrived" ? t("at the scene") : ""), eta);
  }

  #trouble(relay, can) {
    return h("div", { class: "relay-trouble", role: "alert" },
      h("p", {}, icon("triangle-alert"), h("span", {}, h("b", {}, t("Not delivered: call by hand.")), " ", reasonText(relay.attention?.reason ?? ""))),
      h("div", { class: "call" }, h("a", { class: "phone", href: `tel:${relay.phone}` }, relay.phone || t("no phone number")),
        can && relay.state === "failed" ? h("button", { type: "button", class: "quiet", dataset: { again: relay.agency }, onclick: () => this.onAgain(relay) }, icon("refresh-cw"), t("Send again")) : null,
        can ? h("button", { type: "button", class: "primary", onclick: () => this.onCalled(relay) }, icon("phone-call"), t("I have called")) : null));
  }
}
