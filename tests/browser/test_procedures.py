"""The procedure in the incident's panel: done, branched, skipped before a supervisor's eyes, and what closing waits for."""

from collections.abc import Callable

from playwright.sync_api import Browser, Locator, expect

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


def test_a_skipped_step_is_before_the_supervisor_at_once(live_stack: Stack, sign_in: SignIn, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="ko-KR")
    boss = Console(live_stack, context.new_page())
    boss.sign_in("supervisor")
    console = sign_in()
    number = report(live_stack, "BEL-01", *somewhere(63))
    console.open(number)
    console.page.keyboard.press("a")
    expect(step(console, "voice")).to_be_visible()
    step(console, "voice").locator('[data-verb="skip"]').click()
    reason = console.page.locator("#panel .sop-reason input")
    expect(reason).to_be_focused()
    console.page.keyboard.type("as")  # keys belong to the field
    console.page.keyboard.press("Escape")
    expect(reason).to_have_count(0)
    step(console, "voice").locator('[data-verb="skip"]').click()
    reason.fill("통화 장치 고장")
    console.shot("procedure-skip")
    reason.press("Enter")
    expect(step(console, "cameras")).to_have_class("sop-step open current")
    expect(console.page.locator('.moment[data-kind="procedure.step_skipped"]')).to_contain_text("통화 장치 고장")
    expect(console.page.locator(".sop-notices")).to_have_count(0)

    expect(boss.page.locator(".toast")).to_contain_text("통화 장치 고장")
    expect(boss.page.locator(".sop-notices-button")).to_be_visible()
    boss.page.locator(".sop-notices-button").click()
    entry = boss.page.locator(".sop-notices-card li").first
    expect(entry).to_contain_text("통화 장치 고장")
    boss.shot("procedure-notices")
    entry.locator("button").click()
    expect(boss.page.locator(".row.chosen")).to_have_attribute("data-number", number)
    boss.page.locator(".sop-notices-button").click()
    boss.page.locator(".sop-notices-card .quiet").click()
    expect(boss.page.locator(".sop-notices")).to_be_hidden()
    boss.page.reload()
    boss.wait_live()
    expect(boss.page.locator(".sop-notices")).to_be_hidden()
    boss.assert_quiet()
    context.close()


def test_closing_names_the_open_steps_and_lets_them_be_settled_there(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    console.expect_noise("status of 409")
    page = console.page
    number = report(live_stack, "BEL-01", *somewhere(64))
    console.open(number)
    for action, status in (("acknowledge", "acked"), ("confirm", "confirmed")):
        console.action(action).click()
        expect(console.panel_status(status)).to_be_visible()
    page.keyboard.press("c")
    dialog = page.locator("dialog[open]")
    open_step = dialog.locator('.sop-step[data-step="police"]')
    expect(open_step).to_be_visible()
    dialog.locator("input[name=result_code]").first.check(force=True)
    dialog.locator("button[type=submit]").click()
    expect(dialog.locator(".refusal").first).to_contain_text("112에 알렸는가")
    console.shot("procedure-closing")
    open_step.locator('[data-verb="skip"]').click()
    dialog.locator(".sop-reason input").fill("현장 관리인이 처리")
    dialog.locator(".sop-reason input").press("Enter")
    expect(dialog.locator(".sop-closing")).to_be_hidden()
    dialog.locator("button[type=submit]").click()
    expect(console.panel_status("closed")).to_be_visible()
    expect(page.locator('.moment[data-kind="procedure.step_skipped"]')).to_contain_text("현장 관리인이 처리")


def test_a_supervisor_waives_the_rest(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in("supervisor")
    page = console.page
    number = report(live_stack, "CRM-04", *somewhere(65))
    console.open(number)
    page.keyboard.press("a")
    expect(step(console, "cameras")).to_be_visible()
    whole(console)
    page.locator('#panel [data-verb="waive"]').click()
    page.locator("#panel .sop-waive input").fill("대형 재난으로 전원 투입")
    page.locator("#panel .sop-waive button").click()
    expect(page.locator('#panel .sop[data-state="waived"]')).to_contain_text("대형 재난으로 전원 투입")
    console.shot("procedure-waived")
    page.click("#theme")
    console.shot("procedure-waived-light")
    page.click("#theme")
    page.locator("#panel .sop-head").click()
    if page.locator(".sop-notices").is_visible():
        page.locator(".sop-notices-button").click()
        page.locator(".sop-notices-card .quiet").click()
