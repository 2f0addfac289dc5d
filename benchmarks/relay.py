"""How soon a committed relay is at its agency, and how fast a backlog drains.

    python -m benchmarks.relay [--rounds 3] [--single 100] [--backlog 500]

The agency is a bare aiohttp server in this process that answers at once. Latency runs from the ledger row of
the request (stamped before the commit) to the arrival: with the bell by the worker, without it by the sweeper.
The backlog is let loose by enabling the agency; its rate is that of the arrivals. Beside it, the rate at which
a bare aiohttp client posts the same messages, signed, over as many connections.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import time
import uuid
from datetime import datetime
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from benchmarks import bench
from linkage import signing
from linkage.signing import make_secret
from tests.stack import Stack

LANE = 8  # sends under way at once, as in linkage.dispatch
PAUSE_SECONDS = 0.03
PATIENCE_SECONDS = 120

_cells = itertools.count()


class Agency:
    """Takes every message and notes when it came."""

    def __init__(self) -> None:
        self.at: dict[str, datetime] = {}
        self.messages: list[dict[str, Any]] = []

    async def receive(self, request: web.Request) -> web.Response:
        """202 with a receipt."""
        message = orjson.loads(await request.read())
        self.at.setdefault(message["incident"]["number"], datetime.now(bench.KST))
        self.messages.append(message)
        return web.json_response({"receipt": "R-" + message["relay"][:8]}, status=202)

    async def until(self, count: int) -> None:
        """Waits for so many incidents."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.at) < count:  # noqa: ASYNC110 - a benchmark may poll
                await asyncio.sleep(0.01)


def fire(mark: str) -> bytes:
    """A fire far from all others, which a rule relays to 119 at once."""
    cell = next(_cells)
    place = {"lat": 36.20 + 0.004 * (cell // 60), "lon": 127.25 + 0.004 * (cell % 60)}
    return orjson.dumps(bench.event(f"{mark}-{cell}", random.Random(cell), code="FIR-01", **place))


async def post(session: aiohttp.ClientSession, body: bytes) -> str:
    """Reports one event; the number of its incident."""
    async with session.post("/api/v1/events", data=body) as answer:
        return str(orjson.loads(await answer.read())["results"][0]["incident"])


async def latencies(stack: Stack, agency: Agency, count: int) -> list[float]:
    """Seconds from the ledger row to the arrival, one relay at a time."""
    mark = uuid.uuid4().hex[:6]
    async with bench.client(stack) as session:
        numbers = []
        for _ in range(count):
            numbers.append(await post(session, fire(mark)))
            await asyncio.sleep(PAUSE_SECONDS)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not set(numbers) <= set(agency.at):  # noqa: ASYNC110 - a benchmark may poll
                await asyncio.sleep(0.01)
    requested = requested_at(stack, numbers)
    return [(agency.at[number] - requested[number]).total_seconds() for number in numbers]


def requested_at(stack: Stack, numbers: list[str]) -> dict[str, datetime]:
    """When each incident's relay was written into the ledger, before the commit."""
    with bench.connect(stack) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.number, c.at FROM incidents_change c JOIN incidents_incident i ON i.id = c.incident_id "
            "WHERE c.kind = 'relay.requested' AND i.number = ANY(%s)",
            [numbers],
        )
        return dict(cursor.fetchall())


async def drained(stack: Stack, agency: Agency, count: int) -> float:
    """Relays a second of a backlog that nobody had been sending."""
    _agency_set(stack, "enabled = false")
    before, mark = len(agency.at), uuid.uuid4().hex[:6]
    async with bench.client(stack) as session:
        await asyncio.gather(*(post(session, fire(mark)) for _ in range(count)))
        _agency_set(stack, "enabled = true")
        await agency.until(before + count)
    arrivals = sorted(agency.at.values())[before:]
    return (count - 1) / (arrivals[-1] - arrivals[0]).total_seconds()


async def bare(agency: Agency, url: str, count: int) -> float:
    """Messages a second of a bare aiohttp client that signs and posts, LANE at a time."""
    waiting, secret = iter((agency.messages * count)[:count]), make_secret()

    async def send(session: aiohttp.ClientSession) -> None:
        for message in waiting:
            body, key = orjson.dumps(message), str(uuid.uuid4())
            headers = {"Idempotency-Key": key, **signing.sign([secret], key, body)}
            async with session.post(url, data=body, headers=headers) as answer:
                await answer.read()

    async with aiohttp.ClientSession() as session:
        started = time.perf_counter()
        await asyncio.gather(*(send(session) for _ in range(LANE)))
        return count / (time.perf_counter() - started)


def _agency_set(stack: Stack, change: str) -> None:
    with bench.connect(stack) as connection, connection.cursor() as cursor:
        cursor.execute(f"UPDATE linkage_linkedsystem SET {change} WHERE slug = 'fire119'")


async def measure(stack: Stack, given: Any) -> None:
    """All rounds, then the medians."""
    agency = Agency()
    app = web.Application()
    app.router.add_post("/incidents", agency.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/incidents"  # type: ignore[union-attr]
    _agency_set(stack, f"endpoint = '{url}'")
    await latencies(stack, agency, 10)  # warms up
    rung, rates, limits = [], [], []
    for _ in range(given.rounds):
        rung.append(await latencies(stack, agency, given.single))
        rates.append(await drained(stack, agency, given.backlog))
        limits.append(await bare(agency, url, given.backlog))
    silent = await without_bell(stack, agency)
    middle = sorted(rung, key=bench.median)[len(rung) // 2]
    bench.say("Relay requested → at the agency, ms, with the bell", f"{bench.spread_ms(middle)} (median, p95, p99)")
    bench.say("… without Redis, by the sweeper", f"{bench.spread_ms(silent)}")
    rate, limit = bench.median(rates), bench.median(limits)
    bench.say(
        f"Backlog of {given.backlog}, {LANE} at a time",
        f"{rate:.0f} relays/s = {rate / limit:.1%} of a bare aiohttp client's {limit:.0f}/s",
    )
    await runner.cleanup()


async def without_bell(stack: Stack, agency: Agency) -> list[float]:
    """The same with Redis frozen, so that nothing is announced."""
    pid = stack.pids()["redis"]
    os.kill(pid, signal.SIGSTOP)
    try:
        return await latencies(stack, agency, 10)
    finally:
        os.kill(pid, signal.SIGCONT)


def main() -> None:
    """Starts a stack and measures."""
    given = bench.options(__doc__ or "", rounds=3, single=100, backlog=500)
    with bench.running_stack() as stack:
        asyncio.run(measure(stack, given))


if __name__ == "__main__":
    main()
