/** Grades and statuses: words and shapes. Shape and word carry the grade; colour only helps. */
import { t } from "./i18n.js";

export const GRADES = ["G1", "G2", "G3", "G4", "G5"];

/** Statuses in which nobody has yet said "I have seen it". */
export const UNSEEN = new Set(["received", "open", "reopened"]);

/** Statuses that leave the queue. */
export const ENDED = new Set(["merged", "false_alarm", "test", "closed", "cancelled"]);

/** Whether the incident waits for someone's acknowledgement. G5 is log only and waits for nobody. */
export function unseen(incident) {
  return UNSEEN.has(incident.status) && incident.grade !== "G5";
}

export function gradeName(grade) {
  return { G1: t("Critical"), G2: t("Urgent"), G3: t("Caution"), G4: t("Normal"), G5: t("Information") }[grade] ?? grade;
}

export function shapeName(grade) {
  return { G1: t("square"), G2: t("triangle"), G3: t("diamond"), G4: t("ring"), G5: t("dot") }[grade] ?? "";
}

export function statusName(status) {
  const names = {
    received: t("Received"), merged: t("Merged"), open: t("Unacknowledged"), acked: t("Acknowledged"), verifying: t("Verifying"),
    confirmed: t("Confirmed"), false_alarm: t("False alarm"), test: t("Test"), notified: t("Agency notified"),
    responding: t("Responding"), resolved: t("Resolved"), closed: t("Closed"), reopened: t("Reopened"), cancelled: t("Cancelled"),
  };
  return names[status] ?? status;
}

/** The id of the sprite's symbol: solid while unseen, hollow once somebody holds it. */
export function shapeId(incident) {
  return `g-${incident.grade}${unseen(incident) ? "" : "-held"}`;
}
