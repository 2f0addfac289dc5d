/** Carries actions out: asks, sends, and waits until the ledger's row is on the screen. Nothing is assumed. */
import { ACTIONS } from "./actions.js";
import { act, post } from "./api.js";
import { ask } from "./forms.js";
import { statusName, unseen } from "./grades.js";
import { t } from "./i18n.js";
import { askRelay } from "./relay-dialog.js";
import { toast } from "./toast.js";

/** The row comes within a tenth of a second; beyond this the line is in trouble, and the header says so. */
const PATIENCE_MS = 4000;

export class Performer {
  /** `caughtUp(number, seq)`: a promise until the screen shows that row. `panel()`: the incident panel. */
  constructor({ me, catalogue, panel, caughtUp }) {
    Object.assign(this, { me, catalogue, panel, caughtUp });
  }

  /** Starts action `id` on `incident`, asking first where the action needs it. */
  async start(id, incident) {
    const { asks, agency, label } = ACTIONS[id];
    const send = (body) => this.#send(id, incident, body);
    try {
      if (asks === "relay") await askRelay(incident, agency, label(), send);
      else if (asks) ask(id, incident, { catalogue: this.catalogue, me: this.me }, send);
      else await send(id === "assign" ? { username: this.me.username } : {});
    } catch (error) {
      refused(error, id);
    }
  }

  /** Writes a note; true when the ledger has it. */
  async note(incident, text) {
    return this.#quietly(() => act(incident.number, "note", { note: text }), incident.number);
  }

  /** Says that an agency was called by telephone. */
  async calledByHand(relay) {
    return this.#quietly(() => post(`relays/${encodeURIComponent(relay.id)}/called-by-hand`), relay.incident);
  }

  async #quietly(call, number) {
    try {
      const { seq } = await call();
      await this.#shown(number, seq);
      return true;
    } catch (error) {
      refused(error);
      return false;
    }
  }

  async #send(id, incident, body) {
    this.panel().setBusy(id, true);
    try {
      const { seq } = await act(incident.number, ACTIONS[id].move, body);
      await this.#shown(incident.number, seq);
    } finally {
      this.panel().setBusy(id, false);
    }
  }

  async #shown(number, seq) {
    const late = new Promise((resolve) => setTimeout(() => resolve("late"), PATIENCE_MS));
    if ((await Promise.race([this.caughtUp(number, seq), late])) === "late") {
      toast(t("Recorded"), t("The ledger has it, but this screen has not yet caught up."), "info");
    }
  }
}

/** Says kindly why the server refused action `id`. 409: somebody was faster, and this is who, and how it stands now. */
export function refused(error, id = "") {
  const current = error.problem?.current?.incident ?? error.problem?.current;
  if (error.status === 409) {
    const state = current?.status ? t("It is now: %(status)s.", { status: statusName(current.status) }) : "";
    if (id === "acknowledge" && current?.holder && !unseen(current)) return toast(t("%(name)s was first", { name: current.holder.name }), state, "notable");
    return toast(t("Somebody was faster, or it no longer fits"), [error.message, state].filter(Boolean).join(" "), "notable");
  }
  const fields = (error.problem?.errors ?? []).map((one) => one.message).join(" ");
  return toast(error.status === 0 ? t("Not sent") : t("Refused"), fields || error.message, "bad");
}
