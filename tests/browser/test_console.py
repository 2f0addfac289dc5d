"""The operator's page: what it shows, what its keys do, and that it never pretends."""

import json
import os
import re
import signal
import time
from collections.abc import Callable
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.console import Console, downtown, report, somewhere, wait_until
from tests.stack import Stack

# The page's own words; what feeds and registries say keeps their language.
CHROME = "h1, h3, dt, dd kbd, .queue-head, .actions button, .axis button, .note-form, .chip, #connection, #unseen, .axis-name, .map-tools, dialog"
HANGUL = re.compile("[가-힣]")
SIZES = [(1366, 768), (1920, 1080), (3840, 2160)]
SignIn = Callable[..., Console]
# Where a single camera is drawn that nothing covers.
FREE_CAMERA = """() => {
  const { map, points } = ocenter.map, size = map.getSize(), box = map.getContainer().getBoundingClientRect();
  for (const { set, x, y, count } of points.all()) {
    const top = document.elementFromPoint(box.x + x, box.y + y);
    const free = top?.closest('.map') && !top.closest('.pin, button');
    if (set === 'cameras' && count === 1 && free && x > 80 && y > 150 && x < size.x - 80 && y < size.y - 80) return { x: box.x + x, y: box.y + y };
  }
}"""


ACKNOWLEDGE = "(number) => import('/static/js/api.js').then(({ act }) => act(number, 'acknowledge'))"


def test_a_new_critical_incident_goes_on_top_and_steals_nothing(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    mine = report(live_stack, "BEL-01", *somewhere(1))
    console.open(mine)
    page.keyboard.press("n")
    page.keyboard.type("half a sen")
    critical = report(live_stack, "CRM-02", *somewhere(2))
    expect(console.row(critical)).to_be_visible()
    expect(page.locator(".row").first).to_have_attribute("data-number", critical)
    expect(page.locator(".arrival.G1")).to_be_visible()
    expect(page.locator("#unseen span.G1")).to_be_visible()
    expect(page.locator(".row.chosen")).to_have_attribute("data-number", mine)
    expect(page.locator(".note-form input")).to_be_focused()
    page.keyboard.type("tence")
    expect(page.locator(".note-form input")).to_have_value("half a sentence")
    console.shot("new-critical")
    page.keyboard.press("Enter")
    expect(page.locator('.moment[data-kind="incident.noted"]')).to_contain_text("half a sentence")
    expect(page.locator(".note-form input")).to_have_value("")


def test_a_card_goes_once_its_incident_is_opened_or_somebody_has_seen_to_it(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    cards = console.page.locator(".arrival.G1:not(.escalation)")
    for seed, deed in ((37, console.open), (38, lambda number: console.page.evaluate(ACKNOWLEDGE, number))):
        number = report(live_stack, "CRM-02", *somewhere(seed))
        expect(cards).to_have_count(1)
        deed(number)
        expect(cards).to_have_count(0, timeout=5000)  # by itself it stays for fifteen seconds


def test_an_open_popup_survives_updates(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    number = report(live_stack, "BEL-01", *somewhere(3))
    console.open(number)
    page.wait_for_function("() => ocenter.map.points?.shown")
    console.wait_map_rests()
    spot = page.evaluate(FREE_CAMERA)
    assert spot, "no single camera in view"
    page.mouse.click(spot["x"], spot["y"])
    popup = page.locator(".leaflet-popup")
    expect(popup).to_be_visible()
    words = popup.inner_text()
    for n in range(3):
        expect(console.row(report(live_stack, "BEL-01", *somewhere(4 + n)))).to_be_visible()
    expect(popup).to_be_visible()
    assert popup.inner_text() == words


def test_the_panel_shows_five_numbered_cameras_within_500_metres(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    console.open(report(live_stack, "BEL-01", *downtown(0)))
    page = console.page
    expect(page.locator("#panel .cam").first).to_be_visible()
    count = page.locator("#panel .cam, #panel .camera").count()
    assert 1 <= count <= 5
    expect(page.locator(".near-pin")).to_have_count(count)
    expect(page.locator("path.near-circle")).to_have_count(1)
    expect(page.locator("path.near-line")).to_have_count(count)
    expect(page.locator("#panel .cam").first).to_contain_text(re.compile(r"(북|동|남|서)+ \d+ m"))
    console.shot("open-incident")


def test_closing_is_reached_by_its_key_once_it_is_allowed(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    number = report(live_stack, "BEL-01", *somewhere(13))
    console.open(number)
    page.keyboard.press("c")
    expect(page.locator("dialog")).to_have_count(0)
    for action, status in (("acknowledge", "acked"), ("confirm", "confirmed")):
        console.action(action).click()
        expect(console.panel_status(status)).to_be_visible()
    page.keyboard.press("c")
    dialog = page.locator("dialog[open]")
    dialog.locator("button[type=submit]").click()
    expect(dialog.locator(".refusal")).to_be_visible()
    dialog.locator("input[name=result_code]").nth(1).check()
    dialog.locator('.sop-closing [data-option="none"]').click()
    expect(dialog.locator(".sop-closing")).to_be_hidden()
    dialog.locator("button[type=submit]").click()
    expect(console.row(number)).to_have_count(0)
    # The socket may be quicker than the answer that closes the dialog; until it has gone, Escape is the dialog's.
    expect(dialog).to_have_count(0)
    page.keyboard.press("Escape")
    expect(console.panel_status()).to_have_count(0)
    page.fill("#search", number)
    page.locator("#search").press("Enter")
    page.locator("#queue-ended ol button").first.click()
    expect(console.panel_status("closed")).to_be_visible()
    console.shot("ended")
    page.fill("#search", "")
    console.action("reopen").click()
    dialog.locator("textarea").fill("다시 신고됨")
    dialog.locator("button[type=submit]").click()
    expect(console.row(number)).to_be_visible()


def test_false_alarm_and_shelving_ask_for_a_reason(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    dialog = console.page.locator("dialog[open]")
    shelved = report(live_stack, "ORD-01", *somewhere(14))
    console.open(shelved)
    console.action("shelve").click()
    dialog.locator("button[type=submit]").click()
    expect(dialog.locator(".refusal")).to_be_visible()
    dialog.locator("input[name=text]").fill("순찰 중")
    dialog.locator("button[type=submit]").click()
    expect(console.page.locator(f'.row.shelved[data-number="{shelved}"]')).to_be_visible()
    console.action("unshelve").click()
    expect(console.page.locator(f'.row.shelved[data-number="{shelved}"]')).to_have_count(0)
    console.action("false-alarm").click()
    dialog.locator("input[name=code]").first.check(force=True)
    dialog.locator("button[type=submit]").click()
    expect(console.row(shelved)).to_have_count(0)


def test_of_two_who_press_a_at_once_the_second_is_told_who_was_first(live_stack: Stack, sign_in: SignIn, another: SignIn) -> None:
    """The first one's press is held on its way until the other's has been recorded."""
    slow, fast = sign_in("operator"), another("supervisor")
    slow.expect_noise("status of 409")
    number = report(live_stack, "BEL-01", *somewhere(15))
    held: list[Route] = []
    slow.page.route("**/acknowledge", lambda route: held.append(route))
    slow.open(number)
    slow.page.keyboard.press("a")
    fast.open(number)
    wait_until(lambda: slow.page.evaluate("1") and held)
    expect(slow.panel_status("open")).to_be_visible()  # nothing is assumed while the answer is out
    fast.page.keyboard.press("a")
    expect(fast.panel_status("acked")).to_be_visible()
    expect(slow.panel_status("acked")).to_be_visible()
    held[0].continue_()
    told = "이상황 님이 먼저 확인했습니다현재 상태: 확인됨."
    slow.page.wait_for_function("(told) => window.toastsSaid.includes(told)", arg=told)
    # Another incident's procedure may run late meanwhile, and that is said, too.
    assert [[said for said in one.toasts() if not said.startswith("단계 시간 초과")] for one in (slow, fast)] == [[told], []]
    slow.shot("second")
    holders = [one.page.locator("#panel .chip[data-status]").inner_text() for one in (slow, fast)]
    assert holders[0] == holders[1]


def test_history_is_framed_and_its_actions_are_off(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    number = report(live_stack, "BEL-01", *somewhere(16))
    console.open(number)
    page.keyboard.press("Space")
    expect(page.locator("#history-frame p")).to_contain_text("KST")
    expect(page.locator("#panel [data-action]")).to_have_count(0)
    expect(page.locator(".note-form")).to_be_hidden()
    later = report(live_stack, "BEL-01", *somewhere(17))
    page.wait_for_function("(n) => ocenter.room.state.incidents.has(n)", arg=later)
    expect(console.row(later)).to_have_count(0)
    console.shot("history")
    page.keyboard.press("Space")
    expect(console.row(later)).to_be_visible()
    expect(console.action("acknowledge")).to_be_enabled()


def test_the_language_is_switched_whole(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    page.click(".language button")
    console.wait_live()
    assert page.get_attribute("html", "lang") == "en"
    number = report(live_stack, "BEL-01", *somewhere(18))
    console.open(number)
    page.keyboard.press("?")
    for words in page.locator(CHROME).all_inner_texts():
        assert not HANGUL.search(words), words
    console.shot("english")
    page.keyboard.press("Escape")
    page.click(".language button")
    console.wait_live()
    assert page.get_attribute("html", "lang") == "ko"


def test_the_theme_is_kept_and_known_before_the_first_paint(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    assert page.get_attribute("html", "data-theme") == "dark"
    page.click("#theme")
    assert page.get_attribute("html", "data-theme") == "light"
    assert page.evaluate("getComputedStyle(document.querySelector('.queue')).backgroundColor") == "rgb(255, 255, 255)"
    with urlopen(Request(page.url, headers={"Cookie": "; ".join(f"{c['name']}={c['value']}" for c in page.context.cookies())})) as answer:
        assert b'data-theme="light"' in answer.read()
    console.shot("light")


def test_a_role_that_may_only_look_gets_no_buttons(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in("auditor")
    console.open(report(live_stack, "BEL-01", *somewhere(19)))
    expect(console.page.locator("#panel .actions-off")).to_be_visible()
    expect(console.page.locator("#panel [data-action], .note-form")).to_have_count(0)
    console.page.keyboard.press("a")
    expect(console.panel_status("open")).to_be_visible()


def test_a_filter_that_hides_an_urgent_incident_says_so(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    expect(console.row(report(live_stack, "BEL-01", *somewhere(20)))).to_be_visible()
    console.page.fill("#search", "nothing is called like this")
    expect(console.page.locator("#queue-empty")).to_be_visible()
    expect(console.page.locator("#queue-notice")).to_contain_text(re.compile(r"\d+"))


def test_a_stopped_server_is_seen_within_five_seconds_and_its_return_too(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    console.expect_noise("WebSocket|ERR_|Failed to load")
    webs = [pid for name, pid in live_stack.pids().items() if name.startswith("web")]
    for pid in webs:
        os.kill(pid, signal.SIGSTOP)
    stopped = time.monotonic()
    try:
        expect(page.locator("#banner")).to_be_visible(timeout=7_000)
        assert time.monotonic() - stopped < 6
        console.shot("stale")
    finally:
        for pid in webs:
            os.kill(pid, signal.SIGCONT)
    expect(page.locator("#banner")).to_be_hidden(timeout=30_000)
    console.wait_live()


def test_killed_web_processes_lose_nothing(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    console.expect_noise("WebSocket|ERR_|Failed to load")
    old = {name: live_stack.kill(name) for name in live_stack.pids() if name.startswith("web")}
    for name, pid in old.items():
        live_stack.wait_for_restart(name, pid)
    deadline = time.monotonic() + 30
    while not live_stack.ready():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    number = report(live_stack, "BEL-01", *somewhere(21))
    expect(console.row(number)).to_be_visible(timeout=30_000)
    expect(console.page.locator("#connection")).to_have_attribute("data-state", "live")


def test_a_gap_brings_a_fresh_snapshot(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    first = report(live_stack, "BEL-01", *somewhere(22))
    expect(console.row(first)).to_be_visible()
    page.evaluate("() => { const s = ocenter.room.state; s.seqs['30000'] -= 5; }")
    second = report(live_stack, "BEL-01", *somewhere(23))
    expect(console.row(second)).to_be_visible()
    expect(console.row(first)).to_be_visible()
    page.wait_for_function("() => Object.keys(ocenter.room.state.seqs).length === 0 || ocenter.room.socket.state === 'live'")


def test_blocked_sound_is_said_and_one_click_turns_it_on(live_stack: Stack, sign_in: SignIn, browser: Browser) -> None:
    untouched = browser.new_context(storage_state=sign_in().page.context.storage_state())
    page = untouched.new_page()
    # Playwright's questions count as gestures: none may be asked before the page has tried to sound.
    with page.expect_websocket():
        page.goto(live_stack.base_url)
    expect(page.locator("#connection[data-state=live]")).to_be_visible()
    expect(page.locator("#sound")).to_have_class(re.compile("blocked"))
    page.click("#sound")
    expect(page.locator("#sound")).not_to_have_class(re.compile("blocked|muted"))
    untouched.close()


def test_an_urgent_incident_sounds_until_it_is_acknowledged(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    page.mouse.click(700, 600)
    waiting = "() => ocenter.room.queue.order.filter((number) => ['received', 'open', 'reopened'].includes(ocenter.room.state.incidents.get(number).status))"
    for number in page.evaluate(waiting):
        page.evaluate(
            """(number) => fetch(`/api/v1/incidents/${number}/acknowledge`, { method: 'POST', body: '{}', headers: {
                 'Content-Type': 'application/json', 'X-CSRFToken': document.cookie.match(/csrftoken=([^;]+)/)[1] } })""",
            number,
        )
    page.wait_for_function("() => ocenter.room.player.grade === null")
    number = report(live_stack, "BEL-01", *somewhere(24))
    page.wait_for_function("() => ocenter.room.player.grade === 'G2' && ocenter.room.player.played > 0")
    console.open(number)
    page.keyboard.press("a")
    page.wait_for_function("() => ocenter.room.player.grade === null")


def test_a_session_that_ended_is_said(live_stack: Stack, sign_in: SignIn, context: BrowserContext) -> None:
    console = sign_in()
    console.expect_noise("WebSocket|status of 40[13]")
    cookies = {one["name"]: one["value"] for one in context.cookies()}
    headers = {"Cookie": f"sessionid={cookies['sessionid']}; csrftoken={cookies['csrftoken']}", "X-CSRFToken": cookies["csrftoken"], "Referer": live_stack.base_url}
    urlopen(Request(f"{live_stack.base_url}/logout/", data=b"", headers=headers)).close()
    console.page.evaluate("() => ocenter.room.socket.restart()")
    expect(console.page.locator("#banner.expired")).to_be_visible()
    console.shot("expired")


def test_the_sign_in_page_speaks_both_languages_and_refuses_kindly(live_stack: Stack, page: Page) -> None:
    page.goto(f"{live_stack.base_url}/login/")
    assert page.get_attribute("html", "lang") == "ko"
    page.click("button[value=en]")
    expect(page.locator(".entrance-form .primary")).to_have_text("Sign in")
    page.fill("[name=username]", "nobody")
    page.fill("[name=password]", "wrong")
    page.click(".entrance-form .primary")
    expect(page.locator(".entrance-error")).to_be_visible()
    expect(page.locator("[name=username]")).to_have_value("nobody")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_page_fits_its_window(live_stack: Stack, sign_in: SignIn, size: tuple[int, int]) -> None:
    console = sign_in()
    page = console.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    console.open(report(live_stack, "BEL-01", *downtown(2 + SIZES.index(size))))
    console.wait_map_rests()
    overflow = page.evaluate("() => [document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight]")
    assert overflow == [0, 0], json.dumps(overflow)
    console.shot(f"size-{size[0]}")
