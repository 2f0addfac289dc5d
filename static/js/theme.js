/** Dark or light: kept in a cookie, so that the server already sends the right page and nothing flashes. */
import { icon } from "./dom.js";
import { t } from "./i18n.js";

const YEAR_S = 365 * 24 * 3600;

/** "dark" or "light". */
export function theme() {
  return document.documentElement.dataset.theme;
}

/** Makes `button` switch the theme; `onChange` may repaint what CSS does not reach. */
export function bindTheme(button, onChange = () => {}) {
  const show = () => {
    const label = theme() === "dark" ? t("Light theme") : t("Dark theme");
    button.replaceChildren(icon(theme() === "dark" ? "sun" : "moon"));
    button.title = label;
    button.setAttribute("aria-label", label);
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = theme() === "dark" ? "light" : "dark";
    document.cookie = `ocenter_theme=${theme()}; path=/; max-age=${YEAR_S}; samesite=lax`;
    show();
    onChange();
  });
  show();
}
