/** What surrounds the room: the small page's tabs, the other windows, and printing. */
import { get } from "./api.js";
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";
import { printHead } from "./printing.js";
import { incidentOf } from "./store.js";
import { Tabs } from "./tabs.js";
import { Windows } from "./windows.js";

/** As in `small.css`. */
const SMALL = "(max-width: 62rem)";

const partName = (part) => ({ queue: t("Queue"), map: t("Map"), panel: t("Incident") })[part];

export class Desk {
  /** `part`: which part of the console this window is, "" for the whole. `picture` says notices, `player` sounds, `cameras` show. */
  constructor({ room, me, picture, player, cameras, part = "" }) {
    Object.assign(this, { room, me, picture, player, cameras, part });
    this.small = matchMedia(SMALL);
    this.small.addEventListener("change", () => this.#watch());
    this.tabs = new Tabs(document.getElementById("tabs"), () => this.#watch());
    this.out = document.getElementById("out");
    this.windows = new Windows({
      part, chosen: () => room.chosen, onChosen: (number) => this.#follow(number),
      onOut: (parts) => this.#lent(parts), onAlone: (alone) => this.#alone(alone),
    });
    this.player.hush(Boolean(part));
    this.#watch();
    document.addEventListener("click", (event) => this.#clicked(event.target));
    addEventListener("pagehide", () => this.windows.leave());
    addEventListener("pageshow", ({ persisted }) => persisted && this.windows.comeBack());
    addEventListener("beforeprint", () => printHead({ room, me }));
    const asked = new URLSearchParams(location.search).get("incident");
    if (asked) this.#follow(asked);
  }

  /** An incident was opened in this window (null: closed); `look` where somebody pointed at it. */
  chosen(number, { look }) {
    this.windows.tell(number);
    if (look || !number) this.tabs.chosen(number);
  }

  /** The room was drawn. */
  drawn(incidents, incident) {
    this.tabs.tell(incidents, incident);
  }

  /** Another window opened it: open it here, too, looked up where this window does not know it. */
  async #follow(number) {
    if (number && !incidentOf(this.room.state, number)) {
      const found = await get(`incidents/${encodeURIComponent(number)}`).catch(() => null);
      if (found) this.room.remember([found]);
    }
    this.room.open(number, { look: this.part === "map", reveal: true, told: true });
  }

  #clicked(target) {
    const part = target.closest?.("[data-popout]")?.dataset.popout;
    if (part && this.windows.popOut(part) === false) this.picture.notices.set("popup", { icon: "external-link", words: t("The browser blocked the window: allow pop-ups for this address.") });
    if (target.closest?.("[data-print]")) print();
  }

  /** Pictures are fetched, and looks are logged, only where the panel can be seen. */
  #watch() {
    const out = this.windows?.out.has("panel");
    const hidden = this.part ? this.part !== "panel" : out || (this.small.matches && this.tabs?.shown !== "incident");
    this.cameras.rest(Boolean(hidden));
  }

  /** These parts have windows of their own: the rest takes their place, and each can be taken back. */
  #lent(parts) {
    document.body.dataset.out = parts.join(" ");
    this.#watch();
    this.out.replaceChildren(...parts.map((part) => h("button", { type: "button", title: t("Take it back from its own window"), onclick: () => this.windows.takeBack(part) }, icon("undo-2"), partName(part))));
  }

  /** The main window, which sounds for all, is gone: then this one does. */
  #alone(alone) {
    document.body.classList.toggle("alone", alone);
    this.player.hush(!alone);
    this.room.sound();
    this.picture.notices.set("alone", alone ? { icon: "volume-2", tone: "warn", words: t("The main window is closed. Alarms sound in this one.") } : null);
  }
}
