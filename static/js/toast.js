/** Short messages at the bottom; screen readers hear them (role=status on the container). */
import { h, icon } from "./dom.js";

const SHOWN_MS = 4500;
const SHOWN_BAD_MS = 9000;

/** Shows `title` and `detail`; `kind` is "info", "good" or "bad". A click takes it away. */
export function toast(title, detail = "", kind = "info") {
  const icons = { info: "circle-alert", good: "circle-check", bad: "triangle-alert" };
  const element = h("div", { class: `toast ${kind}`, onclick: () => element.remove() },
    icon(icons[kind]), h("div", {}, h("b", {}, title), detail ? h("span", {}, detail) : null));
  const place = document.getElementById("toasts");
  place.append(element);
  while (place.children.length > 3) place.firstElementChild.remove();
  setTimeout(() => element.remove(), kind === "bad" ? SHOWN_BAD_MS : SHOWN_MS);
}
