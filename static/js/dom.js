/** Small helpers to build and update elements without a library and without markup strings. */

const SVG = "http://www.w3.org/2000/svg";

function assign(element, key, value) {
  if (value == null || value === false) return;
  if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
  else if (key === "dataset") Object.assign(element.dataset, value);
  else if (key === "style") Object.entries(value).forEach(([name, text]) => element.style.setProperty(name, text));
  else if (key in element && typeof value !== "string") element[key] = value;
  else element.setAttribute(key, value === true ? "" : value);
}

/** `h("button", {class: "x", onclick: f}, "text", child)`: an element; null and false children are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) assign(element, key, value);
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

function useSprite(id, className) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#${id}`);
  svg.append(use);
  return svg;
}

/** A lucide icon of the page's sprite; decorative. */
export function icon(name) {
  return useSprite(`i-${name}`, "icon");
}

/** A grade's shape; the word must stand beside it or in the element's name. */
export function shape(id, grade) {
  return useSprite(id, `shape ${grade}`);
}

/** An svg element with attributes. */
export function svg(tag, attributes = {}) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** Sets text only when it differs: no needless layout, no needless screen-reader speech. */
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** A key cap; hidden from screen readers, which read `aria-keyshortcuts`. */
export function cap(key) {
  return h("kbd", { "aria-hidden": "true" }, key);
}

/** Makes `parent`'s children exactly `wanted`, moving as few as possible (focus and scroll survive). */
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  let here = parent.firstElementChild;
  for (const child of wanted) {
    if (child === here) here = here.nextElementSibling;
    else parent.insertBefore(child, here);
  }
}
