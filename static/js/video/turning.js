/**
 * Hold-to-move as calls to the server: a held direction is renewed before it runs out, letting go stops. Calls go one
 * after another and the last wish wins, so that a stop can never be overtaken by the movement it ends.
 */

/** One call moves the camera this long at most; a page that dies leaves it turning no longer. */
export const MOVE_SECONDS = 2;
const RENEW_MS = 1200;

export class Turning {
  /** `send(body)` (async) asks the server; `onError(error)` and `onMove(motion | null)` are told. `timer` is replaced in tests. */
  constructor({ send, onError = () => {}, onMove = () => {}, timer = globalThis }) {
    Object.assign(this, { send, onError, onMove, timer });
    this.motion = null;
    this.wish = null;
    this.busy = false;
  }

  /** Moves as long as it is held: `{pan, tilt, zoom}`, each −1…1. */
  hold(motion) {
    this.motion = motion;
    this.onMove(motion);
    this.#ask({ ...motion, seconds: MOVE_SECONDS });
    this.timer.clearInterval(this.renewing);
    this.renewing = this.timer.setInterval(() => this.#ask({ ...motion, seconds: MOVE_SECONDS }), RENEW_MS);
  }

  /** Stops what is held. Nothing to do where nothing is. */
  release() {
    if (!this.motion) return;
    this.motion = null;
    this.timer.clearInterval(this.renewing);
    this.onMove(null);
    this.#ask({ stop: true });
  }

  async #ask(body) {
    this.wish = body;
    if (this.busy) return;
    this.busy = true;
    while (this.wish) {
      const next = this.wish;
      this.wish = null;
      await this.send(next).catch((error) => this.#refused(error));
    }
    this.busy = false;
  }

  /** A refusal ends the movement; a wish to stop stays. */
  #refused(error) {
    this.timer.clearInterval(this.renewing);
    this.motion = null;
    if (!this.wish?.stop) this.wish = null;
    this.onMove(null);
    this.onError(error);
  }
}
