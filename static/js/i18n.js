/** Texts of the page: English in the source, other languages from Django's `/jsi18n/` catalogue. */

/** The page's language, "ko" or "en". */
export function language() {
  return globalThis.document?.documentElement.lang || "ko";
}

function fill(text, values) {
  return values ? text.replace(/%\((\w+)\)s/g, (_, key) => String(values[key] ?? "")) : text;
}

/** The text in the page's language, with `%(name)s` filled from `values`. */
export function t(text, values) {
  return fill(globalThis.gettext ? globalThis.gettext(text) : text, values);
}

/** `t` for a number: `one` or `many` by the language's rule; `%(count)s` is filled too. */
export function tn(one, many, count, values = {}) {
  const choose = globalThis.ngettext ?? ((a, b, n) => (n === 1 ? a : b));
  return fill(choose(one, many, count), { ...values, count });
}

/** The page's side of a `{ko, en}` pair; a plain string is returned as it is. */
export function named(pair) {
  if (!pair || typeof pair === "string") return pair ?? "";
  return pair[language()] || pair.ko || pair.en || "";
}
