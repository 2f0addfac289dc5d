"""What a browser fetches for the first look at the page, and for the next one: requests and bytes over the wire.

    python -m benchmarks.wire

Counted by Chromium itself (DevTools protocol, headers included) against the running stack with the demo city's
points, from signing in to the last request: once with an empty cache, once with the one that this filled.
Needs Chromium (`/usr/bin/chromium`).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

from benchmarks import bench
from benchmarks.dom import ARGUMENTS, CHROMIUM
from tests.browser.console import Console

SETTLE_MS = 3_000


class Wire:
    """Counts what the page of `page` fetches from now on."""

    def __init__(self, page: Page) -> None:
        self.kinds: dict[str, str] = {}
        self.bytes: dict[str, float] = defaultdict(float)
        self.count: dict[str, int] = defaultdict(int)
        devtools = page.context.new_cdp_session(page)
        devtools.on("Network.responseReceived", self._began)
        devtools.on("Network.loadingFinished", self._ended)
        devtools.send("Network.enable")

    def _began(self, event: dict[str, Any]) -> None:
        path = urlsplit(event["response"]["url"]).path
        kind = "font" if path.endswith(".woff2") else "data" if "/api/" in path or "/basemap/" in path else event["type"].lower()
        self.kinds[event["requestId"]] = kind

    def _ended(self, event: dict[str, Any]) -> None:
        kind = self.kinds.get(event["requestId"], "other")
        self.bytes[kind] += event["encodedDataLength"]
        self.count[kind] += event["encodedDataLength"] > 0

    def say(self, name: str) -> None:
        """One line a kind, and the sum."""
        for kind, size in sorted(self.bytes.items(), key=lambda one: -one[1]):
            bench.say(f"{name}: {kind}", f"{self.count[kind]} requests, {size / 1000:.1f} kB")
        bench.say(f"{name}: all", f"{sum(self.count.values())} requests, {sum(self.bytes.values()) / 1000:.1f} kB")


def main() -> None:
    """Starts a stack, loads the page twice and prints."""
    with bench.running_stack() as stack, sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        console = Console(stack, page)
        first = Wire(page)
        console.sign_in()
        page.wait_for_timeout(SETTLE_MS)
        first.say("first load")
        again = Wire(page)
        page.goto(stack.base_url)
        console.wait_live()
        page.wait_for_timeout(SETTLE_MS)
        again.say("next load")
        browser.close()


if __name__ == "__main__":
    main()
