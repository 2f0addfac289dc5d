/** Handing over with consent: the dialog with the colleagues, the offer in the panel, and its card at who is asked. */
import { act, get } from "./api.js";
import { openDialog } from "./dialog.js";
import { arrange, h, icon, shape, text } from "./dom.js";
import { counter } from "./format.js";
import { shapeId } from "./grades.js";
import { named, t } from "./i18n.js";

/** The offer of `incident` that still waits at `now`, or null. */
export function offerOf(incident, now) {
  const { offer } = incident ?? {};
  return offer && new Date(offer.until).getTime() > now ? offer : null;
}

/** The incidents whose offers wait for `username`'s word, the first to run out first. */
export function asksOf(incidents, username, now) {
  const found = [...incidents.values()].filter((one) => offerOf(one, now)?.asked === username);
  return found.sort((a, b) => (a.offer.until < b.offer.until ? -1 : 1));
}

/** What an offer says to whom it asks: it is for them, or somebody wants what they hold. */
export function offerWords({ to, by }, holder) {
  if (to.username === by.username) return t("%(name)s asks you for it", { name: by.name });
  return holder?.username === by.username ? t("%(name)s wants to hand it over to you", { name: by.name }) : t("%(name)s asks you to take it", { name: by.name });
}

const ROLES = { operator: () => t("operator"), supervisor: () => t("supervisor") };

function choice({ username, name, role, present }, first) {
  return h("label", { class: "colleague" }, h("input", { type: "radio", name: "username", value: username, "data-first": first ? "" : null }),
    h("span", {}, h("b", {}, name), h("small", {}, ROLES[role]?.() ?? role), h("i", { class: `presence ${present ? "here" : ""}` }, present ? t("signed in") : t("not signed in"))));
}

/** Opens the dialog. `send(move, body)` resolves when the ledger has it and throws a refusal otherwise. */
export async function askHandover(incident, { me }, send) {
  const { colleagues } = await get("colleagues");
  const others = colleagues.filter(({ username }) => username !== me.username && username !== incident.holder?.username);
  others.sort((a, b) => b.present - a.present || (a.name < b.name ? -1 : 1));
  const direct = me.actions.includes("direct");
  const list = others.length ? h("fieldset", { class: "colleagues" }, h("legend", {}, t("To whom")), others.map((one, i) => choice(one, i === 0))) : h("p", { class: "none" }, t("There is nobody to hand it over to."));
  const atOnce = direct && h("label", { class: "check" }, h("input", { type: "checkbox", name: "direct" }), t("At once, without asking (supervisor)"));
  return openDialog({
    title: t("Hand over"), subtitle: `${named(incident.title)} · ${incident.place || incident.address} · ${incident.number}`, lead: shape(shapeId(incident), incident.grade),
    body: [list, atOnce].filter(Boolean), hint: t("It changes hands when they agree, within two minutes."),
    confirm: {
      label: t("Hand over"), icon: "arrow-right",
      run: async (dialog, form) => {
        const username = form.get("username");
        if (!username) return dialog.refuse(t("Something is still missing: choose or write it."));
        await send(form.has("direct") ? "assign" : "offer", { username });
        return true;
      },
    },
  });
}

/** The panel's block of a pending offer: who, to whom, how long; answer or withdraw. */
export class OfferBlock {
  /** `me`: GET me. `onAnswer(incident, "accept" | "decline")`. */
  constructor({ me, onAnswer }) {
    Object.assign(this, { me, onAnswer });
    this.left = h("b", { class: "eta" });
    this.element = h("section", { class: "block offer-block", hidden: true });
  }

  /** Shows the offer of `incident`, if one waits. */
  render(incident, { now, can }) {
    this.incident = incident;
    const offer = offerOf(incident, now);
    this.element.hidden = !offer;
    if (!offer) return;
    const { username } = this.me;
    const asked = offer.asked === username;
    const words = asked ? offerWords(offer, incident.holder) : offer.to.username === offer.by.username ? t("%(name)s asks %(holder)s for it", { name: offer.by.name, holder: incident.holder?.name ?? "" }) : t("Offered to %(name)s", { name: offer.to.name });
    const button = (word, name, label, kind) => h("button", { type: "button", class: kind, onclick: () => this.onAnswer(this.incident, word) }, icon(name), label);
    const buttons = !can ? [] : asked ? [button("accept", "check", t("Accept"), "primary"), button("decline", "x", t("Decline"), "quiet")]
      : offer.by.username === username ? [button("decline", "undo-2", t("Withdraw"), "quiet")] : [];
    this.element.replaceChildren(h("p", {}, icon("hand"), h("span", {}, words), this.left), buttons.length ? h("div", { class: "offer-answer" }, buttons) : "");
    this.tick(now);
  }

  /** Counts the offer's time down. */
  tick(now) {
    const offer = offerOf(this.incident, now);
    if (!offer) this.element.hidden = true;
    else text(this.left, counter(new Date(offer.until).getTime() - now));
  }
}

/** Cards over the map for offers that wait for me, wherever I am at work. */
export class OfferCards {
  /** `onAnswer(incident, word)`, `onOpen(number)`. */
  constructor({ me, onAnswer, onOpen }) {
    Object.assign(this, { me, onAnswer, onOpen, cards: new Map() });
    this.element = document.getElementById("offers");
  }

  /** Shows the offers that wait for me. */
  render(incidents, now) {
    const asks = this.me.actions.includes("accept") ? asksOf(incidents, this.me.username, now) : [];
    for (const key of this.cards.keys()) if (!asks.some((one) => keyOf(one) === key)) this.cards.delete(key);
    arrange(this.element, asks.map((incident) => this.#card(incident, now)));
  }

  #card(incident, now) {
    const key = keyOf(incident);
    const known = this.cards.get(key) ?? this.#make(incident);
    this.cards.set(key, known);
    text(known.left, counter(new Date(incident.offer.until).getTime() - now));
    return known.element;
  }

  #make(incident) {
    const left = h("b", { class: "eta", "aria-live": "off" });
    const answer = (word) => () => this.onAnswer(incident, word);
    const element = h("div", { class: `offer-card ${incident.grade}`, dataset: { number: incident.number } }, shape(shapeId(incident), incident.grade),
      h("span", {}, h("b", {}, offerWords(incident.offer, incident.holder)), h("small", {}, [named(incident.title), incident.place].filter(Boolean).join(" · "))), left,
      h("span", { class: "offer-answer" },
        h("button", { type: "button", class: "primary", onclick: answer("accept") }, icon("check"), t("Accept")),
        h("button", { type: "button", class: "quiet", onclick: answer("decline") }, t("Decline")),
        h("button", { type: "button", class: "quiet", onclick: () => this.onOpen(incident.number) }, t("Open"))));
    return { element, left };
  }
}

const keyOf = ({ number, offer }) => `${number} ${offer.to.username} ${offer.until}`;

/** Sends an answer to an offer. */
export const answerOffer = (incident, word) => act(incident.number, word);
