"""Correlation one can see and undo, registering by hand, and relaying to any agency: as an operator does them."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.console import Console, call, report, somewhere
from tests.stack import Stack

SignIn = Callable[..., Console]
METRE = 1 / 111_195


def gathered(stack: Stack, seed: int) -> str:
    """Three presses of two bells and a third 120 m away, joined by rule."""
    lat, lon = somewhere(seed)
    number = report(stack, "BEL-01", lat, lon, device_id=f"BELL-{seed}-A", summary="비상벨 눌림")
    for name, north in (("B", 60), ("C", 120)):
        assert report(stack, "BEL-01", lat + north * METRE, lon, device_id=f"BELL-{seed}-{name}") == number
    return number


def events_of(stack: Stack, number: str) -> list[str]:
    status, body = call(stack, "GET", f"incidents/{number}/events", "central")
    assert status == 200, body
    return [one["device_id"] for one in body["events"]]


def test_why_an_event_joined_is_seen(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    number = gathered(live_stack, 56)
    console.open(number)
    rows = page.locator(".joined-row")
    expect(rows).to_have_count(3)
    expect(rows.nth(0).locator(".why")).to_have_text("이 사건의 첫 이벤트")
    expect(rows.nth(1).locator(".why")).to_have_text(re.compile(r"거리 60 m \(≤ 150 m\), 시간차 .* \(≤ 5분\)"))
    expect(rows.nth(2)).to_contain_text("BELL-56-C")
    expect(page.locator("path.joined-mark")).to_have_count(3)
    expect(page.locator("path.joined-line")).to_have_count(3)
    rows.nth(2).hover()
    expect(page.locator("path.joined-mark.looked")).to_have_count(1)
    rows.nth(2).scroll_into_view_if_needed()
    console.shot("events")
    page.click("#theme")
    console.shot("events-light")
    page.click("#theme")
    # A further event appears by itself.
    lat, lon = somewhere(56)
    report(live_stack, "BEL-01", lat - 30 * METRE, lon, device_id="BELL-56-D")
    expect(rows).to_have_count(4)
    page.keyboard.press("Space")
    expect(page.locator(".joined-buttons")).to_have_count(0)
    expect(rows.first).to_be_visible()


def test_a_merge_and_its_undoing(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page, dialog = console.page, console.page.locator("dialog[open]")
    lat, lon = somewhere(57)
    part, whole = report(live_stack, "BEL-01", lat, lon), report(live_stack, "BEL-01", lat + 220 * METRE, lon)
    assert part != whole
    console.open(part)
    page.locator('[data-regroup="merge"]').click()
    expect(dialog.locator(".neighbours label").first).to_contain_text(whole)
    dialog.locator("button[type=submit]").click()
    expect(dialog.locator(".refusal").first).to_be_visible()
    console.shot("merge-choose")
    # It may be pointed at in the queue, which stays in use.
    console.row(whole).locator("button").click()
    expect(dialog.locator(".outcome .will li").first).to_contain_text(whole)
    expect(page.locator(".row.chosen")).to_have_attribute("data-number", part)
    console.shot("merge-preview")
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".row.chosen")).to_have_attribute("data-number", whole)
    expect(console.row(part)).to_have_count(0)
    expect(page.locator('.joined-row[data-how="merge"]')).to_contain_text(part)
    expect(page.locator('.moment[data-kind="incident.joined"]')).to_contain_text(part)
    console.shot("merged")
    page.locator('[data-undo="unmerge"]').click()
    expect(dialog.locator(".will li").first).to_contain_text(part)
    dialog.locator("button[type=submit]").click()
    expect(page.locator(".row.chosen")).to_have_attribute("data-number", part)
    expect(console.panel_status("open")).to_be_visible()
    expect(console.row(whole)).to_be_visible()
    expect(page.locator('.moment[data-kind="incident.unmerged"]')).to_contain_text(whole)


def test_a_split_and_its_undoing(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page, dialog = console.page, console.page.locator("dialog[open]")
    number = gathered(live_stack, 58)
    console.open(number)
    expect(page.locator(".joined-row")).to_have_count(3)
    split = page.locator('[data-regroup="split"]')
    expect(split).to_be_disabled()
    page.locator(".joined-row input").nth(2).check()
    split.click()
    console.shot("split-preview")
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".row.chosen")).not_to_have_attribute("data-number", number)
    part = page.locator(".row.chosen").get_attribute("data-number")
    expect(page.locator('.joined-row[data-how="split"]')).to_contain_text("BELL-58-C")
    # What that bell says next stays apart, nearer though it be.
    lat, lon = somewhere(58)
    assert report(live_stack, "BEL-01", lat, lon, device_id="BELL-58-A") == number
    expect(page.locator('[data-undo="unsplit"]')).to_be_enabled()
    page.locator('[data-undo="unsplit"]').click()
    dialog.locator("button[type=submit]").click()
    expect(page.locator(".row.chosen")).to_have_attribute("data-number", number)
    expect(page.locator(".joined-row")).to_have_count(4)
    expect(console.row(part)).to_have_count(0)
    page.locator(".people-only").click()
    expect(page.locator(".moment.feed, .moment.system")).to_have_count(0)
    expect(page.locator('.moment[data-kind="incident.unsplit"]')).to_contain_text(part)


def test_an_incident_is_registered_by_a_click_on_the_map(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page, dialog = console.page, console.page.locator("dialog[open]")
    console.expect_noise("status of 400")
    page.keyboard.press("r")
    dialog.locator("button[type=submit]").click()
    expect(dialog.locator(".error").first).to_be_visible()
    dialog.locator("[name=code-search]").fill("소란")
    page.keyboard.press("Enter")
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2 + 37, box["y"] + box["height"] / 2 + 91)
    expect(dialog.locator("[name=position]")).to_have_value(re.compile(r"^36\.\d+, 127\.\d+$"))
    expect(page.locator(".asked-place")).to_have_count(1)
    expect(dialog.locator(".error")).to_have_count(0)
    dialog.locator('[name=grade][value="G3"]').check(force=True)
    dialog.locator("[name=summary]").fill("술 취한 사람들이 다툼")
    dialog.locator("[name=caller]").fill("편의점 점주 010-1234-5678")
    console.shot("register")
    page.click("#theme")
    console.shot("register-light")
    page.click("#theme")
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_have_count(0)
    expect(console.panel_status("acked")).to_be_visible()
    expect(page.locator(".asked-place")).to_have_count(0)
    expect(page.locator('.moment[data-kind="incident.opened"]')).to_contain_text("편의점 점주 •••")
    expect(page.locator("#panel .facts")).to_contain_text("술 취한 사람들이 다툼")
    console.action("false-alarm").click()
    dialog.locator("button[type=submit]").click()
    expect(console.panel_status("false_alarm")).to_be_visible()


def test_the_servers_words_stand_at_the_fields(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page, dialog = console.page, console.page.locator("dialog[open]")
    console.expect_noise("status of 400")
    page.click("#register")
    dialog.locator("[name=code-search]").fill("FIR-01")
    page.keyboard.press("Enter")
    dialog.locator("[name=address]").fill("대전역 광장")
    dialog.locator("[name=summary]").evaluate("(area) => { area.removeAttribute('maxlength'); area.value = 'x'.repeat(501); }")
    dialog.locator("button[type=submit]").click()
    expect(dialog.locator(".field", has=page.locator("[name=summary]")).locator(".error")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_relay_goes_to_any_agency(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page, dialog = console.page, console.page.locator("dialog[open]")
    number = report(live_stack, "ORD-02", *somewhere(59))
    console.open(number)
    console.action("relay").click()
    dialog.locator("button[type=submit]").click()
    expect(dialog.locator(".refusal")).to_be_visible()
    dialog.locator('.agencies input[value="disaster"]').check(force=True)
    expect(dialog.locator(".recipient")).to_contain_text("재난")
    dialog.locator("[name=message]").fill("인파가 몰리고 있습니다")
    expect(dialog.locator("pre")).to_contain_text("인파가 몰리고 있습니다")
    expect(dialog.locator("pre")).to_contain_text(number)
    console.shot("relay-any")
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_have_count(0)
    expect(page.locator('#panel .relay[data-agency="disaster"][data-state="accepted"]')).to_be_visible(timeout=60_000)
    # Told already, it gets nothing but an update.
    console.action("relay").click()
    dialog.locator('.agencies input[value="disaster"]').check(force=True)
    expect(dialog.locator(".relay-note").first).to_be_visible()
    dialog.locator("button[type=submit]").click()
    expect(dialog.locator(".refusal")).to_be_visible()
    page.keyboard.press("Escape")


def test_an_agency_that_has_ended_its_case_is_asked_anew(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page, dialog = console.page, console.page.locator("dialog[open]")
    number = report(live_stack, "ORD-02", *somewhere(12))
    console.open(number)
    page.keyboard.press("p")
    dialog.locator("button[type=submit]").click()
    relay = page.locator('#panel .relay[data-agency="police112"]')
    expect(page.locator('#panel .relay[data-agency="police112"][data-state="closed"]')).to_be_visible(timeout=60_000)
    page.keyboard.press("p")
    expect(dialog.locator(".relay-note").first).to_be_visible()
    expect(dialog.locator("button[type=submit]")).to_contain_text("새 사건")
    console.shot("relay-anew")
    dialog.locator("button[type=submit]").click()
    expect(relay).to_have_count(2)
    expect(page.locator(".moment", has_text="기관에 새 사건으로 다시 이관")).to_have_count(1)


@pytest.mark.parametrize("role", ["auditor"])
def test_who_may_only_look_sees_why_and_changes_nothing(live_stack: Stack, sign_in: SignIn, role: str) -> None:
    console = sign_in(role)
    number = gathered(live_stack, 59)
    console.open(number)
    expect(console.page.locator(".joined-row .why")).to_have_count(3)
    expect(console.page.locator(".joined-row input, .joined-buttons, [data-undo], #register")).to_have_count(0)
    console.page.keyboard.press("r")
    expect(console.page.locator("dialog")).to_have_count(0)
