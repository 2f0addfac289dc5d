"""What ocenter hears about a relay: every step in order, signed, a unit that comes nearer, through restarts."""

import asyncio
import random

import pytest

from linkage.simulators.cases import ON_SITE_SECONDS, THINKING_SECONDS, TURN_OUT_SECONDS
from linkage.simulators.geometry import Point, metres_between
from linkage.simulators.units import drive_seconds, route
from tests.linkage.simulated import (
    DAEJEON,
    SLUGS,
    AgenciesProcess,
    callback_receiver,
    eventually,
    message,
    sender_to,
    write_installation,
)

HERE = Point(**DAEJEON)
PACE = 20
WHOLE_STORY = ["accepted", "dispatched", "arrived", "closed"]


@pytest.fixture(scope="module")
def agencies(tmp_path_factory):
    directory = tmp_path_factory.mktemp("cases")
    write_installation(directory)
    running = AgenciesProcess(directory, "--speed", PACE).start()
    yield running
    running.stop()


@pytest.fixture
async def sender(agencies):
    async with sender_to(agencies.url) as sender:
        yield sender
        for slug in SLUGS:
            await set_pace(sender, slug, PACE)


@pytest.fixture
async def ocenter():
    async with callback_receiver() as receiver:
        yield receiver


def relay_to(ocenter, relay, kind="create", **incident):
    return message(1, kind, relay=relay, callback_url=f"{ocenter.url}/relays/{relay}/status", **incident)


async def set_pace(sender, slug, speed):
    async with sender.session.put(f"{sender.url}/{slug}/pace", json={"speed": speed}) as answer:
        assert await answer.json() == {"speed": speed}


@pytest.mark.parametrize("slug", ["fire119", "police112"])
async def test_a_unit_drives_to_the_incident_and_every_step_is_told(sender, ocenter, slug):
    await sender.relay(slug, "story", relay_to(ocenter, "story"))
    await ocenter.until(lambda: "closed" in ocenter.statuses("story"))
    assert ocenter.statuses("story") == WHOLE_STORY
    assert ocenter.refused == 0
    accepted, *driving, arrived, closed = ocenter.of("story")
    assert "unit" not in accepted
    assert len(driving) >= 2
    etas = [report["eta_s"] for report in driving]
    distances = [metres_between(Point(r["lat"], r["lon"]), HERE) for r in driving]
    assert etas == sorted(etas, reverse=True)
    assert distances[0] > distances[-1] > 0
    assert (arrived["lat"], arrived["lon"]) == HERE
    assert len({report["unit"] for report in [*driving, arrived, closed]}) == 1
    assert closed["result_code"].startswith("RC-0")
    assert all(report["at"].endswith("+09:00") for report in ocenter.of("story"))


def test_at_demo_pace_a_unit_arrives_within_ninety_seconds():
    far = route(Point(36.28, 127.30), Point(36.45, 127.48), random.Random(1))
    longest = THINKING_SECONDS[1] + TURN_OUT_SECONDS[1] + drive_seconds(far, random.Random(1))
    assert longest < 85
    assert ON_SITE_SECONDS[0] > 20


async def test_the_disaster_room_accepts_and_waits(sender, ocenter):
    await set_pace(sender, "disaster", 200)
    await sender.relay("disaster", "room", relay_to(ocenter, "room"))
    await ocenter.until(lambda: ocenter.of("room"))
    await asyncio.sleep(0.5)
    assert ocenter.statuses("room") == ["accepted"]


async def test_an_incident_without_a_place_is_still_worked_off(sender, ocenter):
    await set_pace(sender, "fire119", 100)
    await sender.relay("fire119", "nowhere", relay_to(ocenter, "nowhere", lat=None, lon=None))
    await ocenter.until(lambda: "closed" in ocenter.statuses("nowhere"))
    assert ocenter.statuses("nowhere") == WHOLE_STORY
    assert all("lat" not in report for report in ocenter.of("nowhere"))


@pytest.mark.parametrize(("kind", "status"), [("cancel", "cancelled"), ("close", "closed")])
async def test_a_cancel_or_close_stops_the_unit(sender, ocenter, kind, status):
    relay = f"stopped-by-{kind}"
    await sender.relay("fire119", relay, relay_to(ocenter, relay))
    await ocenter.until(lambda: "dispatched" in ocenter.statuses(relay))
    await sender.relay("fire119", f"{relay}-2", relay_to(ocenter, relay, kind))
    await ocenter.until(lambda: status in ocenter.statuses(relay))
    told = len(ocenter.of(relay))
    await asyncio.sleep(1)
    assert len(ocenter.of(relay)) == told
    assert ocenter.statuses(relay) == ["accepted", "dispatched", status]


async def test_a_cancel_that_overtakes_its_create_keeps_the_unit_home(sender, ocenter):
    await sender.relay("fire119", "early-2", relay_to(ocenter, "early", "cancel"))
    await sender.relay("fire119", "early-1", relay_to(ocenter, "early"))
    await ocenter.until(lambda: ocenter.of("early"))
    await asyncio.sleep(1)
    assert ocenter.statuses("early") == ["cancelled"]


async def test_an_update_sends_the_unit_to_the_new_place(sender, ocenter):
    await set_pace(sender, "fire119", 5)
    await sender.relay("fire119", "moved", relay_to(ocenter, "moved"))
    await ocenter.until(lambda: "dispatched" in ocenter.statuses("moved"))
    moved = {"lat": 36.3324, "lon": 127.4342}
    await sender.relay("fire119", "moved-2", relay_to(ocenter, "moved", "update", **moved))
    await set_pace(sender, "fire119", 100)
    await ocenter.until(lambda: "arrived" in ocenter.statuses("moved"))
    (arrived,) = [report for report in ocenter.of("moved") if report["status"] == "arrived"]
    assert {"lat": arrived["lat"], "lon": arrived["lon"]} == moved


async def test_a_faster_pace_hurries_what_is_under_way(sender, ocenter):
    await set_pace(sender, "fire119", 0.05)
    await sender.relay("fire119", "slow", relay_to(ocenter, "slow"))
    await asyncio.sleep(0.3)
    assert ocenter.of("slow") == []
    await set_pace(sender, "fire119", 100)
    await ocenter.until(lambda: "closed" in ocenter.statuses("slow"))


async def test_callbacks_are_repeated_with_one_id_until_answered(sender, ocenter):
    ocenter.answers = [503, 429]
    await sender.relay("disaster", "again", relay_to(ocenter, "again"))
    await ocenter.until(lambda: ocenter.of("again"))
    assert ocenter.answers == []
    assert [report["webhook_id"] for report in ocenter.of("again")] == ["again.accepted"]


async def test_a_refused_callback_ends_and_the_next_steps_are_told(sender, ocenter):
    ocenter.answers = [409]
    await set_pace(sender, "fire119", 100)
    await sender.relay("fire119", "refused", relay_to(ocenter, "refused"))
    await ocenter.until(lambda: "closed" in ocenter.statuses("refused"))
    assert ocenter.statuses("refused") == ["dispatched", "arrived", "closed"]


async def test_a_strange_address_is_never_called(sender, ocenter):
    stranger = relay_to(ocenter, "stranger") | {"callback_url": "http://192.0.2.7/relays/stranger/status"}
    await sender.relay("justice", "stranger", stranger)

    async def settled():
        async with sender.session.get(f"{sender.url}/justice/state") as answer:
            counts = (await answer.json())["counts"]
        names = ("entries", "received", "open_cases", "callbacks_owed")
        return [counts[name] for name in names] == [1, 1, 1, 0]

    await eventually(settled)


async def test_cases_and_callbacks_survive_kill_9(agencies, ocenter):
    async with sender_to(agencies.url) as sender:
        for n in range(20):
            await sender.relay("fire119", f"kill-{n}", relay_to(ocenter, f"kill-{n}"))
        for _ in range(3):
            told = len(ocenter.reports)
            await ocenter.until(lambda told=told: len(ocenter.reports) > told + 5)
            agencies.kill()
            agencies.start()
    relays = [f"kill-{n}" for n in range(20)]
    await ocenter.until(lambda: all("closed" in ocenter.statuses(relay) for relay in relays), seconds=40)
    for relay in relays:
        # The step a kill fell on may be told twice, with its first id; the order is never upset.
        assert sorted(ocenter.statuses(relay), key=WHOLE_STORY.index) == ocenter.statuses(relay)
        ids = {report["webhook_id"] for report in ocenter.of(relay)}
        assert {f"{relay}.{status}" for status in WHOLE_STORY} <= ids


async def test_callbacks_owed_while_ocenter_is_away_come_later(sender, unused_tcp_port):
    url = f"http://127.0.0.1:{unused_tcp_port}/relays/away/status"
    await sender.relay("disaster", "away", message(1, relay="away", callback_url=url))
    await asyncio.sleep(1)
    async with callback_receiver(unused_tcp_port) as ocenter:
        await ocenter.until(lambda: ocenter.of("away"))
        assert ocenter.statuses("away") == ["accepted"]
