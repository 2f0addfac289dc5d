/** Times, distances and bearings as text. Times of day are always Korean standard time (UTC+9). */
import { language, t } from "./i18n.js";

const KST_MS = 9 * 3600 * 1000;
const two = (number) => String(number).padStart(2, "0");

function kst(at) {
  return new Date(new Date(at).getTime() + KST_MS);
}

/** "20:04:31" in KST; empty for no time. */
export function clock(at) {
  if (!at) return "";
  const d = kst(at);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
}

/** "20:04" in KST. */
export function clockMinutes(at) {
  return clock(at).slice(0, 5);
}

/** "2026-11-23" in KST. */
export function day(at) {
  const d = kst(at);
  return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`;
}

/** "11-23 (Mon)" in KST, the weekday in the page's language: the header's date. */
export function shortDay(at) {
  const d = kst(at);
  const weekday = new Intl.DateTimeFormat(language(), { weekday: "short", timeZone: "UTC" }).format(d);
  return `${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} (${weekday})`;
}

/** "2026-11-23 20:04:31 KST". */
export function dateTime(at) {
  return at ? `${day(at)} ${clock(at)} KST` : "";
}

/** A span as digits that count: "00:18", "12:40", "1:02:09", beyond a day "2d 03:10". */
export function counter(ms) {
  const total = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  if (hours >= 24) return t("%(days)sd %(time)s", { days: Math.floor(hours / 24), time: `${two(hours % 24)}:${two(minutes)}` });
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${two(minutes)}:${two(seconds)}`;
}

/** A span in words: "18 s", "4 min 10 s", "1 h 2 min". */
export function span(ms) {
  const total = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  if (hours) return t("%(h)s h %(m)s min", { h: hours, m: minutes });
  return minutes ? t("%(m)s min %(s)s s", { m: minutes, s: seconds }) : t("%(s)s s", { s: seconds });
}

/** A window of time in words, from seconds: "10 min", or as a span where it is not whole minutes. */
export function windowWords(seconds) {
  return seconds >= 60 && seconds % 60 === 0 ? t("%(m)s min", { m: seconds / 60 }) : span(seconds * 1000);
}

/** Tenths below ten seconds, whole seconds above: the age of the last message. */
export function age(ms) {
  const seconds = Math.max(0, ms) / 1000;
  return seconds < 10 ? seconds.toFixed(1) : String(Math.floor(seconds));
}

/** Metres below one kilometre, then kilometres with one decimal. */
export function distance(metres) {
  return metres < 1000 ? `${Math.round(metres)} m` : `${(metres / 1000).toFixed(1)} km`;
}

/** The compass word of a bearing in degrees, of eight. */
export function bearing(degrees) {
  const words = [t("N"), t("NE"), t("E"), t("SE"), t("S"), t("SW"), t("W"), t("NW")];
  return words[Math.round((((degrees % 360) + 360) % 360) / 45) % 8];
}

/** "36.32750, 127.42350", or a dash where the place is unknown. */
export function position(lat, lon) {
  return lat == null || lon == null ? "–" : `${lat.toFixed(5)}, ${lon.toFixed(5)}`;
}
