/** The alarm load in the overview: how much there is for each operator, beside the norms; nothing is rounded kindly. */
import { get } from "./api.js";
import { h, icon, svg } from "./dom.js";
import { windowWords } from "./format.js";
import { t } from "./i18n.js";
import { openLoad } from "./load-dialog.js";
import { bandName, percent, place, rate, seconds } from "./load-words.js";

const EVERY_MS = 15000;
function gauge({ band, per_operator: value, norms, window_s: window }) {
  const marks = [norms.acceptable, norms.manageable, norms.flood_above];
  const scale = svg("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none" });
  scale.append(svg("rect", { x: 0, y: 2, width: 100, height: 4, class: "gauge-ground" }), svg("rect", { x: 0, y: 2, width: place(value) * 100, height: 4, class: "gauge-bar" }),
    ...marks.map((mark) => svg("line", { x1: place(mark) * 100, x2: place(mark) * 100, y1: 0, y2: 8, class: "gauge-mark" })));
  const words = t("%(rate)s alarms in %(time)s for each operator: %(band)s", { rate: rate(value), time: windowWords(window), band: bandName(band) });
  return h("div", { class: `gauge ${band}`, role: "img", "aria-label": words }, scale,
    h("span", { class: "gauge-scale", "aria-hidden": "true" }, marks.map((mark) => h("i", { style: { left: `${place(mark) * 100}%` } }, String(mark)))));
}

/** The block of the overview. `latest` is the last answer; asks again every 15 s while it is on the screen. */
export class LoadBlock {
  /** `me`: GET me; `onOpen(number)`: an incident was named. */
  constructor({ me, onOpen }) {
    Object.assign(this, { me, onOpen, latest: null });
    this.body = h("div", {}, h("p", { class: "none" }, t("Not yet known.")));
    this.more = h("button", { type: "button", class: "load-more", onclick: () => openLoad({ me, onOpen }) }, icon("gauge"), t("Load, sources and operators"), icon("chevron-right"));
    this.element = h("section", { class: "block load-block" }, h("h3", {}, t("Alarm load"), h("small", {}, "EEMUA 191 · ISA-18.2")), this.body, this.more);
    setInterval(() => this.refresh(), EVERY_MS);
    this.refresh();
  }

  /** Alarms in the window as last heard, where that is fresh and no older than `since` (ISO); else null. */
  recent(now, since) {
    if (!this.latest || new Date(this.latest.at) < new Date(since)) return null;
    return now - new Date(this.latest.at).getTime() < 2 * EVERY_MS ? this.latest.recent : null;
  }

  /** Asks the server, unless nobody looks. */
  async refresh() {
    if (document.hidden) return;
    const load = await get("load").catch(() => null);
    if (!load) return;
    this.latest = load;
    this.#render(load);
  }

  #render(load) {
    const { times } = load;
    const fact = (name, value, note = "") => [h("dt", {}, name), h("dd", {}, value, note ? h("small", {}, ` ${note}`) : null)];
    this.body.replaceChildren(
      h("p", { class: `load-now ${load.band}` }, h("b", {}, rate(load.per_operator)), h("span", {}, t("per operator in %(time)s", { time: windowWords(load.window_s) }), h("strong", {}, bandName(load.band)))),
      gauge(load),
      h("dl", { class: "load-facts" },
        fact(t("Operators on duty"), String(load.on_duty.length), load.on_duty.map(({ name }) => name).join(", ")),
        fact(t("Acknowledged in time"), percent(times.in_time), t("of %(count)s in %(hours)s h", { count: times.acknowledged, hours: load.hours })),
        fact(t("Median, 90 %"), `${seconds(times.median_s)} · ${seconds(times.p90_s)}`),
        fact(t("Time in flood"), percent(load.flood_share, 1), t("norm below 1 %"))));
  }
}
