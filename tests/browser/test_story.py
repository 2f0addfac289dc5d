"""The main job as an operator lives it: from a pressed bell to a closed incident."""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.console import Console, call, report, somewhere
from tests.stack import Stack


def test_a_bell_is_acknowledged_verified_confirmed_relayed_answered_and_closed(
    live_stack: Stack, sign_in: Callable[..., Console], record_property: Callable[[str, Any], None]
) -> None:
    console = sign_in()
    page = console.page
    lat, lon = somewhere(0)
    started = time.time()
    number = report(live_stack, "BEL-01", lat, lon, summary="비상벨 눌림", device_id="BELL-0001")
    milliseconds = console.seen_after_ms(number, started)
    record_property("post_to_dom_ms", milliseconds)
    print(f"POST to DOM: {milliseconds:.0f} ms")
    assert milliseconds < 2000
    expect(page.locator(f'.pin[data-number="{number}"] .pin-body')).to_be_visible()

    console.open(number)
    expect(console.panel_status("open")).to_be_visible()
    page.keyboard.press("a")
    expect(console.panel_status("acked")).to_be_visible()
    console.action("verify").click()
    expect(console.panel_status("verifying")).to_be_visible()
    console.action("confirm").click()
    expect(console.panel_status("confirmed")).to_be_visible()

    page.keyboard.press("p")
    dialog = page.locator("dialog[open]")
    phone = next(one["phone"] for one in call(live_stack, "GET", "catalogue", "feed")[1]["agencies"] if one["slug"] == "police112")
    expect(dialog.locator(".recipient")).to_contain_text(phone)
    expect(dialog.locator("pre")).to_contain_text(number)
    console.shot("relay-dialog")
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_have_count(0)

    relay = page.locator('#panel .relay[data-agency="police112"]')
    expect(relay.locator(".step.done, .step.here").first).to_be_visible()
    expect(page.locator('#panel .relay[data-agency="police112"][data-state="closed"]')).to_be_visible(timeout=60_000)
    console.shot("relay-closed")

    page.keyboard.press("c")
    dialog.locator("input[name=result_code]").first.check()
    dialog.locator("textarea[name=note]").fill("현장 확인 후 종결")
    dialog.locator("button[type=submit]").click()
    expect(console.panel_status("closed")).to_be_visible()
    expect(console.row(number)).to_have_count(0)
    expect(page.locator('.moment[data-kind="incident.closed"]')).to_contain_text("현장 확인 후 종결")

    kinds = [one["kind"] for one in _changes(live_stack) if one.get("incident", {}).get("number") == number]
    wanted = [
        "incident.opened", "incident.acknowledged", "incident.verifying", "incident.confirmed", "relay.requested",
        "relay.sent", "relay.accepted", "relay.dispatched", "relay.arrived", "relay.closed", "incident.closed",
    ]  # fmt: skip
    assert [kind for kind in kinds if kind in wanted] == wanted


def _changes(stack: Stack) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor, more = "0", True
    while more:
        status, page = call(stack, "GET", f"changes?after={cursor}&limit=500", "central")
        assert status == 200, page
        rows, cursor, more = rows + page["changes"], page["cursor"], page["more"]
    return rows


def test_a_fire_is_relayed_by_itself_and_its_engine_drives_over_the_map(
    live_stack: Stack, sign_in: Callable[..., Console]
) -> None:
    console = sign_in()
    number = report(live_stack, "FIR-01", *somewhere(40))
    unit = console.page.locator(".unit div")
    expect(unit.first).to_be_visible(timeout=30_000)
    console.open(number)
    relay = console.page.locator('#panel .relay[data-agency="fire119"]')
    expect(relay.locator(".relay-unit")).to_be_visible()
    console.shot("fire")
    expect(console.page.locator('#panel .relay[data-agency="fire119"][data-state="closed"]')).to_be_visible(timeout=60_000)
    expect(unit).to_have_count(0)


def test_new_incidents_appear_within_300_milliseconds(
    live_stack: Stack, sign_in: Callable[..., Console], record_property: Callable[[str, Any], None]
) -> None:
    console = sign_in()
    taken = []
    for n in range(20):
        started = time.time()
        number = report(live_stack, "ORD-02", *somewhere(60 + n))
        taken.append(console.seen_after_ms(number, started))
    taken.sort()
    record_property("post_to_dom_ms", taken)
    print(f"POST to DOM over {len(taken)}: median {taken[10]:.0f} ms, p95 {taken[18]:.0f} ms, worst {taken[-1]:.0f} ms")
    # The budget is 150 ms median, 300 ms p95 (benchmarks measure it); here a busy machine must not fail the build.
    assert taken[10] < 600
