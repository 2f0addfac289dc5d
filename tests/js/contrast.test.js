import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync(new URL("../../static/css/tokens.css", import.meta.url), "utf8");
const AA = 4.5;

function tokens(theme) {
  const block = css.match(new RegExp(`\\[data-theme="${theme}"\\] \\{([^}]*)\\}`))[1];
  return Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name, value]) => [name, value]));
}

function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const SURFACES = ["panel", "panel-raised", "panel-sunk", "hover", "chosen"];
const PAIRS = [
  ...["text", "text-2", "text-3"].flatMap((text) => SURFACES.map((surface) => [text, surface])),
  ...["critical", "major", "minor", "normal", "info", "ok", "accent"].flatMap((text) => ["panel", "panel-raised", "hover"].map((surface) => [text, surface])),
  ["on-accent", "accent-solid"], ["critical", "critical-soft"], ["major", "major-soft"], ["ok", "ok-soft"], ["text", "critical-soft"], ["on-unit", "unit"],
  ["panel", "near"], ["map-label", "map-land"], ["map-label-strong", "map-land"], ["on-grade", "critical"], ["on-grade", "major"], ["critical", "chosen"], ["major", "chosen"],
];

for (const theme of ["dark", "light"]) {
  test(`every text of the ${theme} theme meets WCAG AA`, () => {
    const known = tokens(theme);
    const poor = PAIRS.map(([text, surface]) => ({ text, surface, ratio: Number(contrast(known[text], known[surface]).toFixed(2)) })).filter(({ ratio }) => !(ratio >= AA));
    assert.deepEqual(poor, []);
  });
}
