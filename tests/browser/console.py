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

from tests.stack import ROOT, Stack

# Rules that axe itself leaves out of an ordinary run; naming a tag would bring them in.
EXPERIMENTAL = ("css-orientation-lock", "focus-order-semantics", "hidden-content", "p-as-heading", "table-fake-caption", "td-has-header")
SHOTS = os.environ.get("OCENTER_SHOTS")
# A stream that is starting answers 503 with Retry-After, which the player understands and Chromium calls an error.
STARTING_STREAM = r"status of 503 .*/video/"
# An incident may end while its cameras are being opened, one after the other: the server knows before the page.
ENDED_MEANWHILE = r"status of 400 .*/cameras/\d+/views$"
DAEJEON = (36.3504, 127.3845)
_ids = itertools.count(1)
_reported: list[tuple[Stack, dict[str, Any]]] = []

# What toasts said, with the time: they go away by themselves, perhaps while a busy machine looks elsewhere.
WATCH_TOASTS = """
() => {
  window.toastsSaid = [];
  const note = (records) => records.forEach(({ addedNodes }) => addedNodes.forEach((node) => window.toastsSaid.push(node.textContent)));
  new MutationObserver(note).observe(document.getElementById('toasts'), { childList: true });
}
"""
# A quarter of a second's frames in which the map shows the same place: no flight, no glide.
MAP_RESTS = """
async () => {
  for (let still = 0, was = ''; still < 15;) {
    await new Promise(requestAnimationFrame);
    const place = `${ocenter.map.map.getCenter()} ${ocenter.map.map.getZoom()}`;
    still = place === was ? still + 1 : 0;
    was = place;
  }
}
"""
# Half-way between two themes colours are neither's. What never ends is not waited for.
COLOURS_SETTLE = """
() => Promise.all(document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
  .map((one) => one.finished.catch(() => {})))
"""
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
    """One REST call with a key, or with one of demo.json by its name: status and decoded body."""
    connection = http.client.HTTPConnection(urlsplit(stack.base_url).netloc, timeout=15)
    headers = {"Authorization": f"Bearer {stack.demo['keys'].get(key, key)}", "Content-Type": "application/json"}
    try:
        connection.request(method, f"/api/v1/{path}", json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


def report(stack: Stack, code: str, lat: float | None, lon: float | None, **more: Any) -> str:
    """Reports one event as the demo's feed and returns the number of its incident."""
    return report_all(stack, [{"code": code, "lat": lat, "lon": lon} | more])[0]


def report_all(stack: Stack, events: list[dict[str, Any]]) -> list[str]:
    """Reports them in one request, as happening now, and returns the numbers of their incidents."""
    now = datetime.now(UTC).isoformat()
    sent = [{"id": f"browser-{os.getpid()}-{next(_ids)}", "occurred_at": now} | one for one in events]
    status, answer = call(stack, "POST", "events", "feed", sent)
    assert status == 202, answer
    _reported.extend((stack, one) for one in sent)
    return [one["incident"] for one in answer["results"]]


def forget_reports() -> None:
    """Another test begins."""
    _reported.clear()


def withdraw_reports() -> None:
    """Takes back what was reported, or a second try's events would join the incidents of the first."""
    for stack, event in list(_reported):
        report(stack, event["code"], None, None, refers_to=[event["id"]], action="cancel")


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
        self.expected: list[str] = [STARTING_STREAM, ENDED_MEANWHILE]
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.noise.append(f"page error: {error}"))
        page.on("request", self._asked)

    def sign_in(self, role: str = "operator", *, elsewhere: bool = False) -> None:
        """Signs in through the form; `elsewhere` as the same role of the other municipality."""
        user = (self.stack.demo["other"] if elsewhere else self.stack.demo)["users"][role]
        self.page.goto(self.stack.base_url)
        self.page.fill("[name=username]", user["username"])
        self.page.fill("[name=password]", user["password"])
        self.page.click(".entrance-form .primary")
        self.wait_live()
        self.page.evaluate(WATCH_ROWS)
        self.page.evaluate(WATCH_TOASTS)

    def wait_live(self) -> None:
        """Until the line is live, the queue is filled and the map has its base and points (`ocenter` comes last)."""
        expect(self.page.locator("#connection[data-state=live]")).to_be_visible()
        expect(self.page.locator(".skeleton")).to_have_count(0)
        self.page.wait_for_function("() => window.ocenter")

    def wait_map_rests(self) -> None:
        """Until the map has come where it was flying."""
        self.page.evaluate(MAP_RESTS)

    def expect_noise(self, pattern: str) -> None:
        """Lets messages that match pass: the browser itself reports every 4xx answer as an error."""
        self.expected.append(pattern)

    def assert_quiet(self) -> None:
        noise = [line for line in self.noise if not any(re.search(pattern, line) for pattern in self.expected)]
        assert not noise, noise

    def row(self, number: str) -> Locator:
        return self.page.locator(f'.row[data-number="{number}"]')

    def open(self, number: str) -> None:
        """Opens an incident by its row, going down the queue for it as far as need be."""
        row, more = self.row(number), self.page.locator(".queue-more button")
        while not row.count() and more.count():
            more.evaluate_all("buttons => buttons.forEach((one) => one.scrollIntoView())")
        row.locator("button").click()
        expect(self.panel_status()).to_be_visible()

    def panel_status(self, status: str | None = None) -> Locator:
        return self.page.locator("#panel .chip[data-status]" if status is None else f'#panel .chip[data-status="{status}"]')

    def action(self, name: str) -> Locator:
        return self.page.locator(f'#panel [data-action="{name}"]')

    def seen_after_ms(self, number: str, since: float) -> float:
        """Milliseconds from `since` (time.time()) to the row's appearance."""
        self.page.wait_for_function("(number) => window.firstSeen[number]", arg=number)
        return self.page.evaluate("(number) => window.firstSeen[number]", number) - since * 1000

    def toasts(self) -> list[str]:
        """What every toast since the sign-in has said, also those that are gone."""
        return self.page.evaluate("window.toastsSaid")

    def findings(self) -> list[str]:
        """What axe-core calls serious or critical on the page as it stands: rule and place, for WCAG 2.2 A and AA."""
        return findings(self.page)

    def shot(self, name: str) -> None:
        """A picture to look at, where $OCENTER_SHOTS names a folder."""
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.evaluate(COLOURS_SETTLE)
            self.page.screenshot(path=Path(SHOTS) / f"{name}.png")

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.noise.append(f"console: {message.text} {message.location.get('url', '')}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.stack.base_url, "data:", "blob:")):
            self.noise.append(f"left the origin: {request.url}")


def findings(page: Page) -> list[str]:
    """Serious and critical findings of axe-core (from node_modules, put in past the page's own CSP)."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate((ROOT / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8"))
    page.evaluate(COLOURS_SETTLE)
    found = page.evaluate(
        """async (EXPERIMENTAL) => (await axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], rules: EXPERIMENTAL })).violations
          .filter(({ impact }) => impact === 'serious' || impact === 'critical')
          .flatMap(({ id, nodes }) => nodes.slice(0, 3).map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`))""",
        dict.fromkeys(EXPERIMENTAL, {"enabled": False}),
    )
    return sorted(found)


def wait_until(condition: Any, *, seconds: float = 15) -> None:
    """Polls until `condition()` is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
