"""Sending a recording: in time, in batches, and again until it is taken, with the same ids."""

import asyncio
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from linkage.replay import sender
from linkage.replay.recording import Recorded
from linkage.replay.sender import EVENTS_PATH, Tally, Undelivered, send_all

START = datetime(2026, 11, 23, 9, tzinfo=UTC)


def recorded(count, every_s=1.0):
    return [
        Recorded(START + timedelta(seconds=n * every_s), n + 2, {"id": f"e{n}", "code": "TRF-1", "lat": None, "lon": None})
        for n in range(count)
    ]


class Intake:
    """Knows ids as the real one does; `answers` are given first, one a request: a status, or a callable."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.known = {}
        self.batches = []
        self.keys = set()

    async def take(self, request):
        batch = orjson.loads(await request.read())
        loop = asyncio.get_running_loop()
        self.batches.append((loop.time(), [one["id"] for one in batch]))
        self.keys.add(request.headers["Authorization"])
        results = [self.store(one["id"]) for one in batch]
        if self.answers:
            status, headers = self.answers.pop(0)
            if status == "drop":
                request.transport.close()
            return web.Response(status=status if isinstance(status, int) else 500, headers=headers)
        counts = {name: sum(one["status"] == status for one in results) for name, status in STATUSES.items()}
        return web.json_response({**counts, "results": results}, status=202)

    def store(self, event_id):
        if event_id == "e13":
            return {"id": event_id, "status": "rejected", "incident": None, "errors": [{"field": "code", "message": "no"}]}
        status = "duplicate" if event_id in self.known else "accepted"
        self.known[event_id] = True
        return {"id": event_id, "status": status, "incident": "1"}


STATUSES = {"accepted": "accepted", "duplicates": "duplicate", "rejected": "rejected"}


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(sender, "RETRY_SECONDS", (0.01,))


async def play(intake, events, speed=0.0):
    application = web.Application()
    application.router.add_post(EVENTS_PATH, intake.take)
    server = TestServer(application)
    tally, seen = Tally(), []
    await server.start_server()
    try:
        await send_all(
            events, base_url=str(server.make_url("/")), key="KEY", speed=speed, tally=tally,
            progress=lambda last, count: seen.append(count),
        )  # fmt: skip
    finally:
        await server.close()
    assert sum(seen) == tally.sent
    return tally


async def test_everything_is_sent_once_in_order_and_in_batches():
    intake = Intake()
    tally = await play(intake, recorded(250)[14:])
    assert [len(ids) for _, ids in intake.batches] == [100, 100, 36]
    assert [one for _, ids in intake.batches for one in ids] == [f"e{n}" for n in range(14, 250)]
    assert (tally.sent, tally.accepted, tally.duplicates, tally.rejected, tally.retries) == (236, 236, 0, 0, 0)
    assert intake.keys == {"Bearer KEY"}


async def test_the_recorded_gaps_are_kept_divided_by_the_speed():
    intake = Intake()
    await play(intake, recorded(4, every_s=100), speed=1000)
    times = [at for at, _ in intake.batches]
    assert len(times) == 4
    assert times[-1] - times[0] == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize("failure", [(503, {}), (429, {"Retry-After": "0"}), (500, {}), ("drop", {})])
async def test_a_batch_that_was_not_taken_is_sent_again_with_the_same_ids(quick, failure):
    intake = Intake(failure, failure)
    tally = await play(intake, recorded(5))
    assert [ids for _, ids in intake.batches] == [[f"e{n}" for n in range(5)]] * 3
    assert (tally.sent, tally.retries) == (5, 2)
    # The double of the intake kept them before it failed, as a real one may.
    assert tally.accepted + tally.duplicates == 5


async def test_retry_after_is_honoured(quick):
    intake = Intake((429, {"Retry-After": "0.4"}))
    await play(intake, recorded(1))
    (first, _), (second, _) = intake.batches
    assert second - first >= 0.39


async def test_a_rejected_event_is_told_with_its_place_in_the_file():
    tally = await play(Intake(), recorded(20))
    assert (tally.accepted, tally.rejected) == (19, 1)
    assert tally.refusals == [(15, "e13", "code: no")]


@pytest.mark.parametrize("status", [400, 401, 403, 302])
async def test_a_refusal_for_good_stops_the_replay(status):
    intake = Intake((status, {"Location": "http://127.0.0.1:9/"}))
    with pytest.raises(Undelivered, match=str(status)):
        await play(intake, recorded(5))
    assert len(intake.batches) == 1


async def test_patience_ends(quick, monkeypatch):
    monkeypatch.setattr(sender, "PATIENCE_SECONDS", 0.05)
    tally = Tally()
    with pytest.raises(Undelivered, match="has not taken"):
        await send_all(
            recorded(1), base_url="http://127.0.0.1:9", key="K", speed=0, tally=tally, progress=lambda last, count: None
        )
    assert tally.sent == 0 and tally.retries > 0
