/**
 * The live line to the server: reconnects by itself, resumes by cursor, tells its state.
 * It holds no data of the page. States: "connecting", "live", "reconnecting", "expired".
 */

const SESSION_GONE = 4401;
/** A line this long without a message is dead even if TCP has not noticed. */
const SILENCE_MS = 8000;
const FIRST_DELAY_MS = 300;
const LONGEST_DELAY_MS = 10000;

/** How long to wait before the attempt after `failures` failures: doubled, with jitter, bounded. */
export function backoff(failures, random = Math.random) {
  const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
  return longest / 2 + (longest / 2) * random();
}

export class LiveSocket {
  /**
   * `address`: ws(s) URL without a cursor. `cursor()`: the last applied cursor, "" for a fresh snapshot.
   * `onMessage(message)` and `onState(state)` are told; `Socket` and `timer` are replaced in tests.
   */
  constructor({ address, cursor, onMessage, onState, Socket = globalThis.WebSocket, timer = globalThis, clock = performance }) {
    Object.assign(this, { address, cursor, onMessage, onState, Socket, timer, clock });
    this.state = "connecting";
    this.failures = 0;
    this.lastMessageAt = null;
    this.line = null;
    this.fresh = true;
  }

  open() {
    const after = this.fresh ? "" : this.cursor();
    const line = new this.Socket(after ? `${this.address}?after=${encodeURIComponent(after)}` : this.address);
    this.line = line;
    this.openedAt = this.clock.now();
    line.onmessage = (event) => this.line === line && this.#receive(event.data);
    line.onclose = (event) => this.line === line && this.#closed(event.code);
    line.onerror = () => {};
    this.watch ??= this.timer.setInterval(() => this.#checkSilence(), 1000);
  }

  /** Throws the line away and takes a new one; `fresh` asks for a snapshot instead of the missing rows. */
  restart({ fresh = false } = {}) {
    if (this.state === "expired") return;
    this.fresh = this.fresh || fresh;
    this.#drop();
    this.#set("reconnecting");
    this.#openLater(fresh ? 0 : backoff(this.failures++));
  }

  /** Milliseconds since the last message, or since the opening before any. */
  silence() {
    return this.clock.now() - (this.lastMessageAt ?? this.openedAt ?? this.clock.now());
  }

  #receive(data) {
    const message = JSON.parse(data);
    this.lastMessageAt = this.clock.now();
    this.failures = 0;
    if (message.type === "snapshot" || message.type === "changes") this.fresh = false;
    this.#set("live");
    this.onMessage(message);
  }

  #closed(code) {
    this.line = null;
    if (code === SESSION_GONE) {
      this.timer.clearInterval(this.watch);
      return this.#set("expired");
    }
    this.#set("reconnecting");
    this.#openLater(backoff(this.failures++));
  }

  #checkSilence() {
    const since = Math.max(this.lastMessageAt ?? 0, this.openedAt ?? 0);
    if (this.line && this.clock.now() - since > SILENCE_MS) this.restart();
  }

  #openLater(delay) {
    this.timer.clearTimeout(this.waiting);
    this.waiting = this.timer.setTimeout(() => this.open(), delay);
  }

  #drop() {
    const line = this.line;
    this.line = null;
    line?.close();
  }

  #set(state) {
    if (state === this.state) return;
    this.state = state;
    this.onState(state);
  }
}
