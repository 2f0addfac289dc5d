/** `/window/`: one camera or the wall in a window of its own, as live as the console it came from. */
import { get } from "./api.js";
import { dialogOpen } from "./dialog.js";
import { h, icon, text } from "./dom.js";
import { age } from "./format.js";
import { t } from "./i18n.js";
import { listen, releaseClicked } from "./keys.js";
import { loadPreferences } from "./preferences.js";
import { onChosen } from "./video/channel.js";
import { Enlarged } from "./video/enlarged.js";
import { LiveLine } from "./video/line.js";
import { camerasById, searchCameras } from "./video/cameras.js";
import { askReason } from "./video/reason.js";
import { Tile } from "./video/tile.js";
import { Wall } from "./video/wall.js";
import { handedWhy } from "./video/windows.js";

const RETRY_MS = 3000;
const STALE_MS = 5000;
const boot = JSON.parse(document.getElementById("boot").textContent);
const place = document.getElementById("window");

function say(words) {
  place.replaceChildren(h("p", { class: "window-note", role: "status" }, icon("circle-alert"), words));
}

/** One camera, as large as the window. */
async function showCamera(id, may) {
  const [camera] = await camerasById([id]);
  if (!camera) return say(t("There is no such camera."));
  document.title = `${camera.name} · ocenter`;
  const denied = !may("watch");
  const why = denied ? null : handedWhy() ?? (await askReason({ title: t("Watch this camera"), subtitle: camera.name }));
  if (!why && !denied) return say(t("Without an incident a reason is needed."));
  const tile = new Tile({ camera, why, denied });
  const enlarged = new Enlarged(place, { may, alone: true });
  enlarged.show(tile, () => {});
  tile.open();
}

/** The wall; it turns to what comes, and to what is chosen at the console. */
async function showWall(me, may) {
  document.title = `${t("Video wall")} · ocenter`;
  const wall = new Wall({ may, find: searchCameras, place, alone: true });
  await wall.toggle(null, handedWhy());
  if (!wall.shown) return say(t("Without an incident a reason is needed."));
  const stale = h("p", { class: "window-stale", role: "alert", hidden: true });
  place.append(stale);
  const line = new LiveLine({
    path: boot.socket, contiguous: me.families === "all", onState: (state, silence) => tellStale(stale, state, silence),
    onChange: (state, opened) => { opened.forEach((incident) => wall.arrived(incident)); wall.changed(state.incidents); },
  });
  line.open();
  onChosen((number) => wall.chosen(line.state.incidents.get(number)));
  listen(document, (command) => wall.run(command), dialogOpen);
  releaseClicked(document);
  globalThis.ocenter = { wall };
}

/** Incidents no longer come in: the pictures may still run, but nothing new would be turned to. */
function tellStale(element, state, silence) {
  if (state === "expired") return signIn();
  element.hidden = silence <= STALE_MS;
  if (!element.hidden) text(element, `${t("Not live")} · ${t("%(s)s s ago", { s: age(silence) })}`);
}

function signIn() {
  location.assign(`/login/?next=${encodeURIComponent(location.pathname + location.search)}&expired=1`);
}

async function start() {
  try {
    const [me] = await Promise.all([get("me"), loadPreferences()]);
    const query = new URLSearchParams(location.search);
    const may = (action) => me.actions.includes(action);
    return query.get("view") === "wall" ? await showWall(me, may) : await showCamera(Number(query.get("camera")), may);
  } catch (error) {
    if (error.status === 401 || error.status === 403) return signIn();
    say(error.message);
    setTimeout(start, RETRY_MS);
  }
}

start();
