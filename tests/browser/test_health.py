"""A feed that falls silent, late, noisy or speaks nonsense is seen in the header and on the health page within its own
limit, and no longer once it has recovered."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg2
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.console import Console, call, report, somewhere, wait_until
from tests.stack import Stack

SignIn = Callable[..., Console]
FEED = "feed"


class Knobs:
    """An administrator's limits, and the clock, turned in the database of the running stack."""

    def __init__(self, stack: Stack) -> None:
        running = json.loads((stack.data_dir / "running.json").read_text())
        self.connection = psycopg2.connect(running["environment"]["OCENTER_DATABASE_URL"])
        self.connection.autocommit = True
        self.town = stack.demo["municipality"]

    def turn(self, changes: str) -> None:
        """Changes the feed's row."""
        self.run(f"UPDATE linkage_linkedsystem SET {changes} WHERE id = (%s)")

    def run(self, query: str) -> None:
        mine = "SELECT s.id FROM linkage_linkedsystem s JOIN accounts_municipality m ON m.id = s.municipality_id "
        mine += "WHERE s.slug = %s AND m.code = %s"
        with self.connection.cursor() as cursor:
            cursor.execute(query.replace("%s", mine, 1), [FEED, self.town])


@pytest.fixture
def knobs(live_stack: Stack) -> Iterator[Knobs]:
    knobs = Knobs(live_stack)
    yield knobs
    knobs.turn("quiet_limit_s = 86400, late_limit_s = 600, noisy_limit_per_min = 0, last_delay_s = 0")
    knobs.run("UPDATE linkage_quarantined SET state = 'discarded' WHERE system_id = (%s)")
    knobs.connection.close()


def post_raw(stack: Stack, path: str, body: bytes) -> int:
    connection = http.client.HTTPConnection(urlsplit(stack.base_url).netloc, timeout=15)
    try:
        headers = {"Authorization": f"Bearer {stack.demo['keys'][FEED]}", "Content-Type": "application/json"}
        connection.request("POST", f"/api/v1/{path}", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def badge(console: Console, state: str) -> Locator:
    return console.page.locator(f'.link-count[data-state="{state}"]')


def row(console: Console) -> Locator:
    return console.page.locator(f'tr[data-slug="{FEED}"]')


def test_the_header_shows_a_feed_in_trouble_and_its_recovery(live_stack: Stack, sign_in: SignIn, knobs: Knobs) -> None:
    report(live_stack, "BEL-01", *somewhere(31))
    console = sign_in()
    page = console.page
    page.locator(".links-button").click()
    mine = page.locator(f'#links-list li[data-slug="{FEED}"]')

    def shows(state: str) -> None:
        expect(mine).to_have_attribute("data-state", state)
        if state != "ok":
            expect(badge(console, state)).to_be_visible()

    shows("ok")
    # Silent beyond its limit of four seconds: seen two ticks after that at the latest.
    began = time.monotonic()
    knobs.turn("quiet_limit_s = 4")
    shows("stopped")
    assert time.monotonic() - began < 12
    expect(mine).to_contain_text("4초 넘게")
    expect(page.locator("#links [role=status]")).to_contain_text("시연용 연계: 중단")
    console.shot("links")
    knobs.turn("quiet_limit_s = 86400")
    call(live_stack, "POST", "events", FEED, [])  # a sign of life
    shows("ok")

    # Late: an event that is twenty minutes old, then one that is not.
    old = (datetime.now(UTC) - timedelta(minutes=20)).isoformat()
    report(live_stack, "BEL-01", *somewhere(32), occurred_at=old)
    shows("late")
    report(live_stack, "BEL-01", *somewhere(33))
    shows("ok")

    # Noisy: more than its two in a minute, until the minute has passed.
    knobs.turn("noisy_limit_per_min = 2")
    report(live_stack, "BEL-01", *somewhere(34))
    shows("noisy")
    knobs.run("UPDATE incidents_event SET received_at = received_at - interval '1 minute' WHERE system_id = (%s)")
    shows("ok")

    # Nonsense: in quarantine, until somebody has dealt with it.
    assert post_raw(live_stack, "feeds/its", b'{"no": "such thing"}') == 400
    shows("bad_data")
    knobs.run("UPDATE linkage_quarantined SET state = 'discarded' WHERE system_id = (%s)")
    shows("ok")


def test_an_area_is_outlined_and_filled_while_its_incident_is_open(live_stack: Stack, sign_in: SignIn) -> None:
    lat, lon = somewhere(36)
    ring = [[lon - 0.01, lat - 0.01], [lon + 0.01, lat - 0.01], [lon + 0.01, lat + 0.01], [lon - 0.01, lat - 0.01]]
    console = sign_in()
    number = report(live_stack, "DIS-01", lat, lon, area={"type": "Polygon", "coordinates": [ring]}, subject="warning-36")
    outline = console.page.locator("path.area")
    expect(outline).to_have_count(1)
    expect(console.page.locator("path.area.chosen")).to_have_count(0)
    console.open(number)
    expect(console.page.locator("path.area.chosen")).to_have_count(1)
    console.shot("area")
    # The source describes it anew, then says that it is over: the outline follows, and goes.
    wider = [[x + (0.01 if x > lon else -0.01), y] for x, y in ring]
    before = outline.get_attribute("d")
    report(live_stack, "DIS-01", lat, lon, area={"type": "Polygon", "coordinates": [wider]}, subject="warning-36")
    expect(outline).not_to_have_attribute("d", before)
    expect(console.page.locator('.moment[data-kind="incident.updated"]')).to_be_visible()
    report(live_stack, "DIS-01", lat, lon, action="end", subject="warning-36")
    expect(outline).to_have_count(0)


def test_the_list_of_links_works_with_the_keyboard_alone(sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    page.locator(".links-button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#links-list")).to_be_focused()
    expect(page.locator(".links-button")).to_have_attribute("aria-expanded", "true")
    assert page.locator("#links-list li").count() >= 8
    page.keyboard.press("Escape")
    expect(page.locator("#links-list")).to_be_hidden()
    expect(page.locator(".links-button")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(2):  # a list that has to scroll is a stop of its own
        if not page.locator(".links-page").evaluate("(link) => link === document.activeElement"):
            page.keyboard.press("Tab")
    expect(page.locator(".links-page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{console.stack.base_url}/health/")
    expect(page.locator(".links-table tbody tr").first).to_be_visible()


def test_the_health_page_keeps_itself_fresh_and_says_when_it_cannot(live_stack: Stack, sign_in: SignIn, knobs: Knobs) -> None:
    report(live_stack, "BEL-01", *somewhere(35))
    console = sign_in("administrator")
    page = console.page
    page.goto(f"{live_stack.base_url}/health/")
    expect(row(console)).to_have_attribute("data-state", "ok")
    expect(page.locator('[data-part="database"].good, [data-part="bell"].good, [data-part="sweeper"].good')).to_have_count(3)
    expect(page.locator('[data-part="worker"].good')).to_be_visible()  # through beat, broker and worker
    page.locator(f'tr[data-slug="{FEED}"] a').first.focus()
    knobs.turn("last_error = 'HTTP 503', last_error_at = now() + interval '1 hour'")
    expect(row(console)).to_have_attribute("data-state", "stopped")
    expect(row(console)).to_contain_text("HTTP 503")
    expect(page.locator("#verdict")).to_contain_text("중단")
    expect(page.locator(f'tr[data-slug="{FEED}"] a').first).to_be_focused()
    page.emulate_media(media="print")
    console.shot("health-print")
    page.emulate_media(media="screen")
    console.shot("health")
    knobs.turn("last_error = ''")
    expect(row(console)).to_have_attribute("data-state", "ok")

    console.expect_noise("ERR_FAILED|Failed to fetch")
    page.route("**/api/v1/health", lambda route: route.abort())
    expect(page.locator("#lost")).to_be_visible()
    expect(page.locator("#freshness")).to_have_attribute("data-state", "stale")
    page.unroute("**/api/v1/health")
    expect(page.locator("#lost")).to_be_hidden()
    wait_until(lambda: page.locator("#freshness").get_attribute("data-state") == "live")
