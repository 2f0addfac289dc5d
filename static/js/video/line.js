/** The live line of a page that only looks: socket and store, and a word when something changed or came. */
import { learn } from "../clock.js";
import { LiveSocket } from "../socket.js";
import { applyChanges, applySnapshot, applyTick, emptyState } from "../store.js";

/** As in the room: ticks ahead of us this often mean that rows were lost on the way. */
const TICKS_BEHIND = 3;

export class LiveLine {
  /** `path`: the socket's. `contiguous`: whether rows must follow without a hole. `onChange(state, opened)`, `onState(state, silence)`. */
  constructor({ path, contiguous, onChange, onState }) {
    Object.assign(this, { contiguous, onChange, onState, state: emptyState(), behind: 0 });
    const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
    this.socket = new LiveSocket({ address, cursor: () => this.state.cursor, onMessage: (message) => this.#receive(message), onState: () => this.#tell() });
  }

  open() {
    this.socket.open();
    setInterval(() => this.#tell(), 500);
  }

  #tell() {
    this.onState(this.socket.state, this.socket.silence());
  }

  #receive(message) {
    if (message.at) learn(message.at);
    if (message.type === "snapshot") return this.#took(applySnapshot(this.state, message), []);
    if (message.type === "tick") return this.#tick(message);
    const { state, gap, applied } = applyChanges(this.state, message, { contiguous: this.contiguous });
    if (gap) return this.socket.restart({ fresh: true });
    const opened = applied.filter(({ kind }) => kind === "incident.opened").map(({ incident }) => state.incidents.get(incident.number) ?? incident);
    return this.#took(state, opened);
  }

  #took(state, opened) {
    this.state = state;
    this.behind = 0;
    this.onChange(state, opened);
  }

  #tick(message) {
    this.state = applyTick(this.state, message);
    this.behind = message.cursor === this.state.cursor ? 0 : this.behind + 1;
    if (this.behind < TICKS_BEHIND) return;
    this.behind = 0;
    this.socket.restart();
  }
}
