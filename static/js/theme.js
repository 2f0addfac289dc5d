/** Dark, light or high contrast: kept in a cookie, so that the server already sends the right page and nothing flashes. */
import { icon } from "./dom.js";
import { t } from "./i18n.js";

const YEAR_S = 365 * 24 * 3600;
const COOKIE = "ocenter_theme";

/** The themes in the order in which the button goes through them, each with its icon. */
export const THEMES = { dark: "moon", light: "sun", contrast: "contrast" };

/** "dark", "light" or "contrast". */
export function theme() {
  return document.documentElement.dataset.theme;
}

/** The theme that follows `name`; an unknown one is followed by the first. */
export function nextTheme(name) {
  const names = Object.keys(THEMES);
  return names[(names.indexOf(name) + 1) % names.length];
}

function keep(name) {
  document.documentElement.dataset.theme = name;
  document.cookie = `${COOKIE}=${name}; path=/; max-age=${YEAR_S}; samesite=lax`;
}

/** Whoever asks the system for more contrast and has chosen nothing here gets it. */
function followSystem() {
  if (!document.cookie.includes(`${COOKIE}=`) && matchMedia("(prefers-contrast: more)").matches) keep("contrast");
}

/** Makes `button` go through the themes; `onChange` may repaint what CSS does not reach. */
export function bindTheme(button, onChange = () => {}) {
  const labels = { dark: t("Dark theme"), light: t("Light theme"), contrast: t("High contrast") };
  const show = () => {
    const next = nextTheme(theme());
    button.replaceChildren(icon(THEMES[next]));
    button.title = labels[next];
    button.setAttribute("aria-label", labels[next]);
  };
  button.addEventListener("click", () => {
    keep(nextTheme(theme()));
    show();
    onChange();
  });
  followSystem();
  show();
}
