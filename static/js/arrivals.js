/** Cards over the map that announce what must not be missed: a new critical incident, an escalation to whoever looks here. */
import { h, icon, shape } from "./dom.js";
import { shapeId, unseen } from "./grades.js";
import { named, t } from "./i18n.js";

const SHOWN_MS = 15000;
const AT_MOST = 3;

export class Arrivals {
  /** `onOpen(number)`: a card's button was pressed; whatever opens an incident says `leave`. */
  constructor({ onOpen }) {
    Object.assign(this, { onOpen, cards: new Map() });
    this.place = document.getElementById("arrivals");
  }

  /** Announces it, the newest first; with the words of an `escalation` as one. An earlier card of the same incident goes. */
  announce(incident, escalation = null) {
    const { number, grade, title, place, address } = incident;
    this.leave(number);
    const words = escalation ? [escalation, [named(title), place].filter(Boolean).join(" · ")] : [named(title), place || address];
    const card = h("div", { class: `arrival ${grade}${escalation ? " escalation" : ""}` }, shape(shapeId(incident), grade), h("b", {}, words[0]), h("span", {}, words[1]),
      h("button", { type: "button", onclick: () => this.onOpen(number) }, t("Open"), icon("arrow-right")));
    this.cards.set(number, card);
    this.place.prepend(card);
    if (this.cards.size > AT_MOST) this.leave(this.cards.keys().next().value);
    setTimeout(() => this.cards.get(number) === card && this.leave(number), SHOWN_MS);
  }

  /** Takes away the cards of what nobody need be told of any more: of `incidents`, those that somebody has seen to. */
  settle(incidents) {
    for (const number of [...this.cards.keys()]) if (!incidents.has(number) || !unseen(incidents.get(number))) this.leave(number);
  }

  /** Takes away this incident's card, as when it is opened. */
  leave(number) {
    this.cards.get(number)?.remove();
    this.cards.delete(number);
  }
}
