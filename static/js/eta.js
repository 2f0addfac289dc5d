/** Time left to an agency unit's arrival, counted down from the moment its ETA was last told. */

const told = new Map();

/** Milliseconds left at `now`, or null where no ETA is known. */
export function etaLeft(relay, now) {
  if (relay.eta_s == null) return null;
  const known = told.get(relay.id);
  if (!known || known.eta !== relay.eta_s) told.set(relay.id, { eta: relay.eta_s, at: now });
  return Math.max(0, relay.eta_s * 1000 - (now - told.get(relay.id).at));
}
