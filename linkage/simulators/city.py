"""The simulated city: tells its story to ocenter as four feeds, and loses none of it.

It waits for ocenter to be ready, asks where the devices stand, and then reports what happens. The
story's number of tellings is kept in ``city.json``, so a city started again over kept data goes on with
new ids instead of repeating old ones.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path

import aiohttp

from linkage.simulators import happenings, sites
from linkage.simulators.config import InstallationFile, installation_file
from linkage.simulators.happenings import Report
from linkage.simulators.sender import KST, Feed, Log, now_kst, unanswered
from linkage.simulators.sites import CityMap

log = logging.getLogger(__name__)

FEEDS = ("bells", "analytics", "traffic", "sensors")
READY_LOOK_SECONDS = 0.5
LOOK_DEADLINE = aiohttp.ClientTimeout(total=10)
DRAIN_SECONDS = 60.0
"""How long a city that is done waits for the last answers."""


@dataclass(frozen=True)
class Options:
    """How to tell the story; None means the usual."""

    directory: Path
    rate: float
    seed: int | None = None
    run: int | None = None
    hour: int | None = None
    duration_s: float | None = None
    burst: int = 0
    base_url: str | None = None


def run(options: Options) -> int:
    """Run a city until it is done or stopped; 1 when events were left unanswered (they stay in the log)."""
    try:
        return asyncio.run(_run_until_stopped(options))
    except KeyboardInterrupt:
        return 0


async def _run_until_stopped(options: Options) -> int:
    life = asyncio.create_task(_live(options))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, life.cancel)
    try:
        return await life
    except asyncio.CancelledError:
        return 0


async def _live(options: Options) -> int:
    """Wait for ocenter, tell the story, wait for the last answers; 1 when some are missing."""
    installation = installation_file(options.directory)
    while not installation.present:  # noqa: ASYNC110 - another process writes the file
        await asyncio.sleep(READY_LOOK_SECONDS)
    base_url = (options.base_url or installation.current().base_url).rstrip("/")
    async with aiohttp.ClientSession(timeout=LOOK_DEADLINE) as client:
        await _until_ready(client, f"{base_url}/readyz")
        city = await sites.ask(client, base_url, installation.current().keys)
        async with _feeds(client, base_url, installation, options.directory / "city.log.jsonl") as (
            feeds,
            journal,
        ):
            await _tell(_reports(options, installation.current().seed, city), feeds, journal, options.duration_s)
            return await _drain(feeds.values())


async def _until_ready(client: aiohttp.ClientSession, url: str) -> None:
    while True:
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with client.get(url, allow_redirects=False) as answer:
                if answer.status == 200:
                    return
        await asyncio.sleep(READY_LOOK_SECONDS)


@asynccontextmanager
async def _feeds(
    client: aiohttp.ClientSession, base_url: str, installation: InstallationFile, log_path: Path
) -> AsyncIterator[tuple[dict[str, Feed], Log]]:
    """The four feeds, sending; what an earlier city still owed is already in their queues."""
    owed, journal = unanswered(log_path), Log(log_path)
    feeds = {slug: _feed(slug, client, base_url, installation, journal) for slug in FEEDS}
    for slug, event in owed:
        feeds[slug].put(event)
    senders = [asyncio.create_task(feed.run()) for feed in feeds.values()]
    try:
        yield feeds, journal
    finally:
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
        journal.close()


def _feed(
    slug: str, client: aiohttp.ClientSession, base_url: str, installation: InstallationFile, journal: Log
) -> Feed:
    # The key is asked for each time: a demo seeded anew has new ones.
    return Feed(
        slug,
        client=client,
        url=f"{base_url}/api/v1/events",
        key=lambda: installation.current().keys.get(slug),
        journal=journal,
    )


def _reports(options: Options, seed: int, city: CityMap) -> Iterator[Report]:
    """The burst, if any, then the story."""
    telling = {
        "seed": seed if options.seed is None else options.seed,
        "run": next_run(options.directory) if options.run is None else options.run,
        "hour": datetime.now(KST).hour if options.hour is None else options.hour,
    }
    log.info("telling %s at %g events a minute", telling, options.rate)
    return chain(
        happenings.burst(**telling, size=options.burst, city=city),
        happenings.story(**telling, rate=options.rate, city=city),
    )


def next_run(directory: Path) -> int:
    """The number of this telling, one more than the last one's in ``directory``."""
    path = directory / "city.json"
    try:
        last = int(json.loads(path.read_bytes())["run"])
    except (OSError, ValueError, KeyError, TypeError):
        last = 0
    path.write_text(json.dumps({"run": last + 1}), encoding="utf-8")
    return last + 1


async def _tell(reports: Iterable[Report], feeds: dict[str, Feed], journal: Log, duration_s: float | None) -> None:
    """Queue each report when it is due; then go on being alive until ``duration_s`` is over."""
    began, end = time.monotonic(), float("inf") if duration_s is None else duration_s
    for report in reports:
        if report.after_s > end:
            break
        if (early := began + report.after_s - time.monotonic()) > 0:
            await asyncio.sleep(early)
        event = report.event(now_kst())
        journal.due(report.feed, event, happening=report.happening, truth=report.truth)
        feeds[report.feed].put(event)
    await asyncio.sleep(max(0.0, began + end - time.monotonic()))


async def _drain(feeds: Iterable[Feed]) -> int:
    """Wait for the last answers; the exit status."""
    waiting = list(feeds)
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            await asyncio.gather(*(feed.drained() for feed in waiting))
    owed = sum(feed.owed for feed in waiting)
    if owed:
        log.error("%s events are left unanswered; they are in the log for the next start", owed)
    return 1 if owed else 0
