/** Windows of their own for a second and third monitor. What a window is to show stands in its address; why, does not. */

const STORED = "ocenter.why";
const FEATURES = "popup,width=960,height=600";

/** Opens `/window/` with `query`; `why` goes by the session's storage, since an address ends up in logs. */
export function popOut(query, why) {
  // A new window opened from here starts with a copy of this window's session storage.
  if (why) sessionStorage.setItem(STORED, JSON.stringify(why));
  return globalThis.open(`/window/?${new URLSearchParams(query)}`, "_blank", FEATURES);
}

/** Why this window may look, as the window that opened it said; null where it was opened by hand. */
export function handedWhy() {
  try {
    return JSON.parse(sessionStorage.getItem(STORED));
  } catch {
    return null;
  }
}
