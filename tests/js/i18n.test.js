import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("../../", import.meta.url).pathname;
const SCRIPTS = readdirSync(`${ROOT}static/js`, { recursive: true }).filter((name) => name.endsWith(".js")).map((name) => `${ROOT}static/js/${name}`);

/** msgid → msgstr (a plural's only form, as in Korean) of one catalogue. */
function catalogue(domain) {
  const text = readFileSync(`${ROOT}ocenter/locale/ko/LC_MESSAGES/${domain}.po`, "utf8").replaceAll('"\n"', "");
  const entries = text.matchAll(/^msgid (".*")\n(?:msgid_plural (".*")\n)?msgstr(?:\[0\])? (".*")$/gm);
  return new Map([...entries].map(([, id, , translated]) => [JSON.parse(id), JSON.parse(translated)]));
}

function used() {
  const found = new Set();
  for (const file of SCRIPTS) {
    for (const [, id] of readFileSync(file, "utf8").matchAll(/\btn?\(\s*("(?:[^"\\]|\\.)*")/g)) found.add(JSON.parse(id));
  }
  return found;
}

test("every text of the scripts has a Korean translation, and no translation is left over", () => {
  const known = catalogue("djangojs");
  const ids = used();
  assert.ok(ids.size > 100);
  assert.deepEqual([...ids].filter((id) => !known.get(id)), []);
  assert.deepEqual([...known.keys()].filter((id) => id && !ids.has(id)), []);
});

test("every text of the templates has a Korean translation", () => {
  const known = catalogue("django");
  const ids = new Set();
  for (const name of readdirSync(`${ROOT}templates`, { recursive: true }).filter((one) => one.endsWith(".html"))) {
    for (const [, double, single] of readFileSync(`${ROOT}templates/${name}`, "utf8").matchAll(/\{% trans (?:"([^"]*)"|'([^']*)')/g)) ids.add(double ?? single);
  }
  assert.ok(ids.size > 20);
  assert.deepEqual([...ids].filter((id) => !known.get(id)), []);
});

test("translations carry the same values as their texts", () => {
  const values = (text) => [...new Set(text.match(/%\(\w+\)s/g) ?? [])].sort();
  for (const [id, translated] of catalogue("djangojs")) if (id) assert.deepEqual(values(translated), values(id), id);
});

test("no script holds Korean text of its own", () => {
  const files = SCRIPTS.filter((file) => /[가-힣]/.test(readFileSync(file, "utf8")));
  assert.deepEqual(files, []);
});
