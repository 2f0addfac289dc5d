/** The page's one state: what the store knows, which incident is open, whether history is shown. */
import { get } from "./api.js";
import { learn, now } from "./clock.js";
import { h, icon } from "./dom.js";
import { dateTime } from "./format.js";
import { unseen } from "./grades.js";
import { t } from "./i18n.js";
import { paced } from "./pace.js";
import { LiveSocket } from "./socket.js";
import { alarmFor, toggleMute } from "./sound.js";
import { addEnded, applyChanges, applySnapshot, applyTick, emptyState, incidentOf } from "./store.js";
import { refused } from "./perform.js";

/** A tick whose cursor is ahead of ours this often in a row means that rows were lost on the way. */
const TICKS_BEHIND = 3;

/** What is in the queue at once, even while the map is dragged: what is new, and what nobody has seen to in time. */
const NEWS = new Set(["incident.opened", "incident.raised", "incident.escalated", "relay.attention"]);

/** Whether rows tell such a thing, or what somebody here has done. */
function news(changes) {
  return changes.some(({ kind, actor }) => NEWS.has(kind) || actor?.kind === "user");
}

export class Room {
  constructor({ boot, me, map, panel, queue, header, player, axis, overview, wall, picture, alarms, arrivals, onChosen }) {
    Object.assign(this, { boot, me, map, panel, queue, header, player, axis, overview, wall, picture, alarms, arrivals, onChosen });
    this.state = emptyState();
    this.chosen = null;
    this.history = null;
    this.muted = null;
    this.waiting = [];
    this.inbox = [];
    this.behind = 0;
    this.stale = false;
    this.drawSoon = paced(() => this.#draw());
  }

  /** Opens the live line and starts the clocks. */
  connect() {
    const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${this.boot.socket}`;
    this.socket = new LiveSocket({ address, cursor: () => this.state.cursor, onMessage: (message) => this.#receive(message), onState: (state) => { this.picture.line(state); this.#connection(); } });
    this.socket.open();
    setInterval(() => this.#connection(), 200);
    setInterval(() => this.#second(), 1000);
    this.#second();
  }

  /** What is shown: the live state, or the moment of history. */
  get view() {
    return this.history ? { ready: true, incidents: this.history.incidents } : this.state;
  }

  /** The time shown: now, or the moment of history. */
  get time() {
    return this.history ? this.history.at : now();
  }

  /** Opens an incident (null: none). `look` moves the map to it, `reveal` scrolls the queue, `told`: by another window. */
  open(number, { look = false, reveal = false, told = false } = {}) {
    this.chosen = number;
    this.arrivals.leave(number);
    this.render();
    if (!told) this.desk?.chosen(number, { look });
    if (reveal && number) this.queue.reveal(number);
    if (look) this.map.focus(this.#incident());
    this.wall.chosen(this.#incident());
    this.onChosen(number);
  }

  /** Opens an incident that may be in neither list: one that has ended is looked up first. */
  async visit(number) {
    if (!incidentOf(this.state, number)) {
      const found = await get(`incidents/${encodeURIComponent(number)}`).catch((error) => { refused(error); return null; });
      if (!found) return;
      this.remember([found]);
    }
    this.open(number, { look: true, reveal: true });
  }

  /** Keeps ended incidents that were looked up, so that they can be opened. */
  remember(list) {
    this.state = addEnded(this.state, list);
  }

  /** Shows the moment `at` (milliseconds), or with null the present again. */
  async travel(at) {
    this.travelling = at;
    if (at != null) {
      const answer = await get("history", { at: new Date(at).toISOString() }).catch((error) => { refused(error); return null; });
      if (this.travelling !== at) return;
      if (!answer) return this.axis.travel(null);
      this.history = { at, incidents: new Map(answer.incidents.map((incident) => [incident.number, incident])) };
    } else this.history = null;
    this.map.travel(this.history?.at ?? null);
    this.#frame();
    this.render();
  }

  /** A promise until this screen shows row `seq` of that incident. */
  caughtUp(number, seq) {
    const done = () => (incidentOf(this.state, number)?.version ?? 0) >= seq;
    return done() ? Promise.resolve() : new Promise((resolve) => this.waiting.push({ done, resolve }));
  }

  /** The sound button and M: turns sound on where the browser blocks it, else mutes for two minutes or ends that. */
  async toggleSound() {
    if (this.player.blocked) await this.player.enable({ test: true });
    else this.muted = toggleMute(this.muted, now());
    this.sound();
  }

  /** Lets sound what must sound now, and says so in the header. */
  sound() {
    if (this.muted && now() >= this.muted.until) this.muted = null;
    const grade = alarmFor(this.state.incidents.values(), { now: now(), muted: this.muted, role: this.me.role });
    this.player.set(grade);
    this.header.showSound({ blocked: this.player.blocked, muted: this.muted, ringing: Boolean(grade) }, now());
  }

  /** Draws everything from the present state: the queue at once where there is news, the rest at the pace the machine can
   * keep; while the map is dragged, whose every frame counts, with what is counted on once a second. */
  render({ news = true } = {}) {
    if (news) this.queue.render(this.view, this.chosen, this.time);
    this.panel.render(this.#incident(), { now: this.time, historic: Boolean(this.history) });
    if (this.map.moving) this.stale = true;
    else this.drawSoon();
    this.header.showUnseen(this.state.incidents);
    this.wall.changed(this.state.incidents);
    this.desk?.drawn(this.state.incidents, this.#incident());
    this.alarms.render(this.state, now());
    this.sound();
  }

  /** In one go: what is drawn apart is laid out and painted as often. */
  #draw() {
    this.stale = false;
    this.queue.render(this.view, this.chosen, this.time);
    this.map.show(this.view.incidents, this.chosen);
    if (!this.#incident()) this.overview.render(this.view.incidents, this.time);
  }

  #incident() {
    return this.history ? this.history.incidents.get(this.chosen) ?? null : incidentOf(this.state, this.chosen);
  }

  /** Messages are gathered and applied once a frame; a hidden page has no frames and uses a timer. */
  #receive(message) {
    if (message.at) learn(message.at);
    this.inbox.push(message);
    if (this.inbox.length > 1) return;
    if (document.hidden) setTimeout(() => this.#apply(), 50);
    else {
      const frame = requestAnimationFrame(() => { clearTimeout(spare); this.#apply(); });
      const spare = setTimeout(() => { cancelAnimationFrame(frame); this.#apply(); }, 250);
    }
  }

  #apply() {
    const messages = this.inbox;
    const before = this.state;
    this.inbox = [];
    const applied = [];
    let whole = false;
    for (const message of messages) {
      if (message.type === "snapshot") whole = this.#snapshot(message);
      else if (message.type === "changes") {
        const result = applyChanges(this.state, message, { contiguous: this.me.families === "all" });
        if (result.gap) return this.socket.restart({ fresh: true });
        this.state = result.state;
        this.behind = 0;
        applied.push(...result.applied);
        this.picture.applied(result.applied.length);
      } else if (message.type === "tick") this.#tick(message);
    }
    if (whole || applied.length) this.#changed(applied, whole);
    if (applied.length) this.alarms.tell(applied, before, this.state);
    if (applied.some(({ kind }) => kind.startsWith("shift."))) document.dispatchEvent(new Event("ocenter:shift"));
  }

  #snapshot(message) {
    if (this.state.ready) this.header.say(t("Refreshed whole"));
    this.state = applySnapshot(this.state, message);
    this.behind = 0;
    this.header.showFeeds(this.state.feeds);
    return true;
  }

  #tick(message) {
    this.state = applyTick(this.state, message);
    this.picture.tick(message);
    this.header.showFeeds(this.state.feeds);
    this.behind = message.cursor === this.state.cursor ? 0 : this.behind + 1;
    if (this.behind >= TICKS_BEHIND) {
      this.behind = 0;
      this.socket.restart();
    }
  }

  #changed(applied, whole) {
    this.waiting = this.waiting.filter((one) => !(one.done() && (one.resolve(), true)));
    if (!this.history) {
      const opened = applied.filter(({ kind }) => kind === "incident.opened").map(({ incident }) => incident);
      for (const { number } of opened) this.map.incidents.mark(number);
      this.render({ news: whole || news(applied) });
      for (const incident of opened) this.#arrived(incident);
      if (whole) this.panel.reload();
      else this.panel.append(applied);
    } else this.sound();
    for (const change of applied) if (change.kind === "incident.opened") this.axis.add(change.incident);
  }

  /** Something new: the row and the map flash; a critical one is also announced. The selection stays where it is. */
  #arrived(incident) {
    const current = incidentOf(this.state, incident.number) ?? incident;
    this.queue.mark(incident.number);
    this.wall.arrived(current);
    if (current.grade === "G1" && unseen(current)) this.arrivals.announce(current);
  }

  #connection() {
    this.header.showConnection(this.socket.state, this.socket.silence());
  }

  #second() {
    if (this.stale) this.#draw();
    this.header.showTime(now());
    this.queue.tick(this.time);
    this.alarms.tick(now());
    this.panel.tick(this.time);
    this.map.units.tick();
    this.map.incidents.tick();
    this.axis.tick();
    if (this.state.ready) this.sound();
  }

  #frame() {
    const frame = document.getElementById("history-frame");
    frame.hidden = !this.history;
    if (this.history) frame.replaceChildren(h("p", {}, icon("history"), t("History: %(time)s. Actions are off.", { time: dateTime(this.history.at) })));
  }
}
