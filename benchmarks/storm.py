"""A storm of 10,000 events a minute, seven of ten sent before: does an alarm still come through?

    python -m benchmarks.storm [--rounds 3] [--seconds 60]

Printed: the p99 of a batch of 25 at the intake; from the POST of a G1 to an open socket, and to the row on an open
page in Chromium; all four books compared afterwards. Ends with 1 where they do not agree.
"""

from __future__ import annotations

import time
import uuid
from concurrent.futures import Future
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks import bench
from benchmarks.dom import ARGUMENTS, CHROMIUM
from ocenter.soak.backstage import Backstage, until
from ocenter.soak.books import Auditor
from ocenter.soak.clients import Listener, Operator, Sender, SentLog
from tests.browser.console import Console
from tests.chaos.storm import BATCH, PER_MINUTE, alarm, storm
from tests.stack import Stack

PAUSE_SECONDS = 0.5


def one_round(stack: Stack, console: Console, backstage: Backstage, seconds: int) -> tuple[list[float], ...]:
    """Seconds of: intake batches, alarm to socket, alarm to screen."""
    operator, mark = Operator(stack).sign_in(), uuid.uuid4().hex[:6]
    listener = Listener(stack, headers=operator.headers, municipality=stack.demo["municipality"])
    listening = backstage.start(listener.listen())
    until(lambda: listener.heard.snapshots, 30, "the socket showed nothing")
    log, alarm_log = SentLog(), SentLog()
    raging = backstage.start(storm(stack, log, mark, seconds))
    shown = list(_screen(stack, console, backstage, mark, alarm_log, raging))
    raging.result(60)
    auditor = Auditor(stack)
    until(lambda: listener.heard.last >= auditor.head(), 30, "the socket is behind")
    listening.cancel()
    for book in (log, alarm_log):
        balance = auditor.balance(book, heard=listener.heard)
        if balance.broken:
            raise SystemExit(f"broken: {balance.broken}")
        bench.say(
            "  events sent / accepted / in effect / twice / lost",
            f"{balance.events}; {book.duplicates} repeats, {book.again} sent again",
        )
    auditor.close()
    return log.seconds, [listener.heard.event_at[one] - alarm_log.sent_at[one] for one in alarm_log.sent], shown


def _screen(stack: Stack, console: Console, backstage: Backstage, mark: str, log: SentLog, raging: Future[None]) -> Any:
    while not raging.done():
        event, started = alarm(mark), time.time()
        backstage.run(_send(stack, log, event))
        yield console.seen_after_ms(str(log.answers[event["id"]][1]), started) / 1000
        time.sleep(PAUSE_SECONDS)


async def _send(stack: Stack, log: SentLog, event: dict[str, Any]) -> None:
    async with Sender(stack, log) as sender:
        await sender.send([event])


def main() -> None:
    """Measures and prints."""
    given = bench.options(__doc__ or "", rounds=3, seconds=60)
    with bench.running_stack() as stack, sync_playwright() as player, Backstage() as backstage:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        console = Console(stack, browser.new_page(viewport={"width": 1920, "height": 1080}))
        console.sign_in()
        rounds = [one_round(stack, console, backstage, given.seconds) for _ in range(given.rounds)]
        browser.close()
    bench.say(
        f"Storm, {PER_MINUTE} a minute for {given.seconds} s, {given.rounds} rounds",
        "median / p95 / p99 ms, middle round",
    )
    for name, values in zip(
        (f"intake, a batch of {BATCH}", "G1: POST → socket", "G1: POST → screen"),
        zip(*rounds, strict=True),
        strict=True,
    ):
        middle = sorted(values, key=lambda one: bench.percentile(one, 0.95))[len(values) // 2]
        bench.say(f"  {name} ({len(middle)})", bench.spread_ms(middle))


if __name__ == "__main__":
    main()
