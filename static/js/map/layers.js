/** The layers card: what the map shows besides incidents, which are always there. */
import { cap, h, icon } from "../dom.js";
import { named, t } from "../i18n.js";

const STORED = "ocenter.layers";

function remembered() {
  try {
    return new Set(JSON.parse(localStorage.getItem(STORED)) ?? []);
  } catch {
    return new Set();
  }
}

/**
 * Fills `place` with the button and its card. `groups`: `[{name, items: [{id, name, count}]}]`.
 * `onChange(off)` gets the set of ids switched off. Returns `toggle()` for the key.
 */
export function addLayersCard(place, groups, onChange) {
  const off = remembered();
  const card = h("div", { class: "layers-card", id: "layers-card", hidden: true });
  const button = h("button", { class: "map-button", type: "button", "aria-expanded": "false", "aria-controls": "layers-card", "aria-keyshortcuts": "L" },
    icon("layers"), t("Layers"), cap("L"));
  const toggle = () => {
    card.hidden = !card.hidden;
    button.setAttribute("aria-expanded", String(!card.hidden));
  };
  button.addEventListener("click", toggle);
  const change = (id, on) => {
    if (on) off.delete(id);
    else off.add(id);
    localStorage.setItem(STORED, JSON.stringify([...off]));
    onChange(off);
  };
  for (const group of groups) {
    card.append(h("h3", {}, group.name), ...group.items.map((item) => h("label", {},
      h("input", { type: "checkbox", checked: !off.has(item.id), onchange: (event) => change(item.id, event.target.checked) }),
      named(item.name), h("small", {}, item.count == null ? "" : item.count.toLocaleString()))));
  }
  place.append(button, card);
  onChange(off);
  return toggle;
}
