/** What the panel shows while no incident is open: the room at a glance, and who is on the way. */
import { arrange, cap, h, icon, shape, text } from "./dom.js";
import { etaLeft } from "./eta.js";
import { counter } from "./format.js";
import { shapeId, unseen } from "./grades.js";
import { named, t } from "./i18n.js";
import { needsCall } from "./queue.js";

const UNDER_WAY = new Set(["queued", "sent", "accepted", "dispatched", "arrived"]);

/** Numbers of the room: waiting, in hand, relays under way, and agencies that must be called. */
export function glance(incidents) {
  const counts = { waiting: 0, inHand: 0, relays: 0, calls: 0 };
  for (const incident of incidents.values()) {
    counts[unseen(incident) ? "waiting" : "inHand"] += 1;
    counts.relays += (incident.relays ?? []).filter((relay) => UNDER_WAY.has(relay.state) && !relay.attention).length;
    counts.calls += Number(needsCall(incident));
  }
  return counts;
}

/** One number of the room; `tone` is its class while it is not zero. */
class Tile {
  constructor(label, name, tone) {
    Object.assign(this, { name, tone, value: h("dd") });
    this.element = h("div", { class: "tile" }, this.value, h("dt", {}, label));
  }

  show(count) {
    text(this.value, String(count));
    if (this.tone) this.element.classList.toggle(this.tone, count > 0);
  }
}

export class Overview {
  /** `onOpen(number)`: an incident named here was chosen. */
  constructor({ onOpen }) {
    this.onOpen = onOpen;
    this.tiles = [new Tile(t("Waiting"), "waiting", "strong"), new Tile(t("In hand"), "inHand"), new Tile(t("Relays under way"), "relays"), new Tile(t("Call by hand"), "calls", "alarming")];
    this.list = h("ol", { class: "on-way" });
    this.heading = h("h3", {}, t("On the way and at the scene"));
    this.none = h("p", { class: "none" }, t("No unit is out."));
    this.rows = new Map();
    const hint = h("p", { class: "overview-hint" }, h("span", {}, cap("J"), cap("K"), t("move through the queue")), h("span", {}, cap("G"), t("next unacknowledged")), h("span", {}, cap("?"), t("Keys and help")));
    this.element = h("div", { class: "overview" }, h("h2", {}, t("The room at a glance")), h("dl", { class: "tiles" }, this.tiles.map(({ element }) => element)), h("section", { class: "block" }, this.heading, this.list, this.none), hint);
  }

  /** Shows these incidents as of `now`. */
  render(incidents, now) {
    const counts = glance(incidents);
    for (const tile of this.tiles) tile.show(counts[tile.name]);
    const out = [...incidents.values()].flatMap((incident) => (incident.relays ?? []).filter((relay) => relay.attention || ["dispatched", "arrived"].includes(relay.state)).map((relay) => ({ incident, relay })));
    out.sort((a, b) => Boolean(b.relay.attention) - Boolean(a.relay.attention) || (etaLeft(a.relay, now) ?? 0) - (etaLeft(b.relay, now) ?? 0));
    this.none.hidden = out.length > 0;
    arrange(this.list, out.map((one) => this.#row(one, now)));
    const shown = new Set(out.map(({ relay }) => relay.id));
    for (const id of this.rows.keys()) if (!shown.has(id)) this.rows.delete(id);
  }

  /** Counts ETAs down; called every second. */
  tick(now) {
    for (const { eta, relay } of this.rows.values()) text(eta, etaText(relay, now));
  }

  #row({ incident, relay }, now) {
    const key = `${relay.state} ${relay.unit} ${incident.status} ${incident.grade} ${Boolean(relay.attention)}`;
    const known = this.rows.get(relay.id);
    if (known?.key === key) {
      known.relay = relay;
      text(known.eta, etaText(relay, now));
      return known.element;
    }
    const eta = h("b", { class: "eta" }, etaText(relay, now));
    const button = h("button", { type: "button", class: relay.attention ? "alarming" : "", onclick: () => this.onOpen(incident.number) },
      shape(shapeId(incident), incident.grade),
      h("span", {}, h("b", {}, `${named(incident.title)} · ${incident.place || ""}`), h("small", {}, [named(relay.agency_name), relay.unit].filter(Boolean).join(" · "))),
      relay.attention ? icon("phone-call") : null, eta);
    const element = h("li", {}, button);
    this.rows.set(relay.id, { key, element, eta, relay });
    return element;
  }
}

function etaText(relay, now) {
  if (relay.attention) return t("Call by hand");
  if (relay.state === "arrived") return t("at the scene");
  const left = etaLeft(relay, now);
  return left == null ? "" : counter(left);
}
