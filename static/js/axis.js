/** The time axis: six hours of activity by grade, LIVE at its right end, and the way into history. */
import { get } from "./api.js";
import { cap, h, icon, shape, svg } from "./dom.js";
import { clock, clockMinutes } from "./format.js";
import { GRADES, gradeName } from "./grades.js";
import { t } from "./i18n.js";
import { paced } from "./pace.js";

const HOURS = 6;
const BUCKETS = 72;
const STEP_S = 60;
const RELOAD_MS = 60000;
/** Incidents that fill the chart's height at least, so that one alone does not look like a flood. */
const LEAST_HEIGHT = 10;
const SETTLE_MS = 160;

export class TimeAxis {
  /** `now()`: server time. `onTravel(at)`: a moment in milliseconds, or null for live. */
  constructor({ now, onTravel }) {
    Object.assign(this, { now, onTravel });
    this.at = null;
    this.data = { buckets: [] };
    this.element = document.getElementById("axis");
    this.chart = svg("svg", { "aria-hidden": "true" });
    this.output = h("output");
    this.head = h("div", { class: "axis-head" }, this.output);
    this.tip = h("div", { class: "axis-tip", hidden: true });
    this.range = h("input", { type: "range", class: "axis-range", min: "0", max: String(HOURS * 3600), step: String(STEP_S), value: String(HOURS * 3600), "aria-label": t("Moment shown") });
    this.live = h("button", { type: "button", class: "live-button", "aria-keyshortcuts": "Space", onclick: () => this.travel(null) });
    this.place = h("div", { class: "axis-chart" }, this.chart, this.range, this.head, this.tip);
    this.element.append(h("div", { class: "axis-name" }, h("b", {}, t("Last 6 hours")), t("incidents per 5 min")), this.place, h("div", { class: "axis-mode" }, this.live));
    this.range.addEventListener("input", () => this.#dragged());
    this.place.addEventListener("pointermove", (event) => this.#hover(event));
    this.place.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    this.drawSoon = paced(() => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.place);
    this.reload();
    setInterval(() => this.reload(), RELOAD_MS);
    this.#show();
  }

  /** Reads the activity again. */
  async reload() {
    const answer = await get("activity", { hours: HOURS, buckets: BUCKETS }).catch(() => null);
    if (!answer) return;
    this.data = answer;
    this.draw();
  }

  /** Counts an incident that has just been opened, until the next reload. */
  add(incident) {
    const last = this.data.buckets.at(-1);
    if (!last) return;
    last[incident.grade] = (last[incident.grade] ?? 0) + 1;
    this.drawSoon();
  }

  /** Goes to `at` (milliseconds) or, with null, back to live. Space toggles between now and live. */
  travel(at) {
    this.at = at;
    if (at == null) this.range.value = this.range.max;
    this.#show();
    this.onTravel(at);
  }

  toggle() {
    this.travel(this.at == null ? this.now() : null);
  }

  /** Moves the marker of a fixed moment as time goes on; called every second. */
  tick() {
    if (this.at != null) this.#show();
  }

  get #span() {
    const until = this.now();
    return { since: until - HOURS * 3600 * 1000, until };
  }

  #dragged() {
    const seconds = Number(this.range.value);
    const at = seconds >= HOURS * 3600 - STEP_S / 2 ? null : this.#span.since + seconds * 1000;
    this.at = at;
    this.#show();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.onTravel(this.at), SETTLE_MS);
  }

  #show() {
    const { since, until } = this.#span;
    const part = this.at == null ? 1 : Math.max(0, Math.min(1, (this.at - since) / (until - since)));
    this.head.style.left = `${part * 100}%`;
    this.head.classList.toggle("early", part < 0.1);
    this.element.classList.toggle("historic", this.at != null);
    this.output.textContent = this.at == null ? "" : clock(this.at);
    this.range.setAttribute("aria-valuetext", this.at == null ? t("Live") : clock(this.at));
    const key = String(this.at == null);
    if (this.liveKey === key) return;
    this.liveKey = key;
    this.live.replaceChildren(this.at == null ? h("i", { class: "lamp" }) : icon("play"), this.at == null ? "LIVE" : t("Back to live"), cap("Space"));
    this.live.setAttribute("aria-pressed", key);
  }

  /** Draws bars and hours into the space there is. */
  draw() {
    const { width, height } = this.place.getBoundingClientRect();
    const { buckets } = this.data;
    if (!buckets.length || !width) return;
    const foot = 17;
    const most = Math.max(LEAST_HEIGHT, ...buckets.map((bucket) => GRADES.reduce((sum, grade) => sum + (bucket[grade] ?? 0), 0)));
    const unit = (height - foot - 9) / most;
    const [since, until] = [new Date(this.data.since).getTime(), new Date(this.data.until).getTime()];
    const x = (at) => ((at - since) / (until - since)) * width;
    const step = width / buckets.length;
    const parts = [svg("line", { class: "base", x1: 0, x2: width, y1: height - foot + 0.5, y2: height - foot + 0.5 })];
    for (const bucket of buckets) parts.push(...bars(bucket, x(new Date(bucket.at).getTime()), step, height - foot, unit));
    parts.push(...hours(since, until, x, height, foot));
    this.chart.replaceChildren(...parts);
  }

  #hover(event) {
    const { left, width } = this.place.getBoundingClientRect();
    const index = Math.floor(((event.clientX - left) / width) * this.data.buckets.length);
    const bucket = this.data.buckets[index];
    this.tip.hidden = !bucket;
    if (!bucket) return;
    const counts = GRADES.filter((grade) => bucket[grade]).map((grade) => h("span", { class: grade, title: gradeName(grade) }, shape(`g-${grade}`, grade), String(bucket[grade])));
    this.tip.style.left = `${Math.max(70, Math.min(width - 70, event.clientX - left))}px`;
    this.tip.replaceChildren(h("b", {}, clockMinutes(bucket.at)), ...(counts.length ? counts : [t("nothing")]));
  }
}

function bars(bucket, x, step, floor, unit) {
  let y = floor;
  return GRADES.filter((grade) => bucket[grade]).map((grade) => {
    const high = bucket[grade] * unit;
    y -= high;
    return svg("rect", { class: grade, x: (x + 1).toFixed(1), y: (y + 0.6).toFixed(1), width: Math.max(1, step - 2).toFixed(1), height: Math.max(1, high - 0.6).toFixed(1), rx: 1 });
  });
}

function hours(since, until, x, height, foot) {
  const parts = [];
  const HOUR_MS = 3600000;
  for (let at = Math.ceil(since / HOUR_MS) * HOUR_MS; at < until; at += HOUR_MS) {
    const place = x(at);
    parts.push(svg("line", { class: "tick", x1: place, x2: place, y1: 6, y2: height - foot + 4 }));
    const label = svg("text", { x: place, y: height - 4, "text-anchor": place < 20 ? "start" : "middle" });
    label.textContent = clockMinutes(at);
    parts.push(label);
  }
  return parts;
}
