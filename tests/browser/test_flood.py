"""A flood: the most urgent stay in sight, the rest is counted and comes as one scrolls, and nothing is lost of it."""

import itertools
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from tests.browser.console import Console, call, report
from tests.stack import Stack

SignIn = Callable[..., Console]
DRAWN, FLOOD = 120, 500
_floods = itertools.count()


def events(mark: str, action: str) -> list[dict]:
    now = datetime.now(UTC).isoformat()
    return [
        {
            "id": f"{mark}.{action}.{n}", "subject": f"{mark}.{n}", "action": action, "code": "ORD-04", "occurred_at": now,
            "lat": 36.20 + 0.004 * (n // 40), "lon": 127.25 + 0.005 * (n % 40),
        }
        for n in range(FLOOD)
    ]  # fmt: skip


@pytest.fixture
def flood(live_stack: Stack) -> Iterator[str]:
    """Five hundred reports of dumping, which end with the test."""
    mark = f"flood-{time.time_ns()}-{next(_floods)}"
    status, answer = call(live_stack, "POST", "events", "feed", events(mark, "report"))
    assert status == 202 and answer["accepted"] == FLOOD
    yield mark
    call(live_stack, "POST", "events", "feed", events(mark, "end"))


def test_the_queue_draws_the_first_and_says_how_many_follow(sign_in: SignIn, live_stack: Stack, flood: str) -> None:
    console = sign_in()
    rows, more = console.page.locator("#queue-list .row"), console.page.locator(".queue-more button")
    expect(rows).to_have_count(DRAWN)
    left = console.page.evaluate("ocenter.room.queue.order.length") - DRAWN
    expect(more).to_contain_text(str(left))
    number = report(live_stack, "CRM-01", 36.34, 127.39)
    expect(rows.first).to_have_attribute("data-number", number)
    more.scroll_into_view_if_needed()
    expect(rows).to_have_count(2 * DRAWN)
    console.shot("flood")


def test_who_goes_down_the_queue_by_key_finds_every_row(sign_in: SignIn, flood: str) -> None:
    console = sign_in()
    expect(console.page.locator("#queue-list .row")).to_have_count(DRAWN)
    last = console.page.evaluate("ocenter.room.queue.order.at(-1)")
    before = console.page.evaluate("ocenter.room.queue.order.at(-2)")
    console.page.evaluate("(number) => ocenter.room.open(number)", before)
    console.page.keyboard.press("KeyJ")
    expect(console.row(last)).to_be_in_viewport()
    expect(console.row(last)).to_have_class(re.compile("chosen"))
