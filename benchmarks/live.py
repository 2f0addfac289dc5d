"""How soon a reported event is on an open socket.

    python -m benchmarks.live [--rounds 3] [--events 100] [--sockets 20]

From the POST's first byte to the change on the socket, each event alone; the median over all sockets of one
round. A browser then has to draw it, which takes the browser test's figures.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from typing import Any

import aiohttp
import orjson

from benchmarks import bench
from tests.stack import Stack

PAUSE_SECONDS = 0.15  # longer than the hub gathers rows for one frame
PATIENCE_SECONDS = 60


async def watch(socket: aiohttp.ClientWebSocketResponse, seen: dict[str, list[float]]) -> None:
    """Notes when each event id shows up."""
    async for message in socket:
        body = orjson.loads(message.data)
        for change in body.get("changes", ()):
            for event in change["detail"].get("events", ()):
                seen.setdefault(event["id"], []).append(time.perf_counter())


async def measure(stack: Stack, given: Any) -> list[float]:
    """Seconds from POST to socket, for every event and socket."""
    mark, seen, sent = uuid.uuid4().hex[:6], {}, {}
    headers = {"Authorization": f"Bearer {stack.demo['keys']['central']}"}
    async with bench.client(stack) as feed, aiohttp.ClientSession(base_url=stack.base_url, headers=headers) as reader:
        sockets = [await reader.ws_connect("/ws/live/") for _ in range(given.sockets)]
        for socket in sockets:
            await socket.receive()  # the snapshot
        watching = [asyncio.create_task(watch(socket, seen)) for socket in sockets]
        chance = random.Random(mark)
        for n in range(given.events):
            body = bench.event(f"{mark}-{n}", chance)
            sent[body["id"]] = time.perf_counter()
            async with feed.post("/api/v1/events", data=orjson.dumps(body)) as answer:
                assert answer.status == 202, await answer.text()
            await asyncio.sleep(PAUSE_SECONDS)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while any(len(seen.get(one, ())) < given.sockets for one in sent):  # noqa: ASYNC110 - a benchmark may poll
                await asyncio.sleep(0.05)
        for task in watching:
            task.cancel()
        for socket in sockets:
            await socket.close()
    return [at - sent[source_id] for source_id, times in seen.items() for at in times]


def main() -> None:
    """Starts a stack and measures."""
    given = bench.options(__doc__ or "", rounds=3, events=100, sockets=20)
    with bench.running_stack() as stack:
        rounds = [asyncio.run(measure(stack, given)) for _ in range(given.rounds)]
    middle = sorted(rounds, key=bench.median)[len(rounds) // 2]
    bench.say(
        f"POST → socket, ms, {given.sockets} sockets, every event on every socket",
        f"{bench.spread_ms(middle)} (median, p95, p99)",
    )


if __name__ == "__main__":
    main()
