/** Short messages at the bottom; screen readers hear them (role=status on the container). */
import { h, icon } from "./dom.js";

const SHOWN_MS = 4500;
/** For what somebody must not miss who looked at a camera meanwhile. */
const SHOWN_LONG_MS = 12000;
const ICONS = { info: "circle-alert", notable: "circle-alert", good: "circle-check", bad: "triangle-alert" };

/** Shows `title` and `detail`; `kind` is "info", "notable", "good" or "bad". It stays while the pointer rests on it; a click takes it away. */
export function toast(title, detail = "", kind = "info") {
  const element = h("div", { class: `toast ${kind}`, onclick: () => element.remove() },
    icon(ICONS[kind]), h("div", {}, h("b", {}, title), detail ? h("span", {}, detail) : null));
  const leave = () => (element.matches(":hover") ? setTimeout(leave, 1000) : element.remove());
  const place = document.getElementById("toasts");
  place.append(element);
  while (place.children.length > 3) place.firstElementChild.remove();
  setTimeout(leave, kind === "bad" || kind === "notable" ? SHOWN_LONG_MS : SHOWN_MS);
}
