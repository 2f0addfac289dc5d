/** The help dialog: every key, and what the shapes mean. */
import { openDialog } from "./dialog.js";
import { cap, h, shape } from "./dom.js";
import { GRADES, gradeName, shapeName } from "./grades.js";
import { t } from "./i18n.js";
import { refused } from "./perform.js";
import { preference, savePreference } from "./preferences.js";

const SINGLE_KEYS = "single-key-shortcuts";

/** Whether letters and digits are shortcuts: so unless this person has turned them off. */
export function singleKeys() {
  return preference(SINGLE_KEYS, true) !== false;
}

function singleKeysSwitch() {
  const box = h("input", { type: "checkbox", checked: singleKeys() });
  box.addEventListener("change", async () => {
    await savePreference(SINGLE_KEYS, box.checked).catch(refused);
    box.checked = singleKeys();
  });
  return h("label", { class: "check" }, box, t("Single letters and digits are shortcuts (off: only Enter, Space and Esc)"));
}

function keyRows() {
  return [
    [["J", "K"], t("Down and up the queue")], [["Enter"], t("Go to the open incident on the map")], [["G"], t("Next unacknowledged")],
    [["A"], t("Acknowledge")], [["P"], t("Relay 112")], [["F"], t("Relay 119")], [["C"], t("Close case")], [["N"], t("Write a note")], [["S"], t("Do the current step of the procedure")], [["R"], t("Register an incident")],
    [["1", "–", "5"], t("Enlarge a camera, and back")], [["V"], t("Video wall")], [["L"], t("Layers")], [["W"], t("Go to a place on the map")], [["/"], t("Search the queue")], [["M"], t("Mute for 2 minutes")],
    [["Space"], t("Stop at this moment, or back to live")], [["Esc"], t("Back: close what is open")], [["?"], t("This help")],
  ];
}

/** Opens the dialog. */
export function openHelp() {
  const keys = keyRows().map(([caps, text]) => h("div", {}, h("dt", {}, caps.map((key) => (key === "–" ? "–" : cap(key)))), h("dd", {}, text)));
  const legend = GRADES.map((grade) => h("span", { class: grade }, shape(`g-${grade}`, grade), `${gradeName(grade)} · ${shapeName(grade)}`));
  const held = h("span", { class: "G1" }, shape("g-G1-held", "G1"), t("hollow: acknowledged"));
  return openDialog({
    title: t("Keys and help"), wide: true,
    body: [h("h3", {}, t("Keys")), h("dl", { class: "keys" }, keys), singleKeysSwitch(), h("h3", {}, t("Grades: the shape says it, the colour helps")), h("div", { class: "legend" }, legend, held)],
  });
}
