/** Says on the page how far its picture can be trusted: gaps refilled, a new version, a clock that is off. */
import { skew } from "./clock.js";
import { h, icon } from "./dom.js";
import { span } from "./format.js";
import { t, tn } from "./i18n.js";
import { CatchUp, isNewVersion, skewKind } from "./trust.js";

export class Picture {
  /** `header` says short words, `notices` longer ones; `build` is the version that made this page. */
  constructor({ header, notices, build }) {
    Object.assign(this, { header, notices, build });
    this.gap = new CatchUp();
    this.clock = h("span", { class: "clock-skew", role: "status", hidden: true });
    document.getElementById("clock").before(this.clock);
  }

  /** The live line's state changed. */
  line(state) {
    if (state === "reconnecting") this.gap.lost();
  }

  /** So many rows of the ledger were applied. */
  applied(rows) {
    this.gap.applied(rows);
  }

  /** A tick came: the line is level with the ledger, and the server has said which build it is. */
  tick({ build }) {
    const caught = this.gap.level();
    if (caught) this.header.say(tn("%(count)s change caught up", "%(count)s changes caught up", caught));
    this.notices.set("version", isNewVersion(this.build, build) ? {
      icon: "refresh-cw", words: t("There is a new version."), action: { label: t("Reload"), run: () => location.reload() },
    } : null);
    this.#skew(skew());
  }

  #skew(off) {
    const kind = skewKind(off);
    const time = span(Math.abs(off));
    const words = off > 0 ? t("This computer's clock is %(time)s slow.", { time }) : t("This computer's clock is %(time)s fast.", { time });
    const corrected = t("Times on this page are the server's.");
    this.clock.hidden = !kind;
    if (kind && this.clock.dataset.words !== words) {
      this.clock.dataset.words = words;
      this.clock.title = `${words} ${corrected}`;
      this.clock.replaceChildren(icon("alarm-clock"), h("span", {}, off > 0 ? t("%(time)s slow", { time }) : t("%(time)s fast", { time })), h("span", { class: "hidden-text" }, `${words} ${corrected}`));
    }
    this.notices.set("clock", kind === "warned" ? { icon: "alarm-clock", tone: "warn", words: `${words} ${corrected} ${t("Have the clock set.")}` } : null);
  }
}
