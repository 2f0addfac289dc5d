"""A wall of sixteen pictures: how soon each is there, and what they cost the browser and the server.

    python -m benchmarks.wall [--tiles 16] [--seconds 30] [--rounds 3]

Opens the wall of a real browser on the running stack: simulated cameras' RTSP → ffmpeg → HLS → hls.js. A picture's time
runs from the wall's opening, so that it contains the staggered starts. Then nothing is touched for `seconds`. The
simulated cameras draw and encode on the same machine and are counted apart: a centre does not have them.
Needs Chromium (`/usr/bin/chromium`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import psutil
from playwright.sync_api import Page, sync_playwright

from benchmarks import bench
from benchmarks.dom import ARGUMENTS, CHROMIUM
from tests.browser.console import Console
from tests.stack import Stack

MEBIBYTE = 1024 * 1024
PATIENCE_SECONDS = 180
# The cameras that simulate, and what of the stack serves video.
CAMERAS, GATEWAY = "agencies", "video"

OPEN = """
(cameras) => {
  const { wall } = ocenter, started = performance.now();
  window.pictureAfterMs = {};
  window.pictureWatch?.disconnect(); // the last round's would count from its own opening
  window.pictureWatch = new MutationObserver((records) => records.forEach(({ target }) => {
    if (target.dataset?.phase === 'live') window.pictureAfterMs[target.dataset.camera] ??= performance.now() - started;
  }));
  window.pictureWatch.observe(wall.element, { subtree: true, attributes: true, attributeFilter: ['data-phase'] });
  return wall.toggle(null, { reason: 'measuring the wall' }).then(() => wall.put(cameras));
}
"""
QUALITY = """
() => [...document.querySelectorAll('.wall video')].map((video) => {
  const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality();
  return [totalVideoFrames, droppedVideoFrames];
})
"""


class Cost:
    """CPU seconds and memory of processes with all their children."""

    def __init__(self, pids: Iterable[int]) -> None:
        self.roots = [psutil.Process(pid) for pid in pids]

    def cpu(self) -> float:
        """CPU seconds so far, of those that live."""
        return self._sum(lambda one: sum(one.cpu_times()[:2]))

    def memory(self) -> float:
        """Unshared and shared memory in MiB, shared pages counted once each (PSS)."""
        return self._sum(lambda one: one.memory_full_info().pss) / MEBIBYTE

    def _sum(self, measured: Callable[[psutil.Process], float]) -> float:
        total = 0.0
        for one in self._all():
            with suppress(psutil.NoSuchProcess):  # ended meanwhile
                total += measured(one)
        return total

    def _all(self) -> list[psutil.Process]:
        return [*self.roots, *(child for root in self.roots for child in root.children(recursive=True))]


def cameras(stack: Stack, count: int) -> list[int]:
    """So many cameras that have a picture; a fresh installation learns them from the video system, which takes a moment."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(found := _watchable(stack, count)) < count:
        assert time.monotonic() < deadline, "the video system's cameras did not come"
        time.sleep(0.5)
    return found


def _watchable(stack: Stack, count: int) -> list[int]:
    with bench.connect(stack) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id FROM incidents_camera c JOIN accounts_municipality m ON m.id = c.municipality_id"
            " WHERE m.code = '30000' AND sealed_stream <> '' AND gone_at IS NULL ORDER BY c.id LIMIT %s", [count]
        )  # fmt: skip
        return [one for (one,) in cursor.fetchall()]


def first_pictures(page: Page, wanted: list[int]) -> list[float]:
    """Seconds from the wall's opening to each picture."""
    page.evaluate(OPEN, wanted)
    page.wait_for_function(
        "(count) => Object.keys(window.pictureAfterMs).length >= count",
        arg=len(wanted),
        timeout=PATIENCE_SECONDS * 1000,
    )
    return [ms / 1000 for ms in page.evaluate("Object.values(window.pictureAfterMs)")]


def running(costs: dict[str, Cost], page: Page, seconds: int) -> dict[str, tuple[float, float]]:
    """Cores and MiB of each part while the wall plays for `seconds`."""
    before, started = {name: cost.cpu() for name, cost in costs.items()}, time.monotonic()
    page.wait_for_timeout(seconds * 1000)
    passed = time.monotonic() - started
    return {name: ((cost.cpu() - before[name]) / passed, cost.memory()) for name, cost in costs.items()}


def browser_pids() -> list[int]:
    """Our browser's first process."""
    return [
        child.pid
        for child in psutil.Process().children(recursive=True)
        if "chrom" in child.name() and "--type=" not in " ".join(child.cmdline())
    ]


def costs_of(stack: Stack) -> dict[str, Cost]:
    """What is counted together."""
    pids = stack.pids()
    rest = [pid for name, pid in pids.items() if name.startswith("web") or name in ("sweeper", "postgres", "redis")]
    return {
        "browser": Cost(browser_pids()),
        "media gateway, with its ffmpegs": Cost([pids[GATEWAY]]),
        "web, sweeper, database": Cost(rest),
        "simulated cameras": Cost([pids[CAMERAS]]),
    }


def measure(stack: Stack, page: Page, given: Any) -> tuple[list[float], dict[str, tuple[float, float]]]:
    """One round: the wall is opened, watched and closed."""
    wanted = cameras(stack, given.tiles)
    taken = first_pictures(page, wanted)
    cost = running(costs_of(stack), page, given.seconds)
    shown = page.evaluate(QUALITY)
    bench.say(
        "pictures shown / dropped by the browser since they began",
        f"{sum(one for one, _ in shown)} / {sum(one for _, one in shown)}",
    )
    page.evaluate("ocenter.wall.close()")
    return taken, cost


def main() -> None:
    """Measures and prints."""
    given = bench.options("Wall", tiles=16, seconds=30, rounds=3)
    rounds = []
    with bench.running_stack() as stack, sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        console = Console(stack, browser.new_page(viewport={"width": 1920, "height": 1080}))
        console.sign_in()
        for number in range(1, given.rounds + 1):
            taken, cost = measure(stack, console.page, given)
            rounds.append(taken)
            bench.say(
                f"round {number}: {len(taken)} pictures, first / median / last s",
                f"{min(taken):.1f} / {bench.median(taken):.1f} / {max(taken):.1f}",
            )
            for name, (cores, mebibytes) in cost.items():
                bench.say(f"  {name}: cores / MiB", f"{cores:.2f} / {mebibytes:.0f}")
            # The gateway keeps a stream for a while; the next round is to start from nothing.
            console.page.wait_for_timeout(40_000)
        browser.close()
    bench.say(
        "time to a picture, median of the rounds' medians, s",
        f"{bench.median([bench.median(taken) for taken in rounds]):.1f}",
    )


if __name__ == "__main__":
    main()
