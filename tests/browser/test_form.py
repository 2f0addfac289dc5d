"""Other forms of the same page: a phone, 200 % zoom, several windows, paper."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.console import SHOTS, Console, downtown, report, somewhere
from tests.stack import Stack

SignIn = Callable[..., Console]
SMALL = {"phone": {"width": 390, "height": 844}, "narrow": {"width": 360, "height": 740}, "zoomed": {"width": 683, "height": 384}}


def sideways(page: Page) -> list[str]:
    """What sticks out of the window to the side, of the parts that show."""
    return page.evaluate(
        """() => [...document.querySelectorAll('header *, nav *, .queue *, .panel *, footer *, dialog *')]
             .filter((one) => one.checkVisibility({ checkVisibilityCSS: true }) && !one.closest('pre, svg, .hidden-text, .skip, .map, .sprite') && one.getBoundingClientRect().width > 0)
             .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 || one.getBoundingClientRect().left < -1)
             .map((one) => `${one.tagName}.${one.className} ${Math.round(one.getBoundingClientRect().right)}`).slice(0, 5)"""
    )


@pytest.mark.parametrize("form", SMALL)
def test_a_small_page_reads_and_acts(live_stack: Stack, another: SignIn, form: str) -> None:
    seed = 22 + list(SMALL).index(form)
    number = report(live_stack, "BEL-01", *downtown(seed))
    console = another("supervisor", viewport=SMALL[form], has_touch=form != "zoomed", is_mobile=form != "zoomed")
    page = console.page
    expect(console.row(number)).to_be_visible()
    expect(page.locator("#panel")).not_to_be_visible()
    assert sideways(page) == []
    console.shot(f"{form}-queue")
    page.click(".tabs [data-tab=map]")
    expect(page.locator("#map")).to_be_visible()
    expect(page.locator(".axis")).to_be_visible()
    console.wait_map_rests()
    console.shot(f"{form}-map")
    page.click(".tabs [data-tab=queue]")
    console.open(number)
    expect(page.locator(".tabs [data-tab=incident]")).to_have_attribute("aria-current", "true")
    expect(page.locator(".queue")).not_to_be_visible()
    console.shot(f"{form}-incident")
    assert sideways(page) == []
    console.action("acknowledge").click()
    expect(console.panel_status("acked")).to_be_visible()
    page.fill(".note-form input", "현장으로 이동 중")
    page.locator(".note-form button").click()
    expect(page.locator('.moment[data-kind="incident.noted"]')).to_contain_text("현장으로 이동 중")
    console.action("relay:police112").click()
    expect(page.locator("dialog[open]")).to_be_visible()
    assert sideways(page) == []
    console.shot(f"{form}-dialog")
    page.keyboard.press("Escape")
    overflow = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0
    if form != "zoomed":
        small = page.evaluate(
            """() => [...document.querySelectorAll('.tabs button, .actions button, .note-form button, .note-form input')].map((one) => Math.round(one.getBoundingClientRect().height)).filter((height) => height < 44)"""
        )
        assert small == []
    critical = report(live_stack, "CRM-02", *somewhere(71 + list(SMALL).index(form)))
    expect(page.locator(".arrival.G1:not(.escalation)").first).to_be_visible()  # over whatever tab
    console.shot(f"{form}-critical")
    page.locator(".arrival.G1:not(.escalation) button").first.click()
    expect(page.locator("#panel")).to_contain_text(critical)
    page.keyboard.press("a")
    expect(console.panel_status("acked")).to_be_visible()


def test_a_panel_in_its_own_window_lives_and_follows_and_comes_back(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    first, second = report(live_stack, "BEL-01", *downtown(26)), report(live_stack, "BEL-01", *downtown(28))
    expect(console.row(second)).to_be_visible()
    console.open(first)
    with page.context.expect_page() as opened:
        page.click("[data-popout=panel]")
    panel = Console(live_stack, opened.value)
    expect(panel.page.locator("#connection[data-state=live]")).to_be_visible()
    expect(panel.page.locator("#panel")).to_contain_text(first)
    expect(panel.page.locator("#queue")).not_to_be_visible()
    expect(page.locator("#panel")).not_to_be_visible()
    panel.page.set_viewport_size({"width": 620, "height": 900})
    panel.shot("window-panel")
    console.shot("window-main")
    console.row(second).locator("button").click()
    expect(panel.page.locator("#panel")).to_contain_text(second)
    panel.action("acknowledge").click()
    expect(panel.panel_status("acked")).to_be_visible()
    expect(console.row(second)).not_to_have_class(re.compile("unseen-row"))
    assert panel.page.evaluate("() => ocenter.room.player.hushed") is True
    with page.context.expect_page() as opened:
        page.click("[data-popout=queue]")
    queue = Console(live_stack, opened.value)
    queue.page.set_viewport_size({"width": 520, "height": 900})
    expect(queue.row(first)).to_be_visible()
    queue.row(first).locator("button").click()
    expect(panel.page.locator("#panel")).to_contain_text(first)
    queue.shot("window-queue")
    queue.page.close()
    expect(page.locator("#queue")).to_be_visible()
    page.click("#out button")
    expect(page.locator("#panel")).to_be_visible()
    expect(page.locator("#panel")).to_contain_text(first)
    panel.assert_quiet()
    queue.assert_quiet()


def test_a_window_whose_main_one_is_gone_sounds_by_itself(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    with console.page.context.expect_page() as opened:
        console.page.click("[data-popout=queue]")
    queue = opened.value
    expect(queue.locator("#connection[data-state=live]")).to_be_visible()
    expect(queue.locator("#sound")).to_be_hidden()
    console.page.close()
    expect(queue.locator("#notices [data-notice=alone]")).to_be_visible()
    expect(queue.locator("#sound")).to_be_visible()
    queue.wait_for_function("() => ocenter.room.player.hushed === false")
    answer = queue.request.get(f"{live_stack.base_url}/window/nothing/")
    assert answer.status == 404


def test_an_incident_prints_as_a_report_on_a4_in_both_languages(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    number = report(live_stack, "FIR-01", *downtown(30))
    console.open(number)
    expect(page.locator("#panel .relay")).to_be_visible()
    for language, title in (("ko", "사건 보고서"), ("en", "Incident report")):
        if language == "en":
            page.click(".language button")
            console.wait_live()
            console.open(number)
            expect(page.locator("#panel .relay")).to_be_visible()
        page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        expect(page.locator("#print-head")).to_contain_text(title)
        for shown in ("#panel .facts", "#panel .relay", "#panel .timeline"):
            expect(page.locator(shown).first).to_be_visible()
        for hidden in (".top", "#queue", "#map", ".axis", ".actions", ".note-form"):
            expect(page.locator(hidden)).to_be_hidden()
        paper = page.evaluate("() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('.facts dd')).color]")
        assert paper == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
        pdf = page.pdf(prefer_css_page_size=True)
        boxes = {tuple(float(one) for one in found) for found in re.findall(rb"/MediaBox \[([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+)\]", pdf)}
        assert boxes and all(abs(box[2] - 595.3) < 1.5 and abs(box[3] - 841.9) < 1.5 for box in boxes), boxes
        if SHOTS:
            (Path(SHOTS) / f"print-{language}.pdf").write_bytes(pdf)
            console.shot(f"print-{language}")
        page.emulate_media(media="screen")
    page.click(".language button")
    console.wait_live()
