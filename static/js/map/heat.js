/** The heat map: where it was busy in the hours before the time shown, as the server counted it in a grid. */
import { get } from "../api.js";
import { CanvasLayer, token } from "./canvas.js";

const FRESH_MS = 60000;
const STRONGEST = 0.62;

/** How strongly a cell of `count` is painted beside the busiest of `most`: 0 to 1, by its root, so that few stay visible. */
export function strength(count, most) {
  return most > 0 ? Math.sqrt(count / most) : 0;
}

export class HeatLayer {
  /** `onFailed(error)`: the heat could not be had; what was drawn goes. */
  constructor(map, { pane, onFailed }) {
    Object.assign(this, { map, onFailed, hours: 0, until: null, heat: null });
    this.layer = new CanvasLayer((context, toPixel) => this.#draw(context, toPixel), { pane });
  }

  /** Goes to a moment of history (ISO 8601), or with null back to the present. */
  travel(until) {
    if (until === this.until) return;
    this.until = until;
    if (this.hours) this.show(this.hours);
  }

  /** Shows the last `hours`, 0: nothing. Those before now are counted anew every minute. */
  async show(hours) {
    clearTimeout(this.timer);
    this.hours = hours;
    if (!hours) {
      this.heat = null;
      return this.layer.remove();
    }
    const { until } = this;
    const heat = await get("heat", { hours, until }).catch((error) => { this.onFailed(error); return null; });
    if (this.hours !== hours || this.until !== until) return;
    this.heat = heat;
    this.layer.addTo(this.map);
    this.layer.redraw();
    if (!until) this.timer = setTimeout(() => this.show(hours), FRESH_MS);
  }

  redraw() {
    if (this.heat) this.layer.redraw();
  }

  #draw(context, toPixel) {
    if (!this.heat) return;
    const { cells, cell: [high, wide] } = this.heat;
    const most = cells.reduce((max, [, , count]) => Math.max(max, count), 0);
    const colour = token("--heat");
    for (const [row, column, count] of cells) {
      const [left, bottom] = toPixel(row * high, column * wide);
      const [right, top] = toPixel((row + 1) * high, (column + 1) * wide);
      const [x, y, radius] = [(left + right) / 2, (top + bottom) / 2, Math.max(14, (right - left) * 0.85)];
      const glow = context.createRadialGradient(x, y, 0, x, y, radius);
      glow.addColorStop(0, colour);
      glow.addColorStop(1, `${colour}00`); // "transparent" is a black one, and would grey the rim
      context.globalAlpha = STRONGEST * (0.25 + 0.75 * strength(count, most));
      context.fillStyle = glow;
      context.fillRect(x - radius, y - radius, radius * 2, radius * 2);
    }
    context.globalAlpha = 1;
  }
}
