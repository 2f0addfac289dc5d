/** Starting pictures one after another: sixteen at once would stop the page and the video system. */

const GAP_MS = 120;
const AT_ONCE = 4;

export class Stagger {
  /** At most `atOnce` start at a time, `gapMs` apart. `timer` is replaced in tests. */
  constructor({ atOnce = AT_ONCE, gapMs = GAP_MS, timer = globalThis } = {}) {
    Object.assign(this, { atOnce, gapMs, timer });
    this.waiting = [];
    this.starting = 0;
    this.resting = false;
  }

  /**
   * Runs `start()` (async) when its turn comes; it holds its place until it settles. Returns `cancel()`: one that
   * has not begun never will.
   */
  add(start) {
    const one = { start };
    this.waiting.push(one);
    this.#next();
    return () => { this.waiting = this.waiting.filter((other) => other !== one); };
  }

  #next() {
    if (this.resting || this.starting >= this.atOnce || !this.waiting.length) return;
    const { start } = this.waiting.shift();
    this.starting += 1;
    this.resting = true;
    Promise.resolve().then(start).catch(() => {}).finally(() => { this.starting -= 1; this.#next(); });
    this.timer.setTimeout(() => { this.resting = false; this.#next(); }, this.gapMs);
  }
}
