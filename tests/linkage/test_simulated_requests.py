"""Agencies open cases of their own: each service's envelope is right, sent in order until answered, and answered to."""

import asyncio
import json
import random
import re
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from django.utils import timezone

from incidents.reports import understand
from linkage.feeds import FEEDS
from linkage.simulators.caseload import OwnCase
from linkage.simulators.geometry import Point, metres_between
from linkage.simulators.services import DAEJEON, SERVICES, Ground, share_of
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.linkage.simulated import (
    OTHER_SECRET,
    SECRET,
    AgenciesProcess,
    eventually,
    free_port,
    message,
    sender_to,
    serving,
    signed_headers,
)

SEJONG = Point(36.48, 127.289)
EXTRA = {
    "police112": {"code_112", "type_112", "caller_tel_masked", "suspect_desc", "patrol_id"},
    "fire119": {"vehicle_ids", "station", "traffic", "alley_width_m", "hazards"},
    "disaster": {"disaster_type", "alert_stage", "area_polygon", "camera_group"},
    "justice": {"subject_id", "violation_code", "track", "victim_alert"},
    "carrier": {"subject_type", "guardian_tel", "track"},
    "security": {"company", "site_id"},
    "ministry": {"camera_search"},
}


def write_installation(directory, base_url):
    directory.mkdir(parents=True, exist_ok=True)
    agencies = {slug: {"secret": SECRET, "municipality": "30000", "key": f"key-of-{slug}"} for slug in SERVICES}
    document = {"base_url": base_url, "agencies": agencies, "feeds": {}, "municipality": "30000", "seed": 20181}
    (directory / "simulators.json").write_text(json.dumps(document))


def normalised(envelope):
    """The event the centre makes of it; raises where an envelope is not as the contract has it."""
    return understand(FEEDS["agency_request"].normalise(envelope), timezone.now())


class Centre:
    """The little of ocenter that agencies speak to: keeps every arrival and answers it once its mood is good."""

    def __init__(self):
        self.arrivals, self.moods, self.asked = [], [], []

    async def take(self, request):
        envelope = await request.json()
        self.arrivals.append((request.headers["Authorization"], envelope))
        if self.moods:
            return web.Response(status=self.moods.pop(0))
        return web.json_response({"incident_no": "30000-1", "grant_id": None, "status": "accepted"}, status=202)

    async def ask(self, request):
        self.asked.append(request.path)
        return web.json_response({"incidents": [{"grade": "G1"}, {"grade": "G2"}, {"grade": "G2"}], "more": False})

    def of(self, number):
        """The envelopes of a case, repeats left out, in the order they first came."""
        found = {one["msg_id"]: one for _, one in self.arrivals if one["source_event_no"] == number}
        return list(found.values())


@asynccontextmanager
async def running_centre(port):
    centre = Centre()
    app = web.Application()
    app.router.add_post("/api/v1/feeds/agency_request", centre.take)
    app.router.add_get("/api/v1/{what}", centre.ask)
    async with serving(app, port):
        yield centre


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def agencies(tmp_path_factory, port):
    directory = tmp_path_factory.mktemp("requests")
    write_installation(directory, f"http://127.0.0.1:{port}")
    running = AgenciesProcess(directory, "--cases-per-minute", 0, "--speed", 200).start()
    yield running
    running.stop()


@pytest.fixture
async def centre(port):
    async with running_centre(port) as found:
        yield found


@pytest.fixture
async def sender(agencies):
    async with sender_to(agencies.url) as sender:
        yield sender


async def open_case(sender, slug):
    async with sender.session.post(f"{sender.url}/{slug}/cases", json={}) as answer:
        assert answer.status == 202
        return (await answer.json())["source_event_no"]


async def state(sender, slug):
    async with sender.session.get(f"{sender.url}/{slug}/state") as answer:
        return await answer.json()


async def case_of(sender, slug, number):
    return next(one for one in (await state(sender, slug))["own"] if one["number"] == number)


def script(slug, n, ground=None):
    """The messages of a case as they would be sent."""
    steps = SERVICES[slug].script(random.Random(n), ground or Ground())
    own = {"source_org": slug, "source_event_no": f"{slug}-{n}", "callback_url": "http://127.0.0.1:9/status"}
    case = OwnCase(f"{slug}-{n}", [vars(step) for step in steps], 0.0, own)
    messages = []
    while case.steps:
        messages.append(case.take_step())
    return [one.body for one in messages if one.type != "ASK"]


class TestScripts:
    @pytest.mark.parametrize("slug", SERVICES)
    def test_every_message_of_every_service_is_a_right_envelope(self, slug):
        for n in range(60):
            sent = script(slug, n)
            assert [one["msg_type"] for one in sent][0] == "NEW" and sent[-1]["msg_type"] in ("CLOSE", "CANCEL")
            assert {one["msg_type"] for one in sent[1:-1]} <= {"UPDATE"}
            events = [normalised(one) for one in sent]
            assert len({one.source_id for one in events}) == len(sent) and {one.subject for one in events} == {f"{slug}-{n}"}
            if sent[-1]["msg_type"] == "CLOSE":
                assert EXTRA[slug] <= set(sent[-1])

    def test_the_same_draw_is_the_same_case(self):
        still = [{name: value for name, value in one.items() if name not in ("occurred_at", "track")} for one in script("carrier", 3)]
        again = [{name: value for name, value in one.items() if name not in ("occurred_at", "track")} for one in script("carrier", 3)]
        assert still == again

    def test_justice_knows_its_four_conditions_alone(self):
        assert {script("justice", n)[0]["event_code"] for n in range(100)} == {"JUS-01", "JUS-02", "JUS-03", "JUS-04"}

    def test_most_alarms_of_guarded_sites_are_false(self):
        ends = Counter(script("security", n)[-1]["msg_type"] for n in range(400))
        assert 0.78 < ends["CANCEL"] / 400 < 0.92

    def test_a_company_has_no_legal_basis_and_everybody_else_one(self):
        for slug in SERVICES:
            assert bool(script(slug, 1)[0].get("legal_basis")) == (slug != "security")

    def test_who_is_located_leaves_a_track_that_moves_believably(self):
        for n in range(20):
            track = script("carrier", n)[-2]["track"]
            points = [Point(one["lat"], one["lon"]) for one in track]
            assert len(points) == 6
            steps = [metres_between(a, b) for a, b in zip(points, points[1:], strict=False)]
            assert all(5 < step < 600 for step in steps)

    def test_a_patrol_comes_from_its_station_and_arrives(self):
        sent = next(script("police112", n) for n in range(20) if len(script("police112", n)) == 5)
        at = [Point(**one["patrol"]) for one in sent[1:4]]
        scene = Point(sent[0]["lat"], sent[0]["lon"])
        away = [metres_between(one, scene) for one in at]
        assert away[0] > away[1] > away[2] == 0

    @pytest.mark.parametrize("centre", [DAEJEON, SEJONG])
    def test_cases_happen_in_the_agencys_own_city(self, centre):
        for slug in SERVICES:
            sent = script(slug, 5, Ground(centre))[0]
            assert metres_between(Point(sent["lat"], sent["lon"]), centre) < 15_000

    def test_shares_add_up_and_the_second_city_calls_less(self):
        assert sum(map(share_of, SERVICES)) == pytest.approx(1)
        assert share_of("other-police112") == pytest.approx(share_of("police112") / 5)
        assert share_of("somebody") == 0


class TestCases:
    @pytest.mark.parametrize("slug", SERVICES)
    async def test_a_case_is_told_from_opening_to_end_under_the_agencys_key(self, sender, centre, slug):
        number = await open_case(sender, slug)
        await eventually(lambda: [one for one in centre.of(number) if one["msg_type"] in ("CLOSE", "CANCEL")])
        sent = centre.of(number)
        assert sent[0]["msg_type"] == "NEW"
        assert [normalised(one).source_id for one in sent] == sorted(one["msg_id"] for one in sent)
        assert {key for key, one in centre.arrivals if one["source_event_no"] == number} == {f"Bearer key-of-{slug}"}
        assert sent[0]["callback_url"] == f"{sender.url}/{slug}/cases/{number}/status"

        async def all_answered():
            case = await case_of(sender, slug, number)
            return case["ended"] and all(one["outcome"] in ("200", "202") for one in case["messages"]) and case

        case = await eventually(all_answered)
        answers = [one["answer"] for one in case["messages"] if one["type"] == "NEW"]
        assert answers == [{"incident_no": "30000-1", "grant_id": None, "status": "accepted"}]
        if slug == "ministry":
            figures = [one["answer"] for one in case["messages"] if one["type"] == "ASK"]
            assert figures[1] == {"what": "사건 통계", "count": 3, "grades": {"G1": 1, "G2": 2}}

    async def test_a_message_is_sent_again_until_it_is_answered_and_the_next_waits(self, sender, centre):
        centre.moods = [503, 429, 500]
        number = await open_case(sender, "justice")
        await eventually(lambda: [one for one in centre.of(number) if one["msg_type"] == "CLOSE"], seconds=25)
        ids = [one["msg_id"] for _, one in centre.arrivals if one["source_event_no"] == number]
        assert ids[:4] == [ids[0]] * 4
        assert ids[3:] == sorted(set(ids))

    async def test_a_refusal_is_final_and_kept(self, sender, centre):
        centre.moods = [403]
        number = await open_case(sender, "security")

        async def refused():
            return (await case_of(sender, "security", number))["messages"][0]["outcome"] == "refused 403"

        await eventually(refused)
        assert [one["msg_id"] for _, one in centre.arrivals if one["source_event_no"] == number].count(f"{number}-1") == 1

    async def test_what_is_owed_and_what_is_to_come_survives_kill_9(self, tmp_path):
        port = free_port()
        write_installation(tmp_path, f"http://127.0.0.1:{port}")
        agencies = AgenciesProcess(tmp_path, "--cases-per-minute", 0, "--speed", 20).start()
        try:
            async with sender_to(agencies.url) as sender:
                numbers = [await open_case(sender, "carrier") for _ in range(5)]  # nobody answers yet
                await asyncio.sleep(0.5)
            agencies.kill()
            agencies.start()
            async with running_centre(port) as centre:
                await eventually(lambda: all(len(centre.of(number)) == 7 for number in numbers), seconds=40)
                for number in numbers:
                    assert [one["msg_type"] for one in centre.of(number)] == ["NEW", *["UPDATE"] * 5, "CLOSE"]
                    assert len(centre.of(number)[-1]["track"]) == 7
        finally:
            agencies.stop()

    async def test_a_rate_opens_cases_by_itself_and_zero_ends_it(self, sender, centre):
        url = f"{sender.url}/fire119/caseload"
        for wrong in (-1, "many", None, True, 601):
            async with sender.session.put(url, json={"per_minute": wrong}) as answer:
                assert answer.status == 400
        async with sender.session.put(url, json={"per_minute": 0}) as answer:
            assert (await answer.json()) == {"per_minute": 0}

    async def test_a_foreign_page_cannot_open_a_case(self, sender):
        async with sender.session.post(f"{sender.url}/carrier/cases", data={"a": "b"}) as answer:
            assert answer.status == 415
        async with sender.session.post(f"{sender.url}/nobody/cases", json={}) as answer:
            assert answer.status == 404


class TestStatuses:
    async def report(self, sender, slug, number, key, status, *, secret=SECRET, **more):
        body = {"source_event_no": number, "status": status, "result_code": None, "at": "2026-11-23T13:00:00+09:00", **more}
        raw = json.dumps(body).encode()
        url = f"{sender.url}/{slug}/cases/{number}/status"
        async with sender.session.post(url, data=raw, headers=signed_headers(key, raw, secret=secret)) as answer:
            return answer.status

    async def test_each_is_kept_once_and_repeats_are_counted(self, sender, centre):
        number = await open_case(sender, "justice")
        for key, status in (("s-1", "RECEIVED"), ("s-1", "RECEIVED"), ("s-2", "DISPATCHED")):
            assert await self.report(sender, "justice", number, key, status) == 204
        heard = (await case_of(sender, "justice", number))["heard"]
        assert [(one["status"], one["received"]) for one in heard] == [("RECEIVED", 2), ("DISPATCHED", 1)]

    async def test_what_is_not_right_is_refused(self, sender, centre):
        number = await open_case(sender, "justice")
        assert await self.report(sender, "justice", number, "x-1", "RECEIVED", secret=OTHER_SECRET) == 401
        assert await self.report(sender, "justice", number, "x-1", "DANCING") == 422
        assert await self.report(sender, "justice", number, "x-1", "CLOSED", source_event_no="another") == 422
        assert await self.report(sender, "justice", "MOJ-none-1", "x-1", "RECEIVED") == 404
        assert (await case_of(sender, "justice", number))["heard"] == []


class TestSecondEndpoint:
    @pytest.fixture(autouse=True)
    async def well(self, sender):
        yield
        for way in ("", "/second"):
            await self.fault(sender, way, "none")

    async def fault(self, sender, way, mode):
        async with sender.session.put(f"{sender.url}/disaster{way}/faults", json={"mode": mode}) as answer:
            assert answer.status == 200

    async def test_both_ways_lead_to_one_ledger_and_one_effect(self, sender):
        body = message(1, relay="two-ways")
        first = await sender.relay("disaster", "two-ways", body)
        assert await sender.relay("disaster/second", "two-ways", body) == first
        (held,) = [one for one in await sender.ledger("disaster") if one["key"] == "two-ways"]
        assert (len(held["messages"]), held["received"]) == (1, 2)
        assert (await state(sender, "disaster"))["requests"]["second"] >= 1

    async def test_each_way_has_faults_of_its_own(self, sender):
        await self.fault(sender, "", "reject")
        assert (await sender.send("disaster", "own-faults", message(2, relay="own-faults")))[0] == 422
        await sender.relay("disaster/second", "own-faults", message(2, relay="own-faults"))
        await self.fault(sender, "/second", "redirect")
        assert (await sender.send("disaster/second", "own-faults", message(2, relay="own-faults")))[0] == 307
        async with sender.session.post(f"{sender.url}/disaster/second/elsewhere") as answer:
            assert answer.status == 202

    async def test_busy_asks_to_come_back_and_slow_answers_in_time(self, sender):
        await self.fault(sender, "", "busy")
        raw = json.dumps(message(3, relay="busy")).encode()
        async with sender.session.post(f"{sender.url}/disaster/incidents", data=raw, headers=signed_headers("busy", raw)) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
        assert not [one for one in await sender.ledger("disaster") if one["key"] == "busy"]
        await self.fault(sender, "", "slow")
        began = time.monotonic()
        assert await sender.relay("disaster", "slow", message(3, relay="slow"))
        assert 2.5 < time.monotonic() - began < 8


HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=1</script>'


class TestPages:
    def test_pages_carry_no_data_and_allow_nothing_from_elsewhere(self, agencies):
        for path in ("/", "/police112/", "/pages/agency.js", "/pages/agency.css"):
            with urllib.request.urlopen(agencies.url + path) as answer:
                text = answer.read().decode()
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
                assert not re.search(r"""(src|href|fetch\()\s*=?\s*["']?https?:""", text)
                assert "innerHTML" not in text and "<script>" not in text

    @pytest.mark.parametrize("path", ["/nobody/", "/nobody/state", "/pages/secret.py", "/pages/..%2fagency.py", "/%3Cscript%3E/"])
    def test_what_is_not_there_is_not_found(self, agencies, path):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(agencies.url + path)
        assert refused.value.code == 404 and b"<script>" not in refused.value.read()

    @pytest.mark.browser
    def test_hostile_text_stays_text_and_controls_work(self, agencies):
        if CHROMIUM is None:
            pytest.skip("no Chromium on PATH: apt-get install chromium, or set CHROMIUM")
        from playwright.sync_api import sync_playwright

        body = message(7, relay="hostile")
        body["incident"] |= {"number": HOSTILE, "code": HOSTILE}
        self.relay(agencies, "hostile", body)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = browser.new_page()
            elsewhere, errors = [], []
            page.on("request", lambda request: elsewhere.append(request.url) if not request.url.startswith(agencies.url) else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(f"{agencies.url}/ministry/")
            page.get_by_text(HOSTILE).first.wait_for(timeout=10_000)
            assert page.locator("main img, main script").count() == 0 and page.title() != "1"
            page.get_by_role("button", name="English").click()
            assert "SIMULATED" in page.locator("header").inner_text()
            page.select_option("#second-mode", "busy")
            page.locator("button[data-way=second]").click()
            page.wait_for_function("document.getElementById('said').textContent === 'applied'", timeout=10_000)
            assert page.locator("#second-mode").input_value() == "busy"
            browser.close()
        with urllib.request.urlopen(f"{agencies.url}/ministry/second/faults") as answer:
            assert json.load(answer)["mode"] == "busy"
        assert (elsewhere, errors) == ([], [])

    def relay(self, agencies, key, body):
        raw = json.dumps(body).encode()
        request = urllib.request.Request(f"{agencies.url}/ministry/incidents", raw, signed_headers(key, raw))
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 202


async def test_a_silent_city_has_no_callers(tmp_path):
    write_installation(tmp_path, "http://127.0.0.1:9")
    for environment, expected in (({"OCENTER_CITY_RATE": "0"}, 0), ({"OCENTER_CITY_RATE": "6"}, 0.1 * share_of("carrier"))):
        agencies = AgenciesProcess(tmp_path)
        agencies.environment = environment
        agencies.start()
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{agencies.url}/carrier/caseload") as answer:
                assert (await answer.json())["per_minute"] == pytest.approx(expected)
        finally:
            agencies.stop()


def test_numbers_never_repeat_even_where_a_ledger_is_begun_anew(tmp_path):
    import sqlite3

    from linkage.simulators import casebook

    seen = defaultdict(set)
    for name in ("one", "two"):
        db = sqlite3.connect(tmp_path / name)
        db.executescript(casebook.SCHEMA)
        seen[name] = {casebook.next_number(db) for _ in range(3)}
        assert {count for _, count in seen[name]} == {1, 2, 3}
    assert not seen["one"] & seen["two"]
