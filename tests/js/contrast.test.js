import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { GRADES } from "../../static/js/grades.js";

const read = (name) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
const css = read("static/css/tokens.css");
/** WCAG AA for text; the high contrast theme keeps AAA. */
const LEAST = { dark: 4.5, light: 4.5, contrast: 7 };

const blockOf = (theme) => css.match(new RegExp(`\\[data-theme="${theme}"\\] \\{([^}]*)\\}`))[1];

function tokens(theme) {
  return Object.fromEntries([...blockOf(theme).matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name, value]) => [name, value]));
}

const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
const luminance = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;

function contrast(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

/** How colours look to others, on linear channels (Machado, Oliveira and Fernandes 2009, severity 1). */
const SIGHTS = {
  ordinary: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};
const seen = (matrix, colour) => matrix.map((row) => Math.min(1, Math.max(0, row[0] * colour[0] + row[1] * colour[1] + row[2] * colour[2])));

const SURFACES = ["panel", "panel-raised", "panel-sunk", "hover", "chosen"];
const PAIRS = [
  ...["text", "text-2", "text-3"].flatMap((text) => SURFACES.map((surface) => [text, surface])),
  ...["critical", "major", "minor", "normal", "info", "ok", "accent"].flatMap((text) => ["panel", "panel-raised", "hover"].map((surface) => [text, surface])),
  ["on-accent", "accent-solid"], ["on-accent", "accent-solid-hover"], ["text", "accent-soft"], ["text-2", "accent-soft"], ["accent", "accent-soft"],
  ["critical", "critical-soft"], ["major", "major-soft"], ["ok", "ok-soft"], ["text", "critical-soft"], ["text", "major-soft"], ["text-2", "critical-soft"],
  ["on-unit", "unit"], ["panel", "near"], ["panel", "text"], ["map-label", "map-land"], ["map-label-strong", "map-land"],
  ["on-grade", "critical"], ["on-grade", "major"], ["critical", "chosen"], ["major", "chosen"], ["on-warn", "warn-solid"], ["on-bad", "bad-solid"],
];
/** Edges and marks that carry meaning without text (WCAG 1.4.11). */
const MARKS = [["focus", "panel"], ["focus", "ground"], ["text-3", "panel"], ["camera", "map-land"], ["near", "map-land"], ["ok", "panel"], ["unit", "map-land"]];

const poor = (known, pairs, least, matrix = SIGHTS.ordinary) => pairs
  .map(([a, b]) => ({ a, b, ratio: Number(contrast(seen(matrix, channels(known[a])), seen(matrix, channels(known[b]))).toFixed(2)) }))
  .filter(({ ratio }) => !(ratio >= least));

for (const theme of ["dark", "light", "contrast"]) {
  describe(`the ${theme} theme`, () => {
    test(`gives every text ${LEAST[theme]}:1`, () => assert.deepEqual(poor(tokens(theme), PAIRS, LEAST[theme]), []));
    test("gives every mark that means something 3:1", () => assert.deepEqual(poor(tokens(theme), MARKS, 3), []));
    for (const sight of Object.keys(SIGHTS).slice(1)) {
      test(`is read with ${sight}, too`, () => assert.deepEqual(poor(tokens(theme), PAIRS, theme === "contrast" ? 4.5 : 3.6, SIGHTS[sight]), []));
    }
  });
}

test("high contrast draws the lines of fields and buttons at 3:1", () => {
  assert.deepEqual(poor(tokens("contrast"), ["line", "line-strong"].map((line) => [line, "panel"]), 3), []);
});

test("every theme names the same colours", () => {
  const [dark, light, contrasting] = ["dark", "light", "contrast"].map((theme) => [...blockOf(theme).matchAll(/--([\w-]+):/g)].map(([, name]) => name).sort());
  assert.deepEqual(light, dark);
  assert.deepEqual(contrasting, dark);
});

test("no two grades share a shape, so that colours may come close", () => {
  const symbols = Object.fromEntries([...read("templates/includes/shapes.html").matchAll(/id="(g-[\w-]+)"[^>]*>(.*?)<\/symbol>/g)].map(([, id, body]) => [id, body]));
  const outline = (id) => symbols[id].match(/<(rect|path d="[^"]*"|circle[^>]* r="[\d.]+")/)[1];
  const solid = GRADES.map((grade) => outline(`g-${grade}`));
  assert.equal(new Set(solid).size, GRADES.length);
  for (const grade of GRADES.slice(0, 4)) assert.notEqual(symbols[`g-${grade}`], symbols[`g-${grade}-held`]);
});
