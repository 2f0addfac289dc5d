/** The health page: asks every five seconds how everything is, and says when it could not. */
import { get } from "./api.js";
import { learn, now } from "./clock.js";
import { h, icon, text } from "./dom.js";
import { age, dateTime, span } from "./format.js";
import { HealthTables } from "./health-tables.js";
import { named, t, tn } from "./i18n.js";
import { byWorst, stateIcon, stateWord, troubled } from "./standing.js";
import { bindTheme } from "./theme.js";

const EVERY_MS = 5000;
const STALE_MS = 12000;
const boot = JSON.parse(document.getElementById("boot").textContent);
const element = (id) => document.getElementById(id);
const tables = new HealthTables({ place: element("links"), parts: element("parts"), boot });
let report = null;
let heardAt = 0;

function verdict(links) {
  const bad = byWorst(links).filter(troubled);
  const words = bad.length ? `${tn("%(count)s link needs a look", "%(count)s links need a look", bad.length)}: ${bad.slice(0, 4).map((one) => `${named(one.name)} (${stateWord(one.state)})`).join(", ")}${bad.length > 4 ? " …" : ""}` : t("No link is in trouble.");
  if (element("verdict").dataset.words === words) return;
  element("verdict").dataset.words = words;
  element("verdict").className = `verdict ${bad.length ? "bad" : "good"}`;
  element("verdict").replaceChildren(icon(bad.length ? stateIcon(bad[0].state) : "circle-check"), h("span", {}, words));
}

function freshness() {
  const silence = Date.now() - heardAt;
  const state = !heardAt ? "connecting" : silence > STALE_MS ? "stale" : "live";
  element("freshness").dataset.state = state;
  const words = heardAt ? t("%(s)s s ago", { s: age(silence) }) : t("Connecting…");
  text(element("freshness").lastElementChild, state === "live" ? `${t("Refreshes itself")} · ${words}` : words);
  element("lost").hidden = state !== "stale";
  if (state === "stale") text(element("lost"), t("No answer for %(time)s. What is shown is as old as that; asking again.", { time: span(silence) }));
}

function draw() {
  freshness();
  if (report) tables.show(report, now());
}

async function ask() {
  try {
    const fresh = await get("health");
    learn(fresh.at);
    [report, heardAt] = [fresh, Date.now()];
    verdict(report.links);
    text(element("taken"), dateTime(report.at));
    draw();
  } catch (error) {
    if (error.status === 401 || error.status === 403) location.assign("/login/?next=/health/&expired=1");
  }
  setTimeout(ask, EVERY_MS);
}

bindTheme(element("theme"));
setInterval(draw, 1000);
ask();
