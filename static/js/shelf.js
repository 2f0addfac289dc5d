/** The shelf: what is put aside, by whom, why and until when; and bringing it back. */
import { openDialog } from "./dialog.js";
import { h, icon, shape, text } from "./dom.js";
import { clockMinutes, counter } from "./format.js";
import { now as serverNow } from "./clock.js";
import { shapeId } from "./grades.js";
import { named, t } from "./i18n.js";
import { refused } from "./perform.js";
import { shelved } from "./store.js";

/** What lies on the shelf at `now`, the first to return first. */
export function shelfOf(incidents, now) {
  const found = [...incidents.values()].filter((one) => shelved(one, now));
  return found.sort((a, b) => (a.shelved_until < b.shelved_until ? -1 : a.shelved_until > b.shelved_until ? 1 : a.number < b.number ? -1 : 1));
}

function row(incident, { me, onOpen, onUnshelve, close }) {
  const left = h("b", { class: "eta" });
  const { shelf } = incident;
  const back = h("button", { type: "button", class: "quiet", onclick: async () => {
    back.disabled = true;
    await onUnshelve(incident.number).catch((error) => { back.disabled = false; refused(error); });
  } }, icon("undo-2"), t("Bring back"));
  const words = [shelf?.suppression ? t("Suppressed") : null, shelf?.reason, shelf?.by?.name].filter(Boolean).join(" · ");
  const element = h("li", { dataset: { number: incident.number } },
    h("button", { type: "button", class: "shelf-open", onclick: () => { close(); onOpen(incident.number); } }, shape(shapeId(incident), incident.grade),
      h("span", {}, h("b", {}, [named(incident.title), incident.place].filter(Boolean).join(" · ")), h("small", {}, words))),
    h("span", { class: "shelf-until" }, left, h("small", {}, t("until %(time)s", { time: clockMinutes(incident.shelved_until) }))),
    me.actions.includes("unshelve") ? back : null);
  return { element, tick: (now) => text(left, counter(new Date(incident.shelved_until).getTime() - now)), incident };
}

/** Opens the shelf; it follows what changes until it is closed. `incidents()`: the live ones. */
export function openShelf({ me, incidents, onOpen, onUnshelve }) {
  const list = h("ol", { class: "shelf" });
  const rows = new Map();
  const render = () => {
    const now = serverNow();
    const found = shelfOf(incidents(), now);
    for (const incident of found) if (rows.get(incident.number)?.incident !== incident) rows.set(incident.number, row(incident, { me, onOpen, onUnshelve, close: () => dialog.close() }));
    const wanted = found.map(({ number }) => rows.get(number).element);
    if (wanted.length !== list.children.length || wanted.some((element, i) => element !== list.children[i])) {
      list.replaceChildren(...(wanted.length ? wanted : [h("li", { class: "none" }, t("The shelf is empty."))]));
    }
    for (const { number } of found) rows.get(number).tick(now);
  };
  const dialog = openDialog({ title: t("Shelf"), subtitle: t("Put aside for a time; each comes back by itself or when it changes."), wide: true, body: [list] });
  render();
  const timer = setInterval(render, 1000);
  dialog.addEventListener("close", () => clearInterval(timer));
  return dialog;
}
