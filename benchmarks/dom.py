"""How soon a reported event is in the page: POST → DOM, in a real browser on the running stack.

    python -m benchmarks.dom [--rounds 3] [--events 200] [--consoles 50]

From the POST's first byte to the incident's row in the queue, each event alone at an unhurried pace. Both
clocks are this machine's. Needs Chromium (`/usr/bin/chromium`). Budget: median 150 ms, p95 300 ms.

Rounds with one console open and with `--consoles` take turns. Of many consoles one is a page in Chromium, which
is measured; the others are real sockets with an operator's session, in a process of their own, which read
everything they are sent: fifty Chromium pages would measure the drawing of fifty pages on one machine.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
from playwright.sync_api import sync_playwright

from benchmarks import bench
from tests.browser.console import Console, call
from tests.stack import Stack

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
PAUSE_SECONDS = 0.1


def measure(stack: Stack, console: Console, events: int) -> list[float]:
    """Seconds from POST to DOM for each of `events` incidents."""
    chance, taken = random.Random(uuid.uuid4().hex), []
    for _ in range(events):
        body = bench.event(uuid.uuid4().hex, chance, code="ORD-02")
        started = time.time()
        status, answer = call(stack, "POST", "events", "feed", body)
        assert status == 202, answer
        if joined(stack, answer):
            continue  # near an earlier one: no new row to wait for
        taken.append(console.seen_after_ms(answer["results"][0]["incident"], started) / 1000)
        time.sleep(PAUSE_SECONDS)
    return taken


def joined(stack: Stack, answer: dict[str, Any]) -> bool:
    """Whether the event joined an incident that was there before."""
    _, incident = call(stack, "GET", f"incidents/{answer['results'][0]['incident']}", "feed")
    return incident["event_count"] > 1


@contextmanager
def crowd(stack: Stack, cookies: dict[str, str], count: int) -> Iterator[None]:
    """`count` more consoles' sockets, open and reading in another process."""
    if count <= 0:
        yield
        return
    context = multiprocessing.get_context("spawn")
    all_open = context.Event()
    process = context.Process(target=_sit, args=(stack.base_url, cookies, count, all_open), daemon=True)
    process.start()
    try:
        assert all_open.wait(60), "the other consoles' sockets did not open"
        yield
    finally:
        process.terminate()
        process.join()


def _sit(base_url: str, cookies: dict[str, str], count: int, all_open: Any) -> None:
    asyncio.run(_read_all(base_url, cookies, count, all_open))


async def _read_all(base_url: str, cookies: dict[str, str], count: int, all_open: Any) -> None:
    headers = {"Origin": base_url, "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    async with aiohttp.ClientSession(headers=headers) as session:
        sockets = [await session.ws_connect(f"{base_url}/ws/live/", max_msg_size=0) for _ in range(count)]
        for socket in sockets:
            await socket.receive()  # the snapshot
        all_open.set()
        await asyncio.gather(*(_read(socket) for socket in sockets))


async def _read(socket: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in socket:
        pass


def report(name: str, rounds: list[list[float]]) -> float:
    """Prints each round and answers the median of the rounds' medians, in seconds."""
    for number, taken in enumerate(rounds, 1):
        bench.say(f"{name}, round {number}: {len(taken)} events, median / p95 / p99 ms", bench.spread_ms(taken))
    middle = bench.median([bench.percentile(taken, 0.5) for taken in rounds])
    high = bench.median([bench.percentile(taken, 0.95) for taken in rounds])
    bench.say(f"POST → DOM, {name}, median of the rounds' medians / p95s, ms", f"{1000 * middle:.1f} / {1000 * high:.1f}")
    return middle


def main() -> None:
    """Measures and prints."""
    given = bench.options("POST to DOM", rounds=3, events=200, consoles=50)
    # In a flood these rows would be folded into groups.
    with bench.running_stack(OCENTER_FLOOD_WINDOW_SECONDS="1") as stack, sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        console = Console(stack, browser.new_page(viewport={"width": 1920, "height": 1080}))
        console.sign_in()
        cookies = {one["name"]: one["value"] for one in console.page.context.cookies()}
        alone, together = [], []
        for _ in range(given.rounds):
            alone.append(measure(stack, console, given.events))
            with crowd(stack, cookies, given.consoles - 1):
                together.append(measure(stack, console, given.events))
        browser.close()
    one, many = report("1 console", alone), report(f"{given.consoles} consoles", together)
    bench.say(f"{given.consoles} consoles to 1, ratio of the medians", f"{many / one:.2f}")


if __name__ == "__main__":
    main()
