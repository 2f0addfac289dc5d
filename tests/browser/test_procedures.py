"""The procedure in the incident's panel: done, branched, skipped before a supervisor's eyes, and what closing waits for."""

from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.browser.console import Console, report, somewhere
from tests.stack import Stack

SignIn = Callable[..., Console]


def step(console: Console, name: str) -> Locator:
    return console.page.locator(f'#panel .sop-step[data-step="{name}"]')


def whole(console: Console) -> None:
    head = console.page.locator("#panel .sop-head")
    if head.get_attribute("aria-expanded") == "false":
        head.click()
    expect(head).to_have_attribute("aria-expanded", "true")


def test_the_checklist_is_followed_branch_by_branch_and_by_key(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    number = report(live_stack, "BEL-01", *somewhere(62))
    console.open(number)
    expect(page.locator('#panel .sop[data-state="waiting"]')).to_be_visible()
    expect(page.locator("#panel .sop-verbs button")).to_have_count(0)
    page.keyboard.press("a")
    expect(step(console, "voice")).to_have_class("sop-step open current")
    expect(step(console, "voice").locator(".sop-clock")).to_be_visible()
    console.shot("procedure-current")

    page.keyboard.press("s")
    expect(step(console, "voice").locator("[data-option]").first).to_be_focused()
    step(console, "voice").locator('[data-option="mistake"]').click()
    expect(step(console, "cameras")).to_have_class("sop-step open current")
    expect(page.locator("#panel .sop-count")).to_have_text("1/4")
    page.keyboard.press("s")  # looking at the cameras is verifying, and the ledger settles the step
    expect(console.panel_status("verifying")).to_be_visible()
    expect(step(console, "police")).to_have_class("sop-step open current")
    whole(console)
    expect(step(console, "cameras")).to_have_attribute("data-state", "done")
    expect(step(console, "cameras").locator(".sop-by")).to_contain_text("자동 기록")
    expect(step(console, "maintain")).to_be_visible()
    console.shot("procedure-whole")

    step(console, "voice").locator('[data-verb="undo"]').click()
    expect(step(console, "maintain")).to_have_count(0)
    step(console, "police").locator('[data-option="none"]').click()
    expect(page.locator('#panel .sop[data-state="complete"]')).to_be_visible()
    expect(page.locator('.moment[data-kind="procedure.step_chosen"]')).to_have_count(2)
    page.keyboard.press("Space")
    expect(page.locator("#history-frame")).to_be_visible()
    expect(page.locator("#panel .sop-verbs button")).to_have_count(0)
    page.keyboard.press("Space")
    page.locator("#panel .sop-head").click()
    expect(page.locator("#panel .sop-step")).to_have_count(0)
    console.shot("procedure-complete")
