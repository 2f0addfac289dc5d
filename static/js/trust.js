/** How far the picture can be trusted, as pure decisions: what was caught up, a new version, a wrong clock. */

/** A local clock this far off is said, and corrected on the page. */
export const SKEW_SAID_MS = 2000;
/** From here on it is warned about: what this computer stamps elsewhere is wrong, too. */
export const SKEW_WARNED_MS = 30000;

/** "", "said" or "warned" for a local clock that is `ms` off, either way. */
export function skewKind(ms) {
  const off = Math.abs(ms);
  return off > SKEW_WARNED_MS ? "warned" : off > SKEW_SAID_MS ? "said" : "";
}

/** Counts the rows that a line brings after it was lost, so that the page can say that the gap is refilled. */
export class CatchUp {
  constructor() {
    this.count = null;
  }

  /** The line is gone: from now on rows are those that were missed. Safe to repeat. */
  lost() {
    this.count ??= 0;
  }

  /** So many rows were applied. */
  applied(rows) {
    if (this.count != null) this.count += rows;
  }

  /** The line is level with the ledger again: how many rows were caught up, told once. */
  level() {
    const found = this.count ?? 0;
    this.count = null;
    return found;
  }
}

/** Whether the server that speaks now (`build`) is another than the one that made this page (`own`). */
export function isNewVersion(own, build) {
  return Boolean(own && build && own !== build);
}
