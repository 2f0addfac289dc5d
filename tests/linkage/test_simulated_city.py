"""The city process: waits for ocenter, sends everything once under one id, repeats until answered, stays alive."""

import asyncio
import json
import signal
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from linkage.simulators.sender import Feed, Log, unanswered
from tests.linkage.simulated import end, eventually, serving, simulate, write_installation


class Intake:
    """The little of ocenter a city needs; ``moods`` are statuses it answers first, None resets the line."""

    def __init__(self, moods=()):
        self.moods, self.ready, self.pace_s = list(moods), True, 0.0
        self.events, self.arrivals, self.heartbeats, self.keys = {}, [], 0, {}
        self.lock = asyncio.Lock()

    def app(self):
        app = web.Application()
        app.router.add_get("/readyz", self.readyz)
        app.router.add_get("/api/v1/cameras", self.cameras)
        app.router.add_get("/api/v1/devices", self.devices)
        app.router.add_post("/api/v1/events", self.receive)
        return app

    async def readyz(self, _):
        return web.Response(status=200 if self.ready else 503)

    async def cameras(self, request):
        west, south, east, north = map(float, request.query["bbox"].split(","))
        assert (west, south) < (east, north)
        return web.json_response(
            {"cameras": [{"id": 1, "number": "C-1", "name": "둔산 1", "lat": 36.35, "lon": 127.38}]}
        )

    async def devices(self, request):
        page = int(request.query.get("cursor", 0))
        row = {"id": f"B-{page}", "kind": "bell", "name": f"벨 {page}", "lat": 36.33, "lon": 127.42}
        return web.json_response({"devices": [row], "cursor": page + 1, "more": page < 2})

    async def receive(self, request):
        events = await request.json()
        key = request.headers["Authorization"].removeprefix("Bearer ")
        if self.moods:
            mood = self.moods.pop(0)
            self.arrivals += [event["id"] for event in events]
            if mood is None:
                request.transport.abort()
            return web.Response(status=mood or 500, headers={"Retry-After": "1"} if mood == 429 else {})
        await asyncio.sleep(self.pace_s)
        if not events:
            self.heartbeats += 1
        results = [self.take(key, event) for event in events]
        return web.json_response(
            {"accepted": len(results), "duplicates": 0, "rejected": 0, "results": results}, status=202
        )

    def take(self, key, event):
        self.arrivals.append(event["id"])
        if event.get("summary") == "bad":
            return {"id": event["id"], "status": "rejected", "incident": None, "errors": []}
        status = "duplicate" if event["id"] in self.events else "accepted"
        self.events.setdefault(event["id"], event)
        self.keys[event["id"]] = key
        return {"id": event["id"], "status": status, "incident": f"30000-{len(self.events)}"}


@asynccontextmanager
async def city_telling_to(intake, directory, *options):
    async with serving(intake.app()) as url:
        write_installation(directory, url)
        process = simulate(directory, "city", *options)
        try:
            yield process
        finally:
            end(process, signal.SIGKILL)


async def finished(process, seconds=30):
    await eventually(lambda: process.poll() is not None, seconds)
    return process.returncode


def log_lines(directory):
    return [json.loads(line) for line in (directory / "city.log.jsonl").read_text().splitlines()]


async def test_every_event_arrives_once_and_the_log_knows_its_answer(tmp_path):
    intake = Intake()
    async with city_telling_to(intake, tmp_path, "--burst", 250, "--rate", 0, "--duration", 0.5) as city:
        assert await finished(city) == 0
    due = {line["event"]["id"] for line in log_lines(tmp_path) if line["what"] == "due"}
    answers = {line["id"]: line for line in log_lines(tmp_path) if line["what"] == "answer"}
    assert len(due) == 250
    assert due == set(intake.events) == set(answers)
    assert len(intake.arrivals) == 250
    assert all(line["status"] == "accepted" and line["incident"] for line in answers.values())
    assert set(intake.keys.values()) <= {f"key-of-{feed}" for feed in ("bells", "analytics", "traffic", "sensors")}
    assert "B-2" in {event.get("device_id") for event in intake.events.values()}


@pytest.mark.parametrize("moods", [[503, 503, 429], [None, None], [401, 500, 403]])
async def test_what_is_not_answered_is_sent_again_under_its_id(tmp_path, moods):
    intake = Intake(moods)
    async with city_telling_to(intake, tmp_path, "--burst", 40, "--rate", 0, "--duration", 0.2) as city:
        assert await finished(city) == 0
    assert len(intake.events) == 40
    assert set(intake.arrivals) == set(intake.events)
    assert len(intake.arrivals) > 40


async def test_it_outlasts_an_ocenter_that_is_not_there(tmp_path, unused_tcp_port):
    intake = Intake()
    write_installation(tmp_path, f"http://127.0.0.1:{unused_tcp_port}")
    city = simulate(tmp_path, "city", "--burst", 10, "--rate", 0, "--duration", 0.1)
    try:
        await asyncio.sleep(1)
        assert city.poll() is None
        async with serving(intake.app(), unused_tcp_port):
            assert await finished(city) == 0
        assert len(intake.events) == 10
    finally:
        end(city, signal.SIGKILL)


async def test_it_says_nothing_before_ocenter_is_ready(tmp_path):
    intake = Intake()
    intake.ready = False
    async with city_telling_to(intake, tmp_path, "--burst", 5, "--rate", 0):
        await asyncio.sleep(1.5)
        assert intake.arrivals == []
        intake.ready = True
        await eventually(lambda: len(intake.events) == 5)


async def test_a_killed_city_sends_the_rest_when_it_starts_again(tmp_path):
    intake = Intake()
    intake.pace_s = 0.3
    async with city_telling_to(intake, tmp_path, "--burst", 600, "--rate", 0) as city:
        await eventually(lambda: len(intake.events) >= 50)
        end(city, signal.SIGKILL)
    due = {line["event"]["id"] for line in log_lines(tmp_path) if line["what"] == "due"}
    assert len(intake.events) < len(due) == 600
    intake.pace_s = 0.0
    async with city_telling_to(intake, tmp_path, "--rate", 0, "--duration", 0.1) as city:
        assert await finished(city) == 0
    assert set(intake.events) == due


async def test_one_seed_tells_one_story_and_a_second_run_another(tmp_path):
    told = []
    for directory, options in ((tmp_path / "a", ()), (tmp_path / "b", ()), (tmp_path / "a", ())):
        intake = Intake()
        fixed = ("--burst", 60, "--rate", 0, "--duration", 0.1, "--seed", 7, "--hour", 20)
        async with city_telling_to(intake, directory, *fixed, *options) as city:
            assert await finished(city) == 0
        told.append({i: {**event, "occurred_at": ""} for i, event in intake.events.items()})
    assert told[0] == told[1]
    assert not set(told[0]) & set(told[2])


async def test_it_stops_promptly_when_asked(tmp_path):
    async with city_telling_to(Intake(), tmp_path, "--rate", 60) as city:
        await eventually(lambda: (tmp_path / "city.json").exists())
        assert end(city) == 0


@asynccontextmanager
async def feed_to(intake, log_path, **options):

    async with serving(intake.app()) as url, aiohttp.ClientSession() as client:
        journal = Log(log_path)
        feed = Feed("bells", client=client, url=f"{url}/api/v1/events", key=lambda: "key", journal=journal, **options)
        sender = asyncio.create_task(feed.run())
        yield feed, journal
        sender.cancel()
        journal.close()


def event(number, **more):
    return {"id": f"e-{number}", "code": "BEL-01", **more}


async def test_a_quiet_feed_shows_it_is_alive(tmp_path):
    intake = Intake()
    async with feed_to(intake, tmp_path / "log", heartbeat_s=0.1):
        await eventually(lambda: intake.heartbeats >= 3)
    assert intake.arrivals == []


async def test_one_rejected_event_is_final_and_holds_nobody_up(tmp_path):
    intake = Intake()
    async with feed_to(intake, tmp_path / "log") as (feed, journal):
        for number in range(5):
            one = event(number, summary="bad" if number == 2 else "good")
            journal.due("bells", one, happening="", truth="")
            feed.put(one)
        await feed.drained()
    assert len(intake.events) == 4
    assert len(intake.arrivals) == 5
    assert unanswered(tmp_path / "log") == []


async def test_a_batch_refused_as_a_whole_is_sent_one_by_one(tmp_path):
    intake = Intake([413])
    async with feed_to(intake, tmp_path / "log") as (feed, journal):
        for number in range(5):
            journal.due("bells", event(number), happening="", truth="")
            feed.put(event(number))
        await feed.drained()
    assert len(intake.events) == 5


async def test_events_due_together_go_in_one_batch_in_order(tmp_path):
    intake = Intake()
    async with feed_to(intake, tmp_path / "log") as (feed, journal):
        for number in range(250):
            journal.due("bells", event(number), happening="", truth="")
            feed.put(event(number))
        await feed.drained()
    assert intake.arrivals == [f"e-{n}" for n in range(250)]


def test_a_log_line_cut_by_a_crash_is_passed_over(tmp_path):
    journal = Log(tmp_path / "log")
    journal.due("bells", event(1), happening="", truth="")
    journal.due("bells", event(2), happening="", truth="")
    journal.answer("bells", "e-1", http=202, status="accepted", incident="1")
    journal.close()
    with (tmp_path / "log").open("a") as cut:
        cut.write('{"what": "answer", "feed": "bells", "id": "e-')
    Log(tmp_path / "log").due("bells", event(3), happening="", truth="")
    assert unanswered(tmp_path / "log") == [("bells", event(2)), ("bells", event(3))]
