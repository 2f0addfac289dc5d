"""Alarm management on the page: escalation, hand-over, the shelf, suppressed sources, the load, and a real flood."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.console import Console, report, report_all, somewhere
from tests.stack import Stack

SignIn = Callable[..., Console]
WINDOW_S = 25


def screen(browser: Browser, stack: Stack, role: str = "operator") -> Console:
    """Somebody signed in at a screen of their own, whose context the caller closes."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="ko-KR")
    context.set_default_timeout(30_000)
    console = Console(stack, context.new_page())
    console.sign_in(role)
    return console


@pytest.fixture
def supervisor(browser: Browser, live_stack: Stack) -> Iterator[Console]:
    console = screen(browser, live_stack, "supervisor")
    yield console
    console.assert_quiet()
    console.page.context.close()


def test_a_missed_target_goes_to_the_supervisor_then_to_the_room_and_ends_with_the_acknowledgement(
    live_stack: Stack, sign_in: SignIn, supervisor: Console
) -> None:
    operator = sign_in()
    number = report(live_stack, "CRM-02", *somewhere(25))
    supervisor.page.wait_for_selector(f'.row.escalated[data-number="{number}"]', timeout=40_000)
    expect(supervisor.page.locator(".arrival.escalation", has_text="강도").first).to_be_visible()
    expect(supervisor.page.locator("#escalated")).to_be_visible()
    supervisor.shot("alarms-escalated-supervisor")
    operator.open(number)
    expect(operator.page.locator('#panel .chip.escalated[data-escalation="2"]')).to_be_visible(timeout=40_000)
    expect(operator.page.locator('.moment[data-kind="incident.escalated"]')).to_have_count(2)
    operator.page.wait_for_function("() => ocenter.room.player.grade === 'G1+2'")
    operator.shot("alarms-escalated-room")
    operator.page.keyboard.press("a")
    expect(operator.panel_status("acked")).to_be_visible()
    for console in (operator, supervisor):
        expect(console.row(number)).not_to_have_class(re.compile("escalated"))


def test_an_incident_changes_hands_when_the_colleague_agrees(live_stack: Stack, sign_in: SignIn, supervisor: Console) -> None:
    operator = sign_in()
    number = report(live_stack, "BEL-01", *somewhere(26))
    operator.open(number)
    operator.page.keyboard.press("a")
    expect(operator.panel_status("acked")).to_be_visible()
    operator.action("offer").click()
    dialog = operator.page.locator("dialog")
    expect(dialog.locator(".colleague .presence.here")).to_have_count(1)
    dialog.locator(".colleague").first.click()
    operator.shot("alarms-handover-dialog")
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_have_count(0)
    card = supervisor.page.locator(f'.offer-card[data-number="{number}"]')
    expect(card).to_be_visible()
    supervisor.shot("alarms-handover-card")
    expect(operator.page.locator(".offer-block")).to_be_visible()
    card.locator(".primary").click()
    expect(card).to_have_count(0)
    expect(operator.page.locator(".offer-block")).to_be_hidden()
    name = live_stack.demo["users"]["supervisor"]["username"]
    expect(operator.page.locator('.moment[data-kind="incident.assigned"]')).to_contain_text(name)
    # What the colleague holds now is asked for, and given back or not by them.
    operator.action("request").click()
    expect(supervisor.page.locator(f'.offer-card[data-number="{number}"]')).to_be_visible()
    supervisor.page.locator(f'.offer-card[data-number="{number}"] button', has_text="거절").click()
    expect(operator.page.locator('.moment[data-kind="incident.offer_declined"]')).to_be_visible()
    expect(operator.action("request")).to_be_enabled()


def test_the_shelf_says_who_why_and_until_when_and_what_changes_comes_back(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    number = report(live_stack, "ORD-01", *somewhere(27))
    console.open(number)
    console.action("shelve").click()
    page.fill("dialog input[name=text]", "공사 소음")
    page.click("dialog button[type=submit]")
    expect(page.locator("#shelf")).to_contain_text("보류")
    page.click("#shelf")
    row = page.locator(f'.shelf li[data-number="{number}"]')
    expect(row).to_contain_text("공사 소음")
    expect(row.locator(".shelf-until")).to_contain_text("까지")
    console.shot("alarms-shelf")
    page.keyboard.press("Escape")
    assert report(live_stack, "ORD-01", *somewhere(27)) == number
    expect(page.locator(".toast", has_text="보류 해제")).to_be_visible()
    expect(console.row(number)).not_to_have_class(re.compile("shelved"))
    page.keyboard.press("a")
    expect(console.panel_status("acked")).to_be_visible()


def test_a_chattering_source_is_listed_suppressed_and_comes_back(live_stack: Stack, supervisor: Console) -> None:
    page = supervisor.page
    for _ in range(5):
        report(live_stack, "VCA-02", *somewhere(28), device_id="CH-7")
    page.keyboard.press("Escape")
    expect(page.locator(".load-block .gauge")).to_be_visible()
    supervisor.shot("alarms-overview")
    page.click(".load-more")
    source = page.locator(".load-section li", has_text="CH-7").first
    expect(source).to_be_visible()
    source.locator(".quiet").click()
    page.locator("dialog input[name=text]").last.fill("접점 불량")
    page.locator("dialog button[type=submit]").last.click()
    expect(page.locator(".load-section li", has_text="접점 불량")).to_be_visible()
    supervisor.shot("alarms-load")
    number = report(live_stack, "VCA-02", *somewhere(29), device_id="CH-7")
    page.locator("dialog [aria-label]").first.click()
    group = page.locator(".group.suppressed")
    expect(group).to_contain_text("CH-7")
    expect(supervisor.row(number)).to_have_count(0)
    group.locator(".group-head").click()
    expect(supervisor.row(number)).to_be_visible()
    assert report(live_stack, "BEL-01", *somewhere(30), device_id="CH-7")
    expect(page.locator(".row.G2.unseen-row").first).to_be_visible()
    page.click(".load-more") if page.locator(".load-more").is_visible() else page.evaluate("ocenter.room.open(null)")
    if not page.locator("dialog").count():
        page.click(".load-more")
    page.locator(".load-section li", has_text="접점 불량").locator(".quiet").click()
    expect(page.locator(".load-section li", has_text="접점 불량")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(group).to_have_count(0)
    expect(supervisor.row(number)).not_to_have_class(re.compile("shelved"))


@pytest.fixture(scope="module")
def flood_stack() -> Iterator[Stack]:
    """A city of its own whose alarms are counted over seconds instead of ten minutes."""
    stack = Stack(OCENTER_CITY_RATE="0", OCENTER_AGENCIES_SPEED="20", OCENTER_FLOOD_WINDOW_SECONDS=str(WINDOW_S), OCENTER_WEB_PROCESSES="1")
    try:
        yield stack.start()
    finally:
        stack.remove()


@pytest.fixture
def flooded(browser: Browser, flood_stack: Stack) -> Iterator[Console]:
    console = screen(browser, flood_stack)
    yield console
    console.assert_quiet()
    console.page.context.close()


def test_a_flood_begins_groups_and_ends_by_itself_and_hides_nothing_urgent(flooded: Console, flood_stack: Stack) -> None:
    console, page = flooded, flooded.page
    row = [{"code": "ORD-04", "lat": 36.35, "lon": 127.3845 + 0.002 * n, "address": f"둔산로 {n}"} for n in range(24)]
    folded = report_all(flood_stack, row)
    urgent = [report(flood_stack, code, lat, 127.45) for code, lat in (("CRM-01", 36.36), ("BEL-01", 36.37), ("FIR-01", 36.38))]
    expect(page.locator("#flood")).to_be_visible()
    expect(page.locator("#flood")).to_contain_text("경보 폭주")
    expect(page.locator(".toast", has_text="경보 폭주")).to_be_visible()
    expect(page.locator("dialog")).to_have_count(0)
    for number in urgent:
        expect(console.row(number)).to_be_visible()
    order = page.locator("#queue-list > li").evaluate_all("(items) => items.map((item) => item.dataset.number ?? 'group')")
    assert set(order[:3]) == set(urgent) and "group" in order[3:]
    assert sum(not console.row(number).count() for number in folded) > 10, "nothing was folded"
    group = page.locator(".group").first
    expect(group).to_contain_text(re.compile("×[0-9]+"))
    console.shot("alarms-flood")

    # Two clicks lead to each: the group, then the child. By keyboard too, and J walks through what is folded.
    group.locator(".group-head").click()
    expect(page.locator(".row.child").first).to_be_visible()
    console.shot("alarms-flood-open")
    page.locator(".row.child").first.locator("button").click()
    expect(console.panel_status("open")).to_be_visible()
    group.locator(".group-head").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".row.child")).to_have_count(1)
    page.evaluate("(number) => ocenter.room.open(number)", urgent[0])
    page.locator("body").click(position={"x": 700, "y": 20})
    for _ in folded:  # what stands alone comes before the group
        page.keyboard.press("j")
        if page.locator(".row.child.chosen").count():
            break
    expect(page.locator(".row.child.chosen")).to_be_visible()

    # Everything that waits in a group is acknowledged, one operation each, and the group says so.
    waiting = page.locator(".group.waiting").count()
    page.locator(".group.waiting .group-ack").first.click()
    expect(page.locator(".group.waiting")).to_have_count(waiting - 1)

    expect(page.locator("#flood")).to_be_hidden(timeout=60_000)
    expect(page.locator(".group")).to_have_count(0)
    expect(page.locator(".toast", has_text="폭주 해제")).to_be_visible()
    expect(page.locator("#queue-list .row")).to_have_count(len(folded) + len(urgent))
    console.shot("alarms-flood-over")
