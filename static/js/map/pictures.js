/**
 * The grades' shapes as pictures for the map. An inline SVG is a little tree of its own, put together anew in every frame in
 * which the map moves; a picture is painted like a letter.
 */
import { token } from "./canvas.js";

/** As in tokens.css. */
const COLOURS = { G1: "--critical", G2: "--major", G3: "--minor", G4: "--normal", G5: "--info" };
const RIM = 3;

const drawn = new Map();

/** The CSS `url()` of a shape of the page's sprite in a grade's colour and the present theme, with a rim in the map's. */
export function pictureOf(id, grade) {
  const key = `${id} ${grade}`;
  if (!drawn.has(key)) drawn.set(key, `url("data:image/svg+xml,${encodeURIComponent(draw(id, grade))}")`);
  return drawn.get(key);
}

/** After a change of theme: they are drawn anew when asked for. */
export function forgetPictures() {
  drawn.clear();
}

function draw(id, grade) {
  const shape = document.getElementById(id).innerHTML.replaceAll("currentColor", token(COLOURS[grade])).replace(/var\((--[\w-]+)\)/g, (_, name) => token(name));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" stroke="${token("--map-halo")}" stroke-width="${RIM}" paint-order="stroke">${shape}</svg>`;
}
