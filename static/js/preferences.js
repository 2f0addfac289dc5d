/** How this person likes the page: read once with the page, kept by the server under a name. */
import { get, put } from "./api.js";

let known = {};

/** Reads all preferences of the signed-in person; resolves also where they cannot be had, and the defaults hold. */
export async function loadPreferences() {
  known = (await get("me/preferences").catch(() => ({ preferences: {} }))).preferences;
}

/** The value kept under `name`, or `fallback`. */
export function preference(name, fallback) {
  return known[name] ?? fallback;
}

/** Keeps `value` (any JSON of at most 16 KiB) under `name`. Rejects with `Refused` where the server says no. */
export async function savePreference(name, value) {
  await put(`me/preferences/${encodeURIComponent(name)}`, value);
  known = { ...known, [name]: value };
}
