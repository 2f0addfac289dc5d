/** The alarm load in words and shares: pure, tested in Node. */
import { t } from "./i18n.js";

/** The scale's end: just beyond a flood. Its marks stand at the norms. */
const SCALE = 12;

/** "1.4": one decimal, as the norms are stated. */
export const rate = (value) => (value >= 100 ? String(Math.round(value)) : value.toFixed(1));

/** "93 %", or a dash where there was nothing to share. */
export const percent = (share, digits = 0) => (share == null ? "–" : `${(share * 100).toFixed(digits)} %`);

/** "18 s", "2 min 5 s", or a dash. */
export function seconds(value) {
  if (value == null) return "–";
  const whole = Math.round(value);
  return whole < 60 ? t("%(s)s s", { s: whole }) : t("%(m)s min %(s)s s", { m: Math.floor(whole / 60), s: whole % 60 });
}

/** The band's name in words. */
export function bandName(band) {
  return { acceptable: t("acceptable"), manageable: t("manageable"), high: t("too much"), flood: t("flood") }[band] ?? band;
}

/** Shares of the three classes, in percent of all; null where there was nothing. */
export function priorityShares({ low, medium, high }) {
  const all = low + medium + high;
  return all ? { low: low / all, medium: medium / all, high: high / all } : null;
}

/** Where a value lies on the scale, 0 to 1: square-rooted, since what matters happens below two. */
export const place = (value) => Math.min(1, Math.sqrt(value / SCALE));
