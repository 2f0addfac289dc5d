/** Carries actions out: asks, sends, and waits until the ledger's row is on the screen. Nothing is assumed. */
import { ACTIONS } from "./actions.js";
import { act, post } from "./api.js";
import { ask } from "./forms.js";
import { askHandover } from "./handover.js";
import { statusName, unseen } from "./grades.js";
import { t } from "./i18n.js";
import { askCall } from "./call-dialog.js";
import { askRelay } from "./relay-dialog.js";
import { toast } from "./toast.js";

/** The row comes within a tenth of a second; beyond this the line is in trouble, and the header says so. */
const PATIENCE_MS = 4000;

export class Performer {
  /** `caughtUp(number, seq)`: a promise until the screen shows that row. `panel()`: the incident panel. `links()`: how the links are. `procedure`: the panel's block. */
  constructor({ me, catalogue, procedure, panel, caughtUp, links = () => [] }) {
    Object.assign(this, { me, catalogue, procedure, panel, caughtUp, links });
  }

  /** Starts action `id` on `incident`, asking first where the action needs it. */
  async start(id, incident) {
    const { asks, agency, label } = ACTIONS[id];
    const send = (body) => this.#send(id, incident, body);
    try {
      if (asks === "relay") await askRelay(incident, agency, label(), { catalogue: this.catalogue, links: this.links() }, send);
      else if (asks === "handover") await askHandover(incident, { me: this.me }, (move, body) => this.#send(id, incident, body, move));
      else if (asks) ask(id, incident, { catalogue: this.catalogue, me: this.me, procedure: this.procedure }, send);
      else await send(id === "assign" ? { username: this.me.username } : {});
    } catch (error) {
      refused(error, id);
    }
  }

  /** Sends `action` on incident `number`; answers the incident the server speaks of once it is on the screen. Refusals are thrown. */
  async send(number, action, body = {}) {
    return this.#answered(() => act(number, action, body));
  }

  /** Registers an incident by hand; answers it once it is on the screen. Refusals are thrown. */
  async register(body) {
    return this.#answered(() => post("incidents", body));
  }

  async #answered(call) {
    const { incident, seq } = await call();
    await this.#shown(incident.number, seq);
    return incident;
  }

  /** Writes a note; true when the ledger has it. */
  async note(incident, text) {
    return this.#quietly(() => act(incident.number, "note", { note: text }), incident.number);
  }

  /** Asks what was said by telephone and when, and records it. */
  calledByHand(relay) {
    return askCall(relay, (body) => post(`relays/${encodeURIComponent(relay.id)}/called-by-hand`, body));
  }

  /** Sends a relay that failed for good again: the same message under the same key. */
  async sendAgain(relay) {
    return this.#quietly(() => act(relay.incident, "relay", { agency: relay.agency }), relay.incident);
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

  /** Answers an offer ("accept" or "decline"), or brings an incident back ("unshelve"). */
  async plainly(number, word) {
    return this.#quietly(() => act(number, word), number);
  }

  async #send(id, incident, body, move = ACTIONS[id].move) {
    this.panel().setBusy(id, true);
    try {
      const { seq } = await act(incident.number, move, body);
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
