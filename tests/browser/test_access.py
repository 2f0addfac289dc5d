"""For everybody: axe finds nothing serious, the keyboard reaches everything, speech and zoom work."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.console import SHOTS, Console, downtown, findings, report, somewhere
from tests.stack import Stack

SignIn = Callable[..., Console]
PAGES = ["/health/", "/wall/", "/shift/", "/window/queue/", "/window/panel/"]


def test_axe_finds_nothing_serious_on_the_console(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    number = report(live_stack, "FIR-01", *downtown(20))
    expect(console.row(number)).to_be_visible()
    expect(page.locator("#shift-strip")).to_be_visible()
    found = {"queue and shift": console.findings()}
    console.open(number)
    expect(page.locator("#panel .cam, #panel .camera, #panel .none").first).to_be_visible()
    for theme in ("light", "contrast", "dark"):
        page.click("#theme")
        assert page.get_attribute("html", "data-theme") == theme
        console.shot(f"theme-{theme}")
        found[f"incident, {theme}"] = console.findings()
    for key, name in (("?", "help"), ("p", "relay")):
        page.keyboard.press(key)
        expect(page.locator("dialog[open]")).to_be_visible()
        found[name] = console.findings()
        page.keyboard.press("Escape")
    page.keyboard.press("l")
    found["layers"] = console.findings()
    page.keyboard.press("l")
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Space")
    expect(page.locator("#history-frame")).to_be_visible()
    found["history"] = console.findings()
    page.keyboard.press("Space")
    page.keyboard.press("v")
    expect(page.locator(".wall")).to_be_visible()
    found["wall"] = console.findings()
    page.keyboard.press("v")
    said = [f"{name}: {one}" for name, many in found.items() for one in many]
    assert not said, "\n".join(said)


def test_axe_finds_nothing_serious_on_the_other_pages(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    console.expect_noise("status of 404")
    found = {}
    for path in PAGES:
        answer = page.goto(live_stack.base_url + path)
        if answer is not None and answer.status == 404:
            continue
        page.wait_for_load_state("networkidle")
        found[path] = findings(page)
        console.shot(f"page{path.replace('/', '-')}")
    page.context.clear_cookies()
    page.goto(f"{live_stack.base_url}/login/")
    found["/login/"] = findings(page)
    said = [f"{name}: {one}" for name, many in found.items() for one in many]
    assert not said, "\n".join(said)
    assert {"/health/", "/window/queue/", "/login/"} <= found.keys()


def test_the_keyboard_alone_reaches_what_the_mouse_does_and_focus_comes_back(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    number = report(live_stack, "BEL-01", *somewhere(73))
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#queue")).to_be_focused()
    console.open(number)
    seen = set()
    page.locator(".skip").focus()
    while True:  # from the page's beginning to its end
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => { const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
              return { name: one.dataset.action || one.dataset.popout || one.id || one.className || one.tagName, body: one === document.body,
                       ring: style.outlineStyle !== 'none' || Boolean(one.closest('.axis-chart, .pin')), visible: box.width > 0 || one.matches('.pin') } }"""
        )
        if at["body"]:
            break
        assert at["ring"] and at["visible"], at
        seen.add(at["name"])
    assert seen >= {"search", "acknowledge", "relay:police112", "help-button", "theme", "sound", "map-search"}
    page.locator('[data-action="relay:police112"]').focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("() => Boolean(document.activeElement.closest('dialog')) || document.activeElement === document.body")
    page.keyboard.press("Escape")
    expect(console.action("relay:police112")).to_be_focused()


def test_markers_have_names_and_live_regions_do_not_chatter(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    number = report(live_stack, "BEL-01", *somewhere(74))
    expect(console.row(number)).to_be_visible()
    for name in page.locator(".pin").evaluate_all("pins => pins.map((pin) => pin.getAttribute('aria-label'))"):
        assert re.search(r"[가-힣]", name), name
    # What counts by itself is not announced: in five quiet seconds no live region changes.
    page.evaluate(
        """() => { window.spoken = []; document.querySelectorAll('[aria-live]:not([aria-live=off]), [role=status], [role=alert]').forEach((region) => {
             new MutationObserver((records) => records.forEach(({ target }) => {
               const node = target.nodeType === 3 ? target.parentElement : target;
               if (!node?.closest('[aria-hidden=true], [aria-live=off]')) window.spoken.push(`${region.id || region.className}: ${node?.textContent}`);
             })).observe(region, { childList: true, characterData: true, subtree: true });
           }); }"""
    )
    page.wait_for_timeout(5_000)
    assert page.evaluate("window.spoken") == []


def test_targets_are_at_least_24_pixels(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    console.open(report(live_stack, "BEL-01", *downtown(21)))
    expect(page.locator("#panel .cam, #panel .camera, #panel .none").first).to_be_visible()
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, input:not([type=range]), a[href], summary')].filter((one) => one.checkVisibility({ checkVisibilityCSS: true }) && !one.closest('.skip, p'))
             .map((one) => [one.id || one.className || one.textContent, Math.round(one.getBoundingClientRect().width), Math.round(one.getBoundingClientRect().height)])
             .filter(([name, width, height]) => name !== 'skip' && (width < 24 || height < 24))"""
    )
    assert small == []


def test_single_keys_can_be_turned_off_and_stay_off(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    console.open(report(live_stack, "BEL-01", *somewhere(75)))
    page.click("#help-button")
    page.locator("dialog .check input").uncheck()
    page.wait_for_function("async () => (await (await fetch('/api/v1/me/preferences')).json()).preferences['single-key-shortcuts'] === false")
    page.keyboard.press("Escape")
    page.reload()
    console.wait_live()
    console.row(page.locator(".row").first.get_attribute("data-number")).locator("button").click()
    page.keyboard.press("a")
    page.keyboard.press("?")
    page.keyboard.press("n")
    expect(page.locator("dialog")).to_have_count(0)
    expect(console.panel_status("open")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".overview")).to_be_visible()
    page.click("#help-button")
    page.locator("dialog .check input").check()
    page.wait_for_function("async () => (await (await fetch('/api/v1/me/preferences')).json()).preferences['single-key-shortcuts'] === true")


def test_a_composing_ime_starts_nothing(live_stack: Stack, sign_in: SignIn) -> None:
    """By the browser's own input protocol: composition in the note field, then the IME's key events outside it."""
    console = sign_in()
    page = console.page
    number = report(live_stack, "BEL-01", *somewhere(76))
    console.open(number)
    page.keyboard.press("n")
    devtools = page.context.new_cdp_session(page)
    for text in ("ㅊ", "추", "춘"):
        devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "code": "KeyC", "key": "Process", "windowsVirtualKeyCode": 229})
        devtools.send("Input.imeSetComposition", {"text": text, "selectionStart": 1, "selectionEnd": 1})
    expect(page.locator(".note-form input")).to_have_value("춘")
    devtools.send("Input.insertText", {"text": "출동 확인"})
    expect(page.locator(".note-form input")).to_have_value("출동 확인")
    page.keyboard.press("Escape")
    devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "code": "KeyA", "key": "Process", "windowsVirtualKeyCode": 229})
    expect(console.panel_status("open")).to_be_visible()
    # A Korean layout names the key ㅁ; its place on the keyboard counts.
    devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "code": "KeyA", "key": "ㅁ", "windowsVirtualKeyCode": 65})
    expect(console.panel_status("acked")).to_be_visible()


@pytest.mark.parametrize("media", [{"forced_colors": "active"}, {"reduced_motion": "reduce"}], ids=lambda media: next(iter(media)))
def test_the_system_s_wishes_are_followed(live_stack: Stack, another: SignIn, media: dict[str, str]) -> None:
    console = another("operator", **media)
    page = console.page
    console.open(report(live_stack, "CRM-02", *somewhere(77 if "forced_colors" in media else 78)))
    console.shot(f"media-{next(iter(media))}")
    if "reduced_motion" in media:
        moving = page.evaluate("() => document.getAnimations().filter((one) => one.playState === 'running' && one.effect.getComputedTiming().duration > 50).length")
        assert moving == 0
    else:
        borders = page.locator(".action:not(:disabled)").first.evaluate("button => getComputedStyle(button).borderTopStyle")
        assert borders == "solid"


def test_whoever_asks_for_more_contrast_gets_it_until_they_choose(live_stack: Stack, page: Page) -> None:
    page.emulate_media(contrast="more")
    page.goto(f"{live_stack.base_url}/login/")
    expect(page.locator("html")).to_have_attribute("data-theme", "contrast")
    page.click("#theme")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / "login.png")
