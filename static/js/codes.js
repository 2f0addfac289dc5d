/** The event codes as a list to search: grouped by family, found by Korean or English name or by code. Pure. */
import { t } from "./i18n.js";

/** What most calls are about comes first; what only machines report comes last. */
const ORDER = ["CRM", "FIR", "RES", "EMS", "BEL", "VUL", "ORD", "CWD", "DIS", "TRF", "SEC", "VEH", "JUS", "VCA", "SYS"];

/** A family's name. */
export function familyName(family) {
  const names = {
    CRM: t("Crime"), FIR: t("Fire"), RES: t("Rescue"), EMS: t("Medical emergency"), BEL: t("Emergency bell"), VUL: t("Vulnerable person"),
    ORD: t("Public order"), CWD: t("Crowd"), DIS: t("Disaster"), TRF: t("Traffic"), SEC: t("Private security"), VEH: t("Wanted vehicle"),
    JUS: t("Electronic tag"), VCA: t("Video analytics"), SYS: t("System"),
  };
  return names[family] ?? family;
}

const rank = (family) => (ORDER.includes(family) ? ORDER.indexOf(family) : ORDER.length);

/** The codes that hold every word of `words` in a name, the code or the family's name: `[{family, codes}]` in order. */
export function groupedCodes(codes, words = "") {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map();
  for (const one of codes) {
    const text = [one.code, one.name.ko, one.name.en, familyName(one.family)].join(" ").toLowerCase();
    if (!wanted.every((word) => text.includes(word))) continue;
    if (!groups.has(one.family)) groups.set(one.family, []);
    groups.get(one.family).push(one);
  }
  return [...groups].sort(([a], [b]) => rank(a) - rank(b)).map(([family, found]) => ({ family, codes: found }));
}
