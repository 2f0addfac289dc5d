/**
 * What one camera's tile knows, as pure functions: an event in, a state out. No DOM, no clock, no network: Node tests it.
 *
 * idle → connecting → live → frozen | lost → live …; and none, forbidden, limit where the server refused.
 * A picture is called live only while the server says so and new pictures arrive here: the worse of both counts.
 */

/** A picture that has not changed for this long is not live. */
export const STALE_MS = 4000;
/** Without a first picture for this long there is no signal, whatever is said. */
export const PATIENCE_MS = 15000;
/** Heartbeats: a view dies after 20 s without one; away from live they also bring the news sooner. */
const ALIVE_MS = 5000;
const ALIVE_SOON_MS = 2000;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 15000;
const LIMIT_RETRY_MS = 5000;

/** Refusals that trying again would not change; 400: what was given as the reason is none, or no longer. */
const REFUSALS = { 400: "forbidden", 403: "forbidden", 404: "none", 409: "none" };

/** A tile that shows nothing and wants nothing. */
export function idle() {
  return { phase: "idle", since: 0, view: null, server: null, openedAt: 0, playedAt: 0, frameAt: 0, failures: 0, retryAt: null, limit: null, told: "" };
}

/** How long to wait before trying again after `failures` failures in a row: doubled, bounded. */
export function patience(failures) {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, failures - 1));
}

/**
 * The state after `event`, `{type, at, …}` with `at` in milliseconds:
 * `open` (wanted), `granted` {view}, `refused` {status, problem, retryAfter, told}, `heard` {state, seconds} (a heartbeat's
 * answer), `frame` (a new picture was shown), `broken` {gone} (the player failed; `gone`: the view ended), `tick`, `close`.
 */
export function step(state, event) {
  const change = CHANGES[event.type];
  return settled(change ? { ...state, ...change(state, event) } : state, event.at);
}

const CHANGES = {
  open: (state, { at }) => ({ phase: "connecting", view: null, server: null, openedAt: at, playedAt: 0, frameAt: 0, retryAt: null, limit: null, told: "" }),
  granted: (state, { at, view }) => ({ view, playedAt: at, retryAt: null, told: "" }),
  refused: refusedBy,
  heard: (state, { at, state: word, seconds = 0 }) => (state.view ? { server: { word, since: at - seconds * 1000, at } } : {}),
  frame: (state, { at }) => (state.view ? { frameAt: at, failures: 0 } : {}),
  broken: (state, { at, gone = false }) => {
    if (!running(state)) return {};
    const failures = state.failures + 1;
    return { failures, retryAt: at + patience(failures), ...(gone ? { view: null, server: null } : {}) };
  },
  close: () => ({ ...idle() }),
};

function refusedBy(state, { at, status, problem = {}, retryAfter, told = "" }) {
  if (!running(state)) return {};
  if (status === 503 && problem.limit != null) {
    return { phase: "limit", view: null, limit: { limit: problem.limit, inUse: problem.in_use }, retryAt: at + (retryAfter ? retryAfter * 1000 : LIMIT_RETRY_MS) };
  }
  if (REFUSALS[status]) return { phase: REFUSALS[status], view: null, retryAt: null, told: status === 400 ? told : "" };
  const failures = state.failures + 1;
  return { view: null, failures, told: status === 503 ? told : "", retryAt: at + Math.max(patience(failures), (retryAfter ?? 0) * 1000) };
}

const SETTLED = new Set(["idle", "none", "forbidden", "limit"]);

/** Whether the tile wants a picture and may have one. */
export function running(state) {
  return !SETTLED.has(state.phase);
}

/** The phase that follows from what is known, and since when. */
function settled(state, at) {
  if (!running(state)) return state;
  const { phase, since } = judged(state, at);
  if (phase !== state.phase) return { ...state, phase, since };
  // The server knows better since when: it watched before this page did.
  return { ...state, since: Math.min(state.since || since, since) };
}

function judged(state, at) {
  const { server, frameAt, openedAt, view, failures } = state;
  if (server?.word === "lost") return { phase: "lost", since: Math.min(server.since, at) };
  if (server?.word === "frozen") return { phase: "frozen", since: Math.min(server.since, at) };
  if (frameAt) return at - frameAt < STALE_MS ? { phase: "live", since: at } : { phase: "frozen", since: frameAt };
  if (at - openedAt >= PATIENCE_MS || (!view && failures > 1)) return { phase: "lost", since: openedAt };
  return { phase: "connecting", since: openedAt };
}

/** What the tile should do at `at`: "open" a view, "play" the present view's stream again, or null. */
export function due(state, at) {
  if (state.phase === "idle" || state.retryAt == null || at < state.retryAt) return null;
  return state.view ? "play" : "open";
}

/** How often a heartbeat is sent now. */
export function aliveEvery(state) {
  return state.phase === "live" ? ALIVE_MS : ALIVE_SOON_MS;
}

/** Whole seconds in this phase, and until the next attempt where one is planned. */
export function counts(state, at) {
  return {
    seconds: Math.max(0, Math.floor((at - state.since) / 1000)),
    again: state.retryAt == null ? null : Math.max(0, Math.ceil((state.retryAt - at) / 1000)),
  };
}

/** The server has pictures and this page shows none of them for so long that the player is started anew. */
const STUCK_MS = 8000;

/** Whether the player stands still though pictures are there. */
export function stuck(state, at) {
  return Boolean(state.view) && state.server?.word === "live" && state.retryAt == null && at - Math.max(state.frameAt, state.playedAt) > STUCK_MS;
}
