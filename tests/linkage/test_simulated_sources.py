"""The simulated sources behave like the services they stand for, and our formats read all they say."""

import asyncio
import json
from collections import defaultdict
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web

from incidents.reports import understand
from linkage.feeds import FEEDS, recognise
from linkage.feeds.base import Link
from linkage.feeds.fetching import Fetcher, NotFetched
from linkage.simulators import faults, sources
from linkage.simulators.sources_documents import DOCUMENTS, World
from linkage.simulators.sources_world import ROAD, happenings
from tests.linkage.simulated import serving

SEED = 20181
NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
NAMES = sorted(DOCUMENTS)


def told(name, now, query=None, rate=1.0, seed=SEED, **options):
    """What our format makes of the source's answer at that moment."""
    feed, link = FEEDS[name], Link("", now, options=options)
    document = DOCUMENTS[name](query or {}, World(seed, now, rate)).body
    events = [feed.normalise(record.raw, link) for record in feed.split(document, link)]
    for event in events:
        assert understand(event, now).source_id == event["id"]
    return events


@asynccontextmanager
async def service(rate=5.0):
    app = web.Application()
    sources.add_routes(app, seed=lambda: SEED, rate=rate)
    async with serving(app) as url, aiohttp.ClientSession() as session:
        yield url, session


@pytest.mark.parametrize("name", NAMES)
def test_our_format_understands_every_hour_of_a_week(name):
    events = [
        event for hour in range(24 * 7) for event in told(name, NOON + timedelta(hours=hour), {"numOfRows": "500"})
    ]
    assert len({event["id"] for event in events}) > 10


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_and_moment_tell_the_same_and_another_seed_another_story(name):
    query = {"numOfRows": "500", "fromTmFc": "20261120", "crtDt": "20261120"}
    documents = [DOCUMENTS[name](query, World(seed, NOON, 5)).body for seed in (SEED, SEED, SEED + 1)]
    assert documents[0] == documents[1] != documents[2]
    assert recognise(documents[0]).name == name


@pytest.mark.parametrize("name", ["its", "utic", "gtfs_rt"])
def test_what_goes_on_begins_changes_and_ends(name):
    versions, last_seen = defaultdict(set), {}
    for minute in range(0, 24 * 60, 5):
        for event in told(name, NOON + timedelta(minutes=minute), rate=2):
            versions[event["subject"]].add(event["id"])
            last_seen[event["subject"]] = minute
    assert len(versions) > 5
    assert sum(minute < 23 * 60 for minute in last_seen.values()) > 3, "what is over is no longer listed"
    if name != "gtfs_rt":
        assert any(len(ids) > 1 for ids in versions.values())


def test_a_warning_is_told_from_issue_to_lift():
    kinds, feed = defaultdict(list), FEEDS["weather"]
    query = {"numOfRows": "500", "fromTmFc": "20260101", "areaCode": "L1030100"}
    for day in range(0, 30, 6):
        for record in feed.records(DOCUMENTS["weather"](query, World(SEED, NOON + timedelta(days=day))).body):
            event = feed.normalise(record.raw)
            kinds[event["subject"], day].append(event["action"])
    assert all(said[0] == "report" for said in kinds.values())
    assert sum("end" in said for said in kinds.values()) >= 1


@pytest.mark.parametrize("name", NAMES)
def test_where_nothing_happens_the_answer_is_whole_and_empty(name):
    assert told(name, NOON, rate=0) == []


def test_the_demo_at_rest_is_calm():
    counts = []
    for hour in range(24 * 3):
        now = NOON + timedelta(hours=hour)
        roads = told("its", now) + told("utic", now, regions=["대전"])
        counts.append(len(roads) + len(told("gtfs_rt", now)))
    assert 0 < sum(counts) / len(counts) < 4 and max(counts) <= 7


def test_pages_cut_the_same_list_and_leave_nothing_out():
    query = {"fromTmFc": "20261118", "toTmFc": "20261123", "numOfRows": "3"}
    world, pages = World(SEED, NOON), []
    for number in range(1, 100):
        body = json.loads(DOCUMENTS["weather"]({**query, "pageNo": str(number)}, world).body)["response"]["body"]
        pages.append(body["items"]["item"])
        if number * 3 >= body["totalCount"]:
            break
    whole = json.loads(DOCUMENTS["weather"]({**query, "numOfRows": "999"}, world).body)["response"]["body"]["items"][
        "item"
    ]
    assert sum(pages, []) == whole and all(len(page) == 3 for page in pages[:-1])
    assert [one["tmFc"] for one in whole] == sorted((one["tmFc"] for one in whole), reverse=True)


def test_the_box_the_region_and_the_day_are_honoured():
    hours = [NOON + timedelta(hours=hour) for hour in range(48)]
    assert not any(told("its", now, {"minX": "128", "maxX": "129", "minY": "36", "maxY": "37"}) for now in hours)
    ours = json.loads(
        DOCUMENTS["disaster_message"]({"rgnNm": "대전", "crtDt": "20261120", "numOfRows": "99"}, World(SEED, NOON)).body
    )
    assert ours["body"] and all("대전" in one["RCPTN_RGN_NM"] for one in ours["body"])
    today = json.loads(DOCUMENTS["disaster_message"]({"crtDt": "20261123"}, World(SEED, NOON)).body)["body"]
    assert all(one["CRT_DT"] >= "2026/11/23" for one in today)


def test_a_slot_asked_for_over_any_span_is_the_same():
    long = {one.number: one for one in happenings(ROAD, seed=1, rate=1, since=NOON - timedelta(days=2), until=NOON)}
    for hour in range(48):
        at = NOON - timedelta(hours=hour)
        for one in happenings(ROAD, seed=1, rate=1, since=at, until=at):
            assert long.get(one.number, one) == one


async def test_it_is_served_with_faults_as_an_agency_has_them(monkeypatch):
    monkeypatch.setattr(faults, "OVERSIZE_BYTES", 1)
    monkeypatch.setattr(sources, "OVERSIZE_BYTES", 12 * 1024 * 1024)
    async with service() as (url, session):
        get = Fetcher("127.0.0.0/8", 1.0)
        for mode, why in (
            ("none", None), ("malformed", None), ("refuse", "disconnected|reset"), ("error", "HTTP 50"), ("timeout", "no whole answer"),
            ("redirect", "HTTP 307"), ("reject", "HTTP 422"), ("drip", "no whole answer"), ("oversize", "longer than 10 MiB"),
            ("busy", "HTTP 429"),
        ):  # fmt: skip
            async with session.put(f"{url}/sources/its/faults", json={"mode": mode, "rate": 1, "seed": 1}) as said:
                assert (await said.json())["mode"] == mode
            get.begin()
            if why is None:
                await get(f"{url}/sources/its")
            else:
                with pytest.raises(NotFetched, match=f"(?i){why}"):
                    await get(f"{url}/sources/its")
        await get.close()
        async with session.put(f"{url}/sources/its/faults", json={"mode": "sulk"}) as said:
            assert said.status == 400
        async with session.get(f"{url}/sources/horoscope") as said:
            assert said.status == 404


async def test_its_world_can_be_made_silent_and_busy():
    async with service() as (url, session):

        async def asked(rate):
            async with session.put(f"{url}/sources/gtfs_rt/rate", json={"rate": rate}) as said:
                assert said.status == 200
            async with session.get(f"{url}/sources/gtfs_rt") as said:
                assert said.headers["Content-Type"] == "application/x-protobuf"
                return len(list(FEEDS["gtfs_rt"].records(await said.read())))

        assert await asked(0) == 0
        assert await asked(50) > 10
        async with session.put(f"{url}/sources/gtfs_rt/rate", json={"rate": -1}) as said:
            assert said.status == 400


@pytest.mark.parametrize("name", NAMES)
async def test_a_poll_of_our_format_gets_on_with_it(name):
    async with service() as (url, _):
        get = Fetcher("127.0.0.0/8", 5)
        get.begin()
        link = Link(f"{url}/sources/{name}", datetime.now(UTC), "a-key", {"areaCodes": ["L1030100"]})
        fetched = [one async for one in FEEDS[name].fetch(get, link)]
        await get.close()
        events = [record for one in fetched for record in FEEDS[name].split(one.document, link)]
        assert events
        if name in ("weather", "disaster_message"):
            assert fetched[-1].state


def test_the_agencies_server_serves_them(tmp_path):
    from tests.linkage.simulated import AgenciesProcess, write_installation

    write_installation(tmp_path)
    agencies = AgenciesProcess(tmp_path, "--sources-rate", "5", "--passive").start()

    async def ask():
        async with aiohttp.ClientSession() as session:
            for name in NAMES:
                async with session.get(f"{agencies.url}/sources/{name}") as said:
                    assert said.status == 200, name

    try:
        asyncio.run(ask())
    finally:
        assert agencies.stop() == 0
