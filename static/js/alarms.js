/** Alarm management on the page: what is escalated, the flood, the shelf; what changes is said once, politely. */
import { h, icon, text } from "./dom.js";
import { clockMinutes, span } from "./format.js";
import { unseen } from "./grades.js";
import { named, t, tn } from "./i18n.js";
import { openShelf, shelfOf } from "./shelf.js";
import { toast } from "./toast.js";

/** What waits and is escalated, the worst first: what the header counts. */
export function escalatedOf(incidents) {
  const found = [...incidents.values()].filter((one) => one.escalation && unseen(one));
  return found.sort((a, b) => (a.grade < b.grade ? -1 : a.grade > b.grade ? 1 : b.escalation - a.escalation || (a.received_at < b.received_at ? -1 : 1)));
}

/** Which incidents came back from the shelf with these rows and still want somebody: `[{incident, because}]`. */
export function returnedFrom(applied, before, after) {
  const back = new Map();
  for (const { kind, incident, actor, detail } of applied) {
    const was = incident && before.incidents.get(incident.number);
    const now = incident && after.incidents.get(incident.number);
    if (!was?.shelved_until || !now || now.shelved_until) continue;
    const because = kind === "incident.unshelved" ? detail?.because ?? "hand" : "change";
    if (!back.has(incident.number) && incident.shelved_until == null) back.set(incident.number, { incident: now, because, by: actor?.name });
  }
  return [...back.values()];
}

/** The one flood this page is about, or null. */
export const floodOf = (state, me) => state.floods.find((one) => one.municipality === me.municipality?.code) ?? state.floods[0] ?? null;

export class Alarms {
  /** `offers`: the cards of offers that wait for me; `arrivals`: those of alarms. `onOpen(number)`; `onUnshelve(number)`; `recent(since)`: alarms in the window as the load view last heard after `since`, or null. */
  constructor({ me, onOpen, onUnshelve, offers, arrivals, recent = () => null }) {
    Object.assign(this, { me, onOpen, onUnshelve, offers, arrivals, recent, said: "" });
    [this.escalated, this.flood, this.shelf] = ["escalated", "flood", "shelf"].map((id) => document.getElementById(id));
    this.escalated.addEventListener("click", () => this.#next());
    this.shelf.addEventListener("click", () => openShelf({ me, incidents: () => this.state.incidents, onOpen, onUnshelve }));
    [this.floodSince, this.floodRate] = [h("b"), h("small")];
    this.flood.replaceChildren(icon("waves"), h("span", {}, this.floodSince, this.floodRate));
  }

  /** Shows what the state says. */
  render(state, now) {
    this.state = state;
    this.#escalated(escalatedOf(state.incidents));
    this.#shelf(shelfOf(state.incidents, now));
    this.offers.render(state.incidents, now);
    this.arrivals.settle(state.incidents);
    const flood = floodOf(state, this.me);
    this.flood.hidden = !flood;
    document.body.classList.toggle("in-flood", Boolean(flood));
    if (flood) this.#flood(flood, now);
  }

  /** Counts on; called every second. */
  tick(now) {
    if (this.state) this.render(this.state, now);
  }

  /** Says what these ledger rows changed: floods, returns from the shelf, and escalations that concern me. */
  tell(applied, before, after) {
    for (const change of applied) {
      if (change.kind === "flood.began") toast(t("Alarm flood"), t("Lesser alarms are now grouped by place and type. Critical and urgent ones stay single and first."), "info");
      else if (change.kind === "flood.ended") toast(t("The alarm flood is over"), t("The queue shows every incident singly again."), "good");
      else if (change.kind === "incident.escalated") this.#told(change, after);
    }
    this.#returned(returnedFrom(applied, before, after));
  }

  #returned(back) {
    const mine = back.filter(({ because, by }) => !(because === "hand" && by === this.me.username));
    if (!mine.length) return;
    const [{ incident, because }] = mine;
    const why = { time: t("Its time on the shelf is over."), change: t("Something new has happened."), suppression: t("The suppression has ended."), hand: t("A colleague brought it back.") }[because] ?? "";
    const name = [named(incident.title), incident.place].filter(Boolean).join(" · ");
    if (mine.length === 1) toast(t("Back from the shelf: %(name)s", { name }), why);
    else toast(tn("%(count)s incident is back from the shelf", "%(count)s incidents are back from the shelf", mine.length), why);
  }

  /** An escalation to me: a critical or urgent one is announced as an arrival is; lesser ones are counted in the header. */
  #told({ incident, detail }, after) {
    const now = after.incidents.get(incident.number);
    const mine = detail.level > 1 || this.me.role === "supervisor";
    if (!now || !mine || !unseen(now) || now.grade > "G2" || now.escalation > detail.level) return;
    this.arrivals.announce(now, detail.level > 1 ? t("Escalated to the room") : t("Escalated to you"));
  }

  #escalated(found) {
    const room = found.filter((one) => one.escalation > 1).length;
    const key = `${found.length} ${room}`;
    this.escalated.hidden = found.length === 0;
    if (key === this.said) return;
    this.said = key;
    this.escalated.classList.toggle("to-room", room > 0);
    this.escalated.title = room ? tn("%(count)s has gone to the whole room", "%(count)s have gone to the whole room", room) : t("Gone to the supervisor");
    this.escalated.replaceChildren(icon("chevrons-up"), t("Escalated"), h("b", {}, String(found.length)));
  }

  #next() {
    const numbers = escalatedOf(this.state.incidents).map(({ number }) => number);
    const number = numbers[(numbers.indexOf(this.opened) + 1) % numbers.length];
    this.opened = number;
    if (number) this.onOpen(number);
  }

  #shelf(found) {
    const count = found.length;
    this.shelf.hidden = count === 0;
    const suppressed = found.filter((one) => one.shelf?.suppression).length;
    const words = suppressed ? t("Shelf %(count)s, of them suppressed %(suppressed)s", { count, suppressed }) : t("Shelf %(count)s", { count });
    if (this.shelf.dataset.words === words) return;
    this.shelf.dataset.words = words;
    this.shelf.replaceChildren(icon("timer"), words);
  }

  #flood(flood, now) {
    const since = t("Alarm flood since %(time)s (%(span)s)", { time: clockMinutes(flood.since), span: span(now - new Date(flood.since).getTime()) });
    const minutes = Math.round(flood.window_s / 60);
    const values = { alarms: this.recent(flood.since) ?? flood.alarms, operators: flood.operators, minutes, seconds: flood.window_s };
    const rate = minutes ? t("%(alarms)s alarms in %(minutes)s min · %(operators)s on duty", values) : t("%(alarms)s alarms in %(seconds)s s · %(operators)s on duty", values);
    text(this.floodSince, since);
    text(this.floodRate, rate);
  }
}
