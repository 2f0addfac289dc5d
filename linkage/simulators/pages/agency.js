// An agency's page: what it holds, asked for every second and written as text, never as markup.

const WORDS = {
  ko: {
    simulated: "모의 기관 — 실제 기관이 아닙니다", all: "모든 모의 기관", language: "English",
    relays: "관제센터에서 받은 중계", own: "직접 연 사건 · 영상 요청", map: "현장과 출동", controls: "장애·속도 조작",
    legend: "◆ 중계받은 현장  ● 출동 유닛  ■ 직접 연 사건", first: "주 엔드포인트 장애", second: "보조 엔드포인트 장애",
    apply: "적용", pace: "진행 속도 (배)", rate: "사건/분", open_case: "지금 사건 1건 열기", live: "실시간", lost: "연결 끊김",
    entries: "적용된 메시지", received: "도착(중복 포함)", open_cases: "진행 중 중계", callbacks_owed: "미전송 회신",
    own_cases: "연 사건", own_open: "진행 중 사건", messages_owed: "미전송 전문", statuses_heard: "받은 상태 통보",
    first_requests: "주 경로 요청", second_requests: "보조 경로 요청", followed_redirects: "따라간 리다이렉트",
    incident: "사건", messages: "메시지·접수번호", state: "상태", unit: "유닛", callbacks: "회신",
    number: "사건번호", what: "내용", sent: "보낸 전문", video: "영상 요청 → 답", heard: "받은 상태",
    none: "아직 없습니다.", times: "회 도착", eta: "초 후 도착", opened: "열림", pending: "승인 대기", denied: "거부", waiting: "대기 중",
    no_basis: "법적 근거 없음", no_case: "이 기관은 사건을 열지 않습니다", no_request: "요청 없음", failed: "실패", done: "적용됨",
  },
  en: {
    simulated: "SIMULATED — not a real agency", all: "All simulated agencies", language: "한국어",
    relays: "Relays received from the centre", own: "Cases opened here · video requests", map: "Scenes and units", controls: "Faults and pace",
    legend: "◆ scene of a relay  ● unit  ■ case of its own", first: "First endpoint's fault", second: "Second endpoint's fault",
    apply: "Apply", pace: "Pace (times)", rate: "Cases a minute", open_case: "Open a case now", live: "live", lost: "connection lost",
    entries: "messages in effect", received: "arrivals, repeats too", open_cases: "open relays", callbacks_owed: "callbacks owed",
    own_cases: "cases opened", own_open: "own cases open", messages_owed: "messages owed", statuses_heard: "statuses heard",
    first_requests: "by the first endpoint", second_requests: "by the second endpoint", followed_redirects: "followed redirects",
    incident: "incident", messages: "messages, receipts", state: "state", unit: "unit", callbacks: "callbacks",
    number: "number", what: "what", sent: "messages sent", video: "video asked → answer", heard: "statuses heard",
    none: "None yet.", times: "arrivals", eta: "s to arrive", opened: "opened", pending: "pending a grant", denied: "denied", waiting: "waiting",
    no_basis: "no legal basis", no_case: "this agency opens no cases", no_request: "not asked", failed: "failed", done: "applied",
  },
};

let language = localStorage.getItem("language") === "en" ? "en" : "ko";
let last = null;
const at = (id) => document.getElementById(id);
const word = (name) => WORDS[language][name] ?? name;
const clock = (iso) => (iso ? iso.slice(11, 19) : "");

/** An element with text and children; every text becomes a text node. */
function make(tag, classes = "", ...content) {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  element.append(...content.filter((one) => one !== null).map((one) => (one instanceof Node ? one : String(one))));
  return element;
}

function table(id, heads, rows) {
  const head = make("thead", "", make("tr", "", ...heads.map((name) => make("th", "", word(name)))));
  const nothing = make("td", "empty", word("none"));
  nothing.colSpan = heads.length;
  const empty = make("tr", "", nothing);
  at(id).replaceChildren(head, make("tbody", "", ...(rows.length ? rows : [empty])));
}

const chip = (kind, ...text) => make("span", `chip ${kind}`, ...text);
const outcome = (text) => (text === null ? "wait" : /^2/.test(text) ? "ok" : "bad");

function relayRow(relay) {
  const messages = relay.messages.map((one) => make("div", "", chip("", one.message), make("code", "", one.receipt),
    make("small", "", ` ${clock(one.at)} · ${one.received} ${word("times")}`)));
  const unit = relay.unit ? make("div", "", relay.unit) : null;
  const eta = relay.eta_s === null ? null : make("small", "", `${relay.eta_s} ${word("eta")}`);
  const callbacks = relay.callbacks.map((one) => chip(outcome(one.outcome), one.status));
  return make("tr", relay.ended ? "ended" : "", make("td", "", relay.incident, make("div", "dim", relay.code)),
    make("td", "", ...messages), make("td", "", relay.phase || "–"), make("td", "", unit, eta), make("td", "", ...callbacks));
}

/** What ocenter said of an envelope: the incident it became, and what came of the video. */
function answerOf(own) {
  const first = own.messages.find((one) => one.type === "NEW");
  const body = first?.answer && typeof first.answer === "object" ? first.answer : {};
  return { incident: body.incident_no ?? null, grant: body.grant_id ?? null, video: body.video ?? null, status: body.status ?? null };
}

function videoCell(own) {
  const { request, legal_basis: basis } = own.envelope;
  const asked = own.messages.filter((one) => one.type === "ASK" && one.answer).map((one) => {
    const { what, count, grades } = one.answer;
    const parts = Object.entries(grades ?? {}).map(([grade, n]) => `${grade} ${n}`).join(", ");
    return make("div", "", `${what}: ${count ?? "–"}${parts ? ` (${parts})` : ""}`);
  });
  if (!request) return make("td", "dim", ...asked, word("no_request"));
  const { grant, video } = answerOf(own);
  const said = grant ?? video?.status ?? word("waiting");
  const reason = video?.reason ? ` — ${video.reason}` : "";
  const cameras = Array.isArray(video?.cameras) ? make("div", "dim", `${video.cameras.length} cam`) : null;
  return make("td", "", make("div", "dim", `${request.radius_m} m · ${request.max_cams} cam · ${basis ?? word("no_basis")}`),
    chip(grant ? "ok" : video?.status === "denied" ? "bad" : "wait", word(said)), reason, cameras, ...asked);
}

function ownRow(own) {
  const { incident } = answerOf(own);
  const sent = own.messages.map((one) => chip(outcome(one.outcome), `${one.type}${one.tries > 1 ? ` ×${one.tries}` : ""}`));
  const heard = own.heard.map((one) => chip("ok", `${one.status}${one.received > 1 ? ` ×${one.received}` : ""}`, one.result_code ? ` ${one.result_code}` : ""));
  const { event_code: code, grade, summary } = own.envelope;
  return make("tr", own.ended ? "ended" : "", make("td", "", own.number, make("div", "dim", incident ?? clock(own.opened_at))),
    make("td", "", make("div", "", `${code ?? ""} ${grade ?? ""}`), make("div", "summary", summary ?? "")),
    make("td", "", ...sent), videoCell(own), make("td", "", ...heard));
}

const SVG = "http://www.w3.org/2000/svg";
function shape(tag, classes, attributes, text = "") {
  const element = document.createElementNS(SVG, tag);
  element.setAttribute("class", classes);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  return element;
}

/** From degrees to the picture: all points inside, at least a kilometre and a half wide. */
function projection(points) {
  const lats = points.map((p) => p[0]), lons = points.map((p) => p[1]);
  const middle = [(Math.min(...lats) + Math.max(...lats)) / 2, (Math.min(...lons) + Math.max(...lons)) / 2];
  const squeeze = Math.cos((middle[0] * Math.PI) / 180);
  const span = Math.max(0.0135, (Math.max(...lats) - Math.min(...lats)) * 1.25, (Math.max(...lons) - Math.min(...lons)) * squeeze * 0.95);
  const to = ([lat, lon]) => [240 + ((lon - middle[1]) * squeeze * 360) / span, 180 - ((lat - middle[0]) * 360) / span];
  return { to, pixelsPerKm: 360 / span / 111.32 };
}

/** A line every kilometre, or every five where that would be a thicket, and what it measures. */
function grid(pixelsPerKm) {
  const km = pixelsPerKm > 40 ? 1 : 5, step = km * pixelsPerKm, lines = [];
  for (let x = 240 % step; x < 480; x += step) lines.push(shape("line", "grid", { x1: x, y1: 0, x2: x, y2: 360 }));
  for (let y = 180 % step; y < 360; y += step) lines.push(shape("line", "grid", { x1: 0, y1: y, x2: 480, y2: y }));
  return [...lines, shape("line", "scale", { x1: 12, y1: 348, x2: 12 + step, y2: 348 }), shape("text", "", { x: 12, y: 342 }, `${km} km`)];
}

/** A label beside a point: to its left where the picture ends. */
const label = (x, y, text) => shape("text", "", x > 340 ? { x: x - 9, y, "text-anchor": "end" } : { x: x + 9, y }, text);

function drawMap(state) {
  const relays = state.relays.filter((one) => !one.ended && one.place);
  const own = state.own.filter((one) => !one.ended && typeof one.envelope.lat === "number");
  const points = [...relays.flatMap((one) => [one.place, ...(one.at ? [one.at] : []), ...one.path]),
    ...own.flatMap((one) => [[one.envelope.lat, one.envelope.lon], ...ring(one), ...(one.envelope.patrol ? [[one.envelope.patrol.lat, one.envelope.patrol.lon]] : [])])];
  if (!points.length) return at("map").replaceChildren(shape("text", "", { x: 20, y: 30 }, word("none")));
  const { to, pixelsPerKm } = projection(points);
  const line = (path) => path.map((p) => to(p).map((n) => n.toFixed(1)).join(",")).join(" ");
  const shapes = grid(pixelsPerKm);
  for (const one of own) {
    if (ring(one).length) shapes.push(shape("polygon", "area", { points: line(ring(one)) }));
    const track = (one.envelope.track ?? []).map((p) => [p.lat, p.lon]);
    if (track.length > 1) shapes.push(shape("polyline", "track", { points: line(track) }));
    const [x, y] = to([one.envelope.lat, one.envelope.lon]);
    shapes.push(shape("rect", "own", { x: x - 5, y: y - 5, width: 10, height: 10 }), label(x, y - 6, one.number));
    if (one.envelope.patrol) shapes.push(dot(to([one.envelope.patrol.lat, one.envelope.patrol.lon])));
  }
  for (const one of relays) {
    if (one.path.length) shapes.push(shape("polyline", "path", { points: line(one.path) }));
    const [x, y] = to(one.place);
    shapes.push(shape("path", "place", { d: `M${x} ${y - 8}l8 8l-8 8l-8-8z` }));
    if (!one.at) continue;
    const [ux, uy] = to(one.at);
    shapes.push(dot([ux, uy]), label(ux, uy + 4, one.unit));
  }
  at("map").replaceChildren(...shapes);
}

const dot = ([x, y]) => shape("circle", "unit", { cx: x, cy: y, r: 6 });
const ring = (own) => (own.envelope.area_polygon?.coordinates?.[0] ?? []).map(([lon, lat]) => [lat, lon]);

function showTotals(state) {
  const totals = { ...state.counts, first_requests: state.requests.first, second_requests: state.requests.second, followed_redirects: state.followed_redirects };
  at("totals").replaceChildren(...Object.entries(totals).map(([name, n]) =>
    make("div", /owed/.test(name) && n ? "owed" : "", make("b", "", n), make("span", "", word(name)))));
}

function showControls(state) {
  for (const way of ["first", "second"]) {
    const select = at(`${way}-mode`), fault = state.faults[way];
    if (!select.options.length) select.append(...state.modes.map((mode) => make("option", "", mode)));
    if (document.activeElement === select || select.dataset.changed) continue;
    select.value = fault.mode;
    if (document.activeElement !== at(`${way}-rate`)) at(`${way}-rate`).value = fault.rate;
  }
  for (const [id, value] of [["pace", state.speed], ["rate", state.per_minute]]) {
    if (document.activeElement !== at(id) && !at(id).dataset.changed) at(id).value = Math.round(value * 1000) / 1000;
  }
  at("open-case").disabled = !state.opens_cases;
  at("open-case").title = state.opens_cases ? "" : word("no_case");
}

function show(state) {
  at("name").textContent = state.names[language];
  showTotals(state);
  table("relays", ["incident", "messages", "state", "unit", "callbacks"], state.relays.map(relayRow));
  table("own", ["number", "what", "sent", "video", "heard"], state.own.map(ownRow));
  drawMap(state);
  showControls(state);
}

function speak() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = word(element.dataset.t);
  at("language").textContent = word("language");
  if (last) show(last);
}

async function order(method, path, body) {
  const answer = await fetch(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const said = await answer.json();
  at("said").textContent = answer.ok ? (said.source_event_no ?? word("done")) : `${word("failed")}: ${said.detail ?? answer.status}`;
  await look();
}

function settle(...ids) {
  for (const id of ids) delete at(id).dataset.changed;
}

at("language").addEventListener("click", () => {
  language = language === "ko" ? "en" : "ko";
  localStorage.setItem("language", language);
  speak();
});
at("faults").addEventListener("submit", (event) => event.preventDefault());
at("faults").addEventListener("input", (event) => {
  event.target.dataset.changed = "1";
});
for (const button of document.querySelectorAll("button[data-way]")) {
  button.addEventListener("click", () => {
    const way = button.dataset.way;
    settle(`${way}-mode`, `${way}-rate`);
    const fault = { mode: at(`${way}-mode`).value, rate: Number(at(`${way}-rate`).value), seed: 0 };
    order("PUT", way === "first" ? "faults" : "second/faults", fault);
  });
}
at("set-pace").addEventListener("click", () => {
  settle("pace");
  order("PUT", "pace", { speed: Number(at("pace").value) });
});
at("set-rate").addEventListener("click", () => {
  settle("rate");
  order("PUT", "caseload", { per_minute: Number(at("rate").value) });
});
at("open-case").addEventListener("click", () => order("POST", "cases", {}));

async function look() {
  try {
    const answer = await fetch("state");
    last = await answer.json();
    show(last);
    at("connection").textContent = `● ${word("live")} ${clock(last.at)}`;
    at("connection").className = "ok";
  } catch {
    at("connection").textContent = `○ ${word("lost")}`;
    at("connection").className = "bad";
  }
}

speak();
await look();
setInterval(look, 1000);
