/** Printing the open incident as a report: what stands above the panel's own words on paper. */
import { now } from "./clock.js";
import { h, text } from "./dom.js";
import { dateTime, span } from "./format.js";
import { t } from "./i18n.js";
import { STALE_MS } from "./header.js";

/** Whether what is printed was live, in words: paper must not claim more than the screen did. */
export function standing({ history, state, silence }) {
  if (history) return t("As it was at %(time)s.", { time: dateTime(history.at) });
  if (state === "live" && silence <= STALE_MS) return t("Live when printed.");
  return t("Not live when printed: the picture was %(time)s old.", { time: span(silence) });
}

/** Fills the report's head as of now. */
export function printHead({ room, me }) {
  const place = document.getElementById("print-head");
  const centre = h("p", { class: "print-centre" });
  text(centre, document.querySelector(".top-name h1").textContent);
  const facts = [[t("Printed"), dateTime(now())], [t("By"), me.name], [t("State"), standing({ history: room.history, state: room.socket.state, silence: room.socket.silence() })]];
  place.replaceChildren(centre, h("h1", {}, room.chosen ? t("Incident report") : t("The room at a glance")), h("dl", {}, facts.flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, value)])));
}
