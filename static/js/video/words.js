/** A tile's state in words: what an operator reads over the picture, or in place of it. */
import { span } from "../format.js";
import { t } from "../i18n.js";
import { counts } from "./state.js";

/** Icons beside the words, by phase. */
export const PHASE_ICON = { idle: "play", connecting: "radio-tower", live: "video", frozen: "circle-alert", lost: "video-off", none: "video-off", forbidden: "lock", limit: "ban" };

/** A new picture older than this at the glass is called late. */
export const LATE_MS = 10000;

function again(seconds) {
  return seconds == null ? "" : seconds > 0 ? t("trying again in %(s)s s", { s: seconds }) : t("trying again…");
}

/** What the tile says at `at`: `{title, detail}`; both empty while the picture is live. */
export function words(state, at) {
  const { seconds, again: left } = counts(state, at);
  const time = span(seconds * 1000);
  switch (state.phase) {
    case "live": return { title: "", detail: "" };
    case "connecting": return { title: t("Connecting"), detail: seconds >= 2 ? time : "" };
    case "frozen": return { title: t("Picture frozen · %(time)s", { time }), detail: again(left) };
    case "lost": return { title: t("No signal · %(time)s", { time }), detail: [state.told, again(left) || t("trying again…")].filter(Boolean).join(" · ") };
    case "none": return { title: t("No stream"), detail: t("This camera sends no picture to this centre.") };
    case "forbidden": return { title: t("Not permitted"), detail: state.told || t("Your role may not watch video.") };
    case "limit": return { title: t("Video limit reached"), detail: t("%(in_use)s of %(limit)s in use, trying again in %(s)s s", { in_use: state.limit.inUse, limit: state.limit.limit, s: left ?? 0 }) };
    default: return { title: t("Not playing"), detail: "" };
  }
}

/** The lamp's word: LIVE with the picture's real age where it is known, late where it is old. */
export function lamp(ageMs) {
  if (ageMs == null || !Number.isFinite(ageMs)) return { text: t("LIVE"), late: false };
  const seconds = Math.max(0, ageMs) / 1000;
  const late = ageMs > LATE_MS;
  return { text: late ? t("%(s)s s late", { s: Math.floor(seconds) }) : `${t("LIVE")} ${seconds.toFixed(1)}s`, late };
}
