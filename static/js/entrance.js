/** The sign-in page: theme, and a word when Caps Lock is on. */
import { bindTheme } from "./theme.js";

bindTheme(document.getElementById("theme"));

const caps = document.getElementById("caps");
document.querySelector("input[type=password]")?.addEventListener("keyup", (event) => {
  caps.hidden = !event.getModifierState?.("CapsLock");
});
