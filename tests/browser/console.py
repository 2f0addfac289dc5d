"""The operator's page as a test sees it."""

import http.client
import itertools
import json
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

from tests.stack import Stack

SHOTS = os.environ.get("OCENTER_SHOTS")
DAEJEON = (36.3504, 127.3845)
_ids = itertools.count(1)

# Every row's first appearance, stamped by the clock that the test's process shares with the browser.
WATCH_ROWS = """
() => {
  window.firstSeen = {};
  const note = () => document.querySelectorAll('.row[data-number]').forEach((row) => {
    window.firstSeen[row.dataset.number] ??= Date.now();
  });
  new MutationObserver(note).observe(document.getElementById('queue-list'), { childList: true });
}
"""


def call(stack: Stack, method: str, path: str, key: str, body: Any = None) -> tuple[int, Any]:
    """One REST call with a key of demo.json: status and decoded body."""
    connection = http.client.HTTPConnection(urlsplit(stack.base_url).netloc, timeout=15)
    headers = {"Authorization": f"Bearer {stack.demo['keys'][key]}", "Content-Type": "application/json"}
    try:
        connection.request(method, f"/api/v1/{path}", json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


def report(stack: Stack, code: str, lat: float, lon: float, **more: Any) -> str:
    """Reports one event as the demo's feed and returns the number of its incident."""
    now = datetime.now(UTC).isoformat()
    event = {"id": f"browser-{os.getpid()}-{next(_ids)}", "code": code, "occurred_at": now, "lat": lat, "lon": lon}
    status, answer = call(stack, "POST", "events", "feed", event | more)
    assert status == 202, answer
    return answer["results"][0]["incident"]


def somewhere(seed: int) -> tuple[float, float]:
    """A place in Daejeon further than the correlation radius from those of other seeds."""
    return DAEJEON[0] + 0.004 * (seed % 9) - 0.016, DAEJEON[1] + 0.005 * (seed // 9 % 9) - 0.02


def downtown(seed: int) -> tuple[float, float]:
    """A place with cameras around it, further than the correlation radius from those of other seeds."""
    return 36.3245 + 0.0025 * seed, 127.4271


class Console:
    """One open page: signs in, finds its parts, and collects whatever noise it makes."""

    def __init__(self, stack: Stack, page: Page) -> None:
        self.stack, self.page = stack, page
        self.noise: list[str] = []
        self.expected: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.noise.append(f"page error: {error}"))
        page.on("request", self._asked)

    def sign_in(self, role: str = "operator") -> None:
        user = self.stack.demo["users"][role]
        self.page.goto(self.stack.base_url)
        self.page.fill("[name=username]", user["username"])
        self.page.fill("[name=password]", user["password"])
        self.page.click(".entrance-form .primary")
        self.wait_live()
        self.page.evaluate(WATCH_ROWS)

    def wait_live(self) -> None:
        expect(self.page.locator("#connection[data-state=live]")).to_be_visible()
        expect(self.page.locator(".skeleton")).to_have_count(0)

    def expect_noise(self, pattern: str) -> None:
        """Lets messages that match pass: the browser itself reports every 4xx answer as an error."""
        self.expected.append(pattern)

    def assert_quiet(self) -> None:
        noise = [line for line in self.noise if not any(re.search(pattern, line) for pattern in self.expected)]
        assert noise == []

    def row(self, number: str) -> Locator:
        return self.page.locator(f'.row[data-number="{number}"]')

    def open(self, number: str) -> None:
        self.row(number).locator("button").click()
        expect(self.panel_status()).to_be_visible()

    def panel_status(self, status: str | None = None) -> Locator:
        return self.page.locator("#panel .chip[data-status]" if status is None else f'#panel .chip[data-status="{status}"]')

    def action(self, name: str) -> Locator:
        return self.page.locator(f'#panel [data-action="{name}"]')

    def seen_after_ms(self, number: str, since: float) -> float:
        """Milliseconds from `since` (time.time()) to the row's appearance."""
        self.page.wait_for_function("(number) => window.firstSeen[number]", arg=number)
        return self.page.evaluate("(number) => window.firstSeen[number]", number) - since * 1000

    def shot(self, name: str) -> None:
        """A picture to look at, where $OCENTER_SHOTS names a folder."""
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(SHOTS) / f"{name}.png")

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.noise.append(f"console: {message.text} {message.location.get('url', '')}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.stack.base_url, "data:", "blob:")):
            self.noise.append(f"left the origin: {request.url}")


def wait_until(condition: Any, *, seconds: float = 15) -> None:
    """Polls until `condition()` is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
