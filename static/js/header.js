/** The header: how fresh the picture is, the feeds, who waits, sound, and the time in Korea. */
import { cap, h, icon, shape, text } from "./dom.js";
import { age, clock, counter, shortDay, span } from "./format.js";
import { GRADES, gradeName } from "./grades.js";
import { t } from "./i18n.js";
import { Links } from "./links.js";
import { unseenCounts } from "./store.js";

export const STALE_MS = 5000;
const SAID_MS = 6000;

const element = (id) => document.getElementById(id);

export class Header {
  /** `onNext()`: the unacknowledged count was pressed. `onSound()`: the sound button. `now()`: server time. `health`: the health page's address. */
  constructor({ onNext, onSound, now, health }) {
    this.state = "";
    this.saying = { words: "", until: 0 };
    [this.connection, this.banner] = [element("connection"), element("banner")];
    this.links = new Links(element("links"), { now, page: health });
    [this.unseen, this.sound, this.time] = [element("unseen"), element("sound"), element("clock")];
    this.unseen.addEventListener("click", onNext);
    this.sound.addEventListener("click", onSound);
    this.age = h("span", { "aria-hidden": "true" });
    this.word = h("span");
    text(this.word, t("Connecting…"));
    this.connection.replaceChildren(h("i", { class: "lamp" }), this.word, this.age);
  }

  /** Shows the line's state; `silence` is the age of the last message in milliseconds. */
  showConnection(line, silence) {
    const state = line === "live" && silence > STALE_MS ? "stale" : line;
    const words = { connecting: t("Connecting…"), live: t("Live"), stale: t("Stale"), reconnecting: t("Reconnecting…"), expired: t("Session ended") };
    this.connection.dataset.state = state;
    text(this.word, state === "live" && performance.now() < this.saying.until ? this.saying.words : words[state]);
    text(this.age, state === "live" || state === "stale" ? `· ${t("%(s)s s ago", { s: age(silence) })}` : "");
    this.#banner(state, silence);
  }

  /** Says for a moment, in place of "Live", what has just become of the picture. */
  say(words) {
    this.saying = { words, until: performance.now() + SAID_MS };
  }

  #banner(state, silence) {
    const lost = state === "stale" || (state === "reconnecting" && silence > STALE_MS);
    const kind = state === "expired" ? "expired" : lost ? "lost" : "";
    if (kind === "lost") {
      const since = t("This picture is %(time)s old. It is not live.", { time: span(silence) });
      if (this.bannerKind !== kind) this.banner.replaceChildren(icon("wifi-off"), (this.since = h("span", { "aria-live": "off" })), h("span", {}, t("Trying to reconnect…")));
      text(this.since, since);
    }
    if (kind === this.bannerKind) return;
    this.bannerKind = kind;
    this.banner.hidden = !kind;
    this.banner.classList.toggle("expired", kind === "expired");
    if (kind === "expired") this.banner.replaceChildren(icon("lock"), h("span", {}, t("Your session has ended. The picture no longer moves.")), h("a", { href: "/login/?next=/&expired=1" }, t("Sign in again")));
  }

  /** Shows how the links are. */
  showFeeds(feeds) {
    this.links.show(feeds);
  }

  /** Counts who waits for an acknowledgement, by grade. */
  showUnseen(incidents) {
    const counts = unseenCounts(incidents);
    const key = JSON.stringify(counts);
    if (key === this.counted) return;
    this.counted = key;
    const parts = GRADES.slice(0, 4).filter((grade) => counts[grade]).map((grade) => h("span", { class: grade, title: gradeName(grade) }, shape(`g-${grade}`, grade), String(counts[grade])));
    this.unseen.classList.toggle("some", counts.total > 0);
    this.unseen.title = `${t("Next unacknowledged")} (G)`;
    this.unseen.replaceChildren(t("Unacknowledged"), h("b", {}, String(counts.total)), ...parts);
    document.title = document.title.replace(/^\(\d+\) /, "").replace(/^/, counts.total ? `(${counts.total}) ` : "");
  }

  /** Shows the sound's state: blocked, muted with a countdown, ringing, or on. */
  showSound({ blocked, muted, ringing }, now) {
    const state = blocked ? "blocked" : muted ? "muted" : ringing ? "ringing" : "on";
    const words = {
      blocked: t("Sound is off: click to turn it on"), muted: muted && t("Muted %(time)s", { time: counter(muted.until - now) }), ringing: t("Mute 2 min"), on: "",
    }[state];
    const key = state + words;
    if (key === this.sounded) return;
    this.sounded = key;
    this.sound.className = `tool sound ${state}`;
    this.sound.title = `${words || t("Sound is on")} (M)`;
    this.sound.replaceChildren(icon(state === "on" || state === "ringing" ? "volume-2" : "volume-x"), words ? h("span", {}, words) : h("span", { class: "hidden-text" }, t("Sound is on")), state === "ringing" ? cap("M") : "");
  }

  /** Shows the time in Korea. */
  showTime(now) {
    text(this.time.firstElementChild, shortDay(now));
    text(this.time.lastElementChild, clock(now));
    this.time.dateTime = new Date(now).toISOString();
    this.time.title = "KST";
  }
}
