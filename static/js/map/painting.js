/** Paints grouped points on a canvas: small and dim, as they are the background of what happens. Imports nothing. */

/** Smaller circles say "several" by their size; a number would be noise. */
const NUMBER_FROM_PX = 9.5;

/** The radius in pixels of an item for `count` points at `zoom`; `unit`: how large one drawn pixel is. */
export function radiusOf(count, zoom, unit) {
  if (count > 1) return Math.min(17, (zoom < 13 ? 3.2 : zoom < 16 ? 4.5 : 6) + 1.75 * Math.log2(count)) * unit;
  return (zoom >= 16 ? 4.2 : zoom >= 14 ? 3.1 : 1.7) * unit;
}

function outline(context, mark, x, y, radius) {
  context.moveTo(x + radius, mark === "square" ? y - radius : y);
  if (mark === "square") context.rect(x - radius, y - radius, radius * 2, radius * 2);
  else context.arc(x, y, radius, 0, 7);
}

/**
 * Draws the items of one set that lie in the view and returns `[x, y, radius, item, …]` of each, in pixels.
 * `view`: `{scale, left, top, width, height, zoom, unit, font}`; `look`: `{mark, fill, line, dot, text}`.
 */
export function paint(context, items, view, look) {
  const { scale, left, top, width, height, zoom, unit } = view;
  const placed = [];
  for (let k = 0; k < items.x.length; k += 1) {
    const x = items.x[k] * scale - left;
    const y = items.y[k] * scale - top;
    if (x > -20 && y > -20 && x < width + 20 && y < height + 20) placed.push(x, y, radiusOf(items.count[k], zoom, unit), k);
  }
  singles(context, items, placed, look, unit);
  groups(context, items, placed, look, view);
  return placed;
}

function singles(context, { count }, placed, look, unit) {
  context.beginPath();
  let radius = 0;
  for (let n = 0; n < placed.length; n += 4) {
    if (count[placed[n + 3]] > 1) continue;
    radius = placed[n + 2];
    outline(context, look.mark, placed[n], placed[n + 1], look.mark === "square" ? radius * 0.9 : radius);
  }
  if (!radius) return;
  context.fillStyle = look.fill;
  context.strokeStyle = look.dot;
  context.lineWidth = (radius > 3 ? 1.6 : 1.2) * unit;
  context.fill();
  context.stroke();
}

function groups(context, { count }, placed, look, { unit, font }) {
  context.beginPath();
  for (let n = 0; n < placed.length; n += 4) if (count[placed[n + 3]] > 1) outline(context, look.mark, placed[n], placed[n + 1], placed[n + 2]);
  context.fillStyle = look.fill;
  context.strokeStyle = look.line;
  context.lineWidth = 1;
  context.fill();
  context.stroke();
  context.fillStyle = look.text;
  context.font = `600 ${10.5 * unit}px ${font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let n = 0; n < placed.length; n += 4) {
    const many = count[placed[n + 3]];
    if (many > 1 && placed[n + 2] >= NUMBER_FROM_PX * unit) context.fillText(many < 1000 ? many : `${(many / 1000).toFixed(1)}k`, placed[n], placed[n + 1] + 0.5);
  }
}
