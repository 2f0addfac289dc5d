"""The page's states, each brought about for real, with a picture to look at (`OCENTER_SHOTS=folder`)."""

import http.client
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.console import Console, call, downtown, report, somewhere, wait_until
from tests.stack import Stack

SignIn = Callable[..., Console]
NOISE_OF_A_LOST_LINE = "WebSocket|ERR_|Failed to load"


def restart_webs(stack: Stack) -> None:
    """Every web process dies and is brought back by the supervisor."""
    old = {name: stack.kill(name) for name in stack.pids() if name.startswith("web")}
    for name, pid in old.items():
        stack.wait_for_restart(name, pid)
    deadline = time.monotonic() + 30
    while not stack.ready():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_came_while_the_line_was_down_is_caught_up_and_counted(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    console.expect_noise(NOISE_OF_A_LOST_LINE)
    page.context.set_offline(True)
    page.evaluate("() => ocenter.room.socket.restart()")  # a network that is gone also cuts the line
    expect(page.locator("#connection")).to_have_attribute("data-state", "reconnecting")
    console.shot("reconnecting")
    numbers = [report(live_stack, "BEL-01", *somewhere(71)), report(live_stack, "BEL-01", *somewhere(72))]
    page.context.set_offline(False)
    expect(page.locator("#connection")).to_contain_text(re.compile(r"변경 \d+건 따라잡음"))
    console.shot("caught-up")
    for number in numbers:
        expect(console.row(number)).to_be_visible()
    expect(page.locator("#connection")).to_contain_text("실시간")


def test_a_new_version_is_offered_and_never_loads_by_itself(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    console.expect_noise(NOISE_OF_A_LOST_LINE)
    expect(page.locator("#notices")).to_be_hidden()
    (live_stack.data_dir / "build").write_text(f"build-{time.time_ns()}")
    page.evaluate("() => { window.sameDocument = true; }")
    restart_webs(live_stack)
    notice = page.locator("#notices [data-notice=version]")
    expect(notice).to_contain_text("새 버전이 있습니다")
    console.shot("new-version")
    assert page.evaluate("() => window.sameDocument") is True
    notice.get_by_role("button", name="새로고침").click()
    console.wait_live()
    page.wait_for_function("() => window.sameDocument === undefined && globalThis.ocenter?.room.behind === 0")
    expect(page.locator("#notices")).to_be_hidden()


def seconds_from_now(shown: str) -> float:
    """How far a clock's HH:MM:SS is from Seoul's, across midnight."""
    hours, minutes, seconds = map(int, shown.split(":"))
    off = hours * 3600 + minutes * 60 + seconds - (time.time() + 9 * 3600) % 86400
    return (off + 43200) % 86400 - 43200


def test_a_clock_that_is_off_is_said_and_corrected_and_warned_about_when_far_off(live_stack: Stack, another: SignIn) -> None:
    for off, warned in ((timedelta(seconds=-12), False), (timedelta(seconds=95), True)):
        console = another("operator", clock=off)
        page = console.page
        said = page.locator(".clock-skew")
        expect(said).to_be_visible()
        expect(said).to_contain_text(re.compile(r"1[12]초 느림" if not warned else r"1분 3[45]초 빠름"))
        # Drawn anew every second, and in this computer's own time at first.
        wait_until(lambda: abs(seconds_from_now(page.locator("#clock b").inner_text())) <= 5)
        expect(page.locator("#notices [data-notice=clock]")).to_have_count(int(warned))
        console.shot(f"clock-{'warned' if warned else 'said'}")


def test_the_first_load_shows_what_is_to_come(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    held: list[Route] = []
    page.route("**/api/v1/me", lambda route: held.append(route))
    page.reload()
    expect(page.locator("#queue-list .skeleton").first).to_be_visible()
    expect(page.locator("#connection")).to_contain_text("연결 중")
    console.shot("first-load")
    page.wait_for_function("() => true")
    deadline = time.monotonic() + 20
    while not held:
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)
    held[0].continue_()
    console.wait_live()


def test_an_empty_queue_and_then_one(live_stack: Stack, page: Page) -> None:
    """In the other municipality, where nothing else reports."""
    console = Console(live_stack, page)
    console.sign_in(elsewhere=True)
    expect(page.locator("#queue-empty")).to_contain_text("진행 중인 사건이 없습니다")
    console.shot("empty")
    other = live_stack.demo["other"]
    lat, lon = page.evaluate("async () => { const me = await (await fetch('/api/v1/me')).json(); return [me.municipality.lat, me.municipality.lon] }")
    event = {"id": f"states-{time.time_ns()}", "code": "BEL-01", "occurred_at": datetime.now(UTC).isoformat(), "lat": lat, "lon": lon}
    status, answer = call(live_stack, "POST", "events", other["keys"]["feed"], event)
    assert status == 202, answer
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator("#queue-empty")).to_be_hidden()
    console.shot("one")
    console.open(answer["results"][0]["incident"])
    console.action("false-alarm").click()  # leaves the queue as it was
    page.locator("dialog[open] input[name=code]").first.check(force=True)
    page.locator("dialog[open] button[type=submit]").click()
    expect(page.locator("#queue-empty")).to_be_visible()
    console.assert_quiet()


def test_a_place_that_is_unknown_or_outside_the_city_is_said(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    unknown = report(live_stack, "BEL-01", None, None, summary="위치 미상 신고")
    console.open(unknown)
    expect(page.locator("#panel .chip.whereabouts")).to_have_text("위치 미상")
    expect(page.locator("#panel")).to_contain_text("이 사건의 위치를 알 수 없습니다")
    console.shot("place-unknown")
    outside = report(live_stack, "BEL-01", 35.1796, 129.0756, summary="관할 밖 신고")
    console.open(outside)
    expect(page.locator("#panel .chip.whereabouts")).to_have_text("관할 구역 밖")
    expect(page.locator(f'.pin[data-number="{outside}"] .pin-body')).to_be_visible()
    page.wait_for_function(
        "(number) => { const box = document.querySelector(`.pin[data-number='${number}']`).getBoundingClientRect(), map = document.getElementById('map').getBoundingClientRect(); return box.x > map.x && box.x < map.right && box.y > map.y && box.y < map.bottom }",
        arg=outside,
    )
    console.shot("place-outside")
    for number in (unknown, outside):
        console.open(number)
        console.action("acknowledge").click()
        expect(console.panel_status("acked")).to_be_visible()


def tell_agency(stack: Stack, path: str, body: dict[str, Any]) -> None:
    """Sets something at a simulated agency."""
    connection = http.client.HTTPConnection(urlsplit(stack.agencies_url).netloc, timeout=10)
    connection.request("PUT", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    connection.close()


@contextmanager
def agency(stack: Stack, slug: str) -> Iterator[Callable[[str, dict[str, Any]], None]]:
    """That agency, to be set as one likes, and well and fast again afterwards."""
    try:
        yield lambda what, body: tell_agency(stack, f"/{slug}/{what}", body)
    finally:
        tell_agency(stack, f"/{slug}/faults", {"mode": "none", "rate": 1, "seed": 1})
        tell_agency(stack, f"/{slug}/pace", {"speed": 20})


def relayed(console: Console, seed: int) -> Any:
    """Reports a bell, opens it, tells 112, and returns the relay's card."""
    page = console.page
    console.open(report(console.stack, "BEL-01", *downtown(seed)))
    page.keyboard.press("p")
    page.locator("dialog[open] button[type=submit]").click()
    card = page.locator('#panel .relay[data-agency="police112"]')
    expect(card).to_be_visible()
    return card


def test_a_relay_waits_fails_and_is_called_by_hand(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    with agency(live_stack, "police112") as police:
        police("faults", {"mode": "error", "rate": 1, "seed": 1})
        card = relayed(console, 32)
        expect(page.locator('#panel .relay[data-state="queued"]')).to_be_visible()
        console.shot("relay-pending")
        expect(card.locator(".relay-trouble")).to_be_visible(timeout=25_000)
        console.shot("relay-failed")
        card.get_by_role("button", name="통화 완료").click()
        page.locator("dialog[open] button[type=submit]").click()
        expect(page.locator('#panel .relay[data-state="by_hand"]')).to_be_visible()
        console.shot("relay-by-hand")


def test_a_relay_is_sent_and_accepted_and_says_when(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    with agency(live_stack, "police112") as police:
        police("pace", {"speed": 0.1})
        card = relayed(console, 34)
        expect(page.locator('#panel .relay[data-state="sent"]')).to_be_visible()
        expect(card.locator(".step.here")).to_contain_text(re.compile(r"\d\d:\d\d:\d\d"))
        console.shot("relay-sent")
        police("pace", {"speed": 2})
        expect(page.locator('#panel .relay[data-state="accepted"]')).to_be_visible()
        console.shot("relay-accepted")


def test_muting_counts_down_and_a_new_critical_one_sounds_all_the_same(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    page.mouse.click(700, 600)
    console.open(report(live_stack, "BEL-01", *somewhere(79)))
    page.wait_for_function("() => ocenter.room.player.grade !== null")
    page.keyboard.press("m")
    expect(page.locator("#sound")).to_have_text(re.compile(r"01:5\d"))
    page.wait_for_function("() => ocenter.room.player.grade === null")
    console.shot("muted")
    number = report(live_stack, "CRM-02", *somewhere(76))
    page.wait_for_function("() => ocenter.room.player.grade === 'G1'")
    page.keyboard.press("m")
    console.open(number)
    page.keyboard.press("a")
    expect(console.panel_status("acked")).to_be_visible()


def test_a_screen_of_one_who_may_only_look_and_a_session_that_ended(live_stack: Stack, sign_in: SignIn, context: BrowserContext) -> None:
    console = sign_in("auditor")
    console.expect_noise("WebSocket|status of 40[13]")
    console.open(report(live_stack, "BEL-01", *downtown(36)))
    expect(console.page.locator("#panel .actions-off")).to_be_visible()
    expect(console.page.locator("#panel [data-action], .note-form")).to_have_count(0)
    console.shot("read-only")
    console.page.keyboard.press("Space")
    expect(console.page.locator("#history-frame")).to_be_visible()
    console.shot("history-read-only")
    console.page.keyboard.press("Space")
    context.clear_cookies()
    console.page.evaluate("() => ocenter.room.socket.restart()")
    expect(console.page.locator("#banner.expired")).to_be_visible()
    console.shot("session-ended")
