"""How soon a reported event is in the page: POST → DOM, in a real browser on the running stack.

    python -m benchmarks.dom [--rounds 3] [--events 200]

From the POST's first byte to the incident's row in the queue, each event alone at an unhurried pace. Both
clocks are this machine's. Needs Chromium (`/usr/bin/chromium`). Budget: median 150 ms, p95 300 ms.
"""

from __future__ import annotations

import random
import time
import uuid
from typing import Any

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


def main() -> None:
    """Measures and prints."""
    given = bench.options("POST to DOM", rounds=3, events=200)
    with bench.running_stack() as stack, sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        console = Console(stack, browser.new_page(viewport={"width": 1920, "height": 1080}))
        console.sign_in()
        rounds = [measure(stack, console, given.events) for _ in range(given.rounds)]
        browser.close()
    for number, taken in enumerate(rounds, 1):
        bench.say(f"round {number}: {len(taken)} events, median / p95 / p99 ms", bench.spread_ms(taken))
    middles = [bench.percentile(taken, 0.5) for taken in rounds]
    bench.say("POST → DOM, median of the rounds' medians, ms", f"{1000 * bench.median(middles):.1f}")


if __name__ == "__main__":
    main()
