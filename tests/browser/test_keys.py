"""Every key of the page's table (`static/js/keys.js`) is listed in the help and tried here.

Whoever adds a key adds a trial to `TRIALS`: what must be seen after it is pressed.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from playwright.sync_api import Page, expect

from tests.browser.console import Console, downtown, report, somewhere
from tests.stack import ROOT, Stack

SignIn = Callable[..., Console]
TABLE = (ROOT / "static/js/keys.js").read_text(encoding="utf-8").split("export const KEYS = {")[1].split("};")[0]
KEYS = dict(re.findall(r'(\w+): "([^"]+)"', TABLE))
CAPS = {"Slash": "/", "Escape": "Esc"}
CHOSEN = ".row.chosen"


class Room(NamedTuple):
    """The page under trial and its two incidents; `near` has cameras around it."""

    console: Console
    page: Page
    near: str
    other: str

    def press(self, key: str) -> None:
        """Presses it by its place on the keyboard."""
        self.page.keyboard.press(key)

    def open(self, number: str | None = None) -> None:
        """Has that incident (usually the one with cameras) open and no field in focus."""
        self.page.evaluate("() => document.activeElement.blur()")
        self.console.open(number or self.near)
        expect(self.page.locator(CHOSEN)).to_have_attribute("data-number", number or self.near)


def cap_of(code: str) -> str:
    """What stands on the key's cap."""
    return CAPS.get(code) or re.sub(r"^(Key|Digit)", "", code)


def to_the_next(room: Room, code: str) -> None:
    rows = room.page.locator(".row")
    step = 1 if code == "KeyJ" else -1
    start = 0 if step > 0 else 1
    room.open(rows.nth(start).get_attribute("data-number"))
    goal = rows.nth(start + step).get_attribute("data-number")
    room.press(code)
    expect(room.page.locator(CHOSEN)).to_have_attribute("data-number", goal)


def to_the_panel(room: Room, code: str) -> None:
    room.open()
    room.page.evaluate("() => document.activeElement.blur()")
    room.press(code)
    expect(room.page.locator("#panel")).to_be_focused()


def to_the_map_search(room: Room, code: str) -> None:
    room.page.evaluate("() => document.activeElement.blur()")
    room.press(code)
    expect(room.page.locator("#map-search")).to_be_focused()
    room.press("Escape")
    room.page.evaluate("() => document.activeElement.blur()")


def acknowledges(room: Room, code: str) -> None:
    room.open()
    room.press(code)
    expect(room.console.panel_status("acked")).to_be_visible()


def asks_to_relay(word: str) -> Callable[[Room, str], None]:
    def trial(room: Room, code: str) -> None:
        room.open()
        room.press(code)
        expect(room.page.locator("dialog[open] h2")).to_contain_text(word)
        room.press("KeyA")  # rests under a dialog
        room.press("Escape")
        expect(room.page.locator("dialog")).to_have_count(0)

    return trial


def asks_to_close(room: Room, code: str) -> None:
    room.open(room.other)
    room.press(code)
    expect(room.page.locator("dialog")).to_have_count(0)  # not yet allowed
    for action, status in (("acknowledge", "acked"), ("confirm", "confirmed")):
        if room.console.action(action).count():
            room.console.action(action).click()
            expect(room.console.panel_status(status)).to_be_visible()
    room.press(code)
    expect(room.page.locator("dialog[open] input[name=result_code]").first).to_be_visible()
    room.press("Escape")


def to_the_note(room: Room, code: str) -> None:
    room.open()
    room.press(code)
    expect(room.page.locator(".note-form input")).to_be_focused()
    room.press("Escape")


def shows_a_camera(room: Room, code: str) -> None:
    room.open()
    cameras = room.page.locator("#panel .cam, #panel .camera")
    expect(cameras.nth(int(code[-1]) - 1)).to_be_visible()
    room.press(code)
    expect(room.page.locator(".near-pin.looked")).to_have_text(code[-1])
    expect(room.page.locator(".stage .enlarged .cam")).to_be_visible()
    room.press("Escape")
    expect(room.page.locator(".stage .enlarged")).to_be_hidden()


def opens_the_wall(room: Room, code: str) -> None:
    room.open()
    room.press(code)
    expect(room.page.locator(".wall")).to_be_visible()
    room.press(code)
    expect(room.page.locator(".wall")).to_be_hidden()


def toggles_layers(room: Room, code: str) -> None:
    for _ in range(2):
        before = room.page.locator("#layers-card").is_visible()
        room.press(code)
        expect(room.page.locator("#layers-card")).to_be_visible(visible=not before)


def to_the_search(room: Room, code: str) -> None:
    room.press(code)
    expect(room.page.locator("#search")).to_be_focused()
    room.press("Escape")


def to_the_next_unseen(room: Room, code: str) -> None:
    report(room.console.stack, "BEL-01", *somewhere(80))
    expect(room.page.locator(".row.unseen-row").first).to_be_visible()
    room.press(code)
    expect(room.page.locator(".row.chosen.unseen-row")).to_have_count(1)


def mutes(room: Room, code: str) -> None:
    room.press(code)
    expect(room.page.locator("#sound")).to_have_class(re.compile("muted"))
    room.press(code)
    expect(room.page.locator("#sound")).not_to_have_class(re.compile("muted"))


def registers(room: Room, code: str) -> None:
    room.press(code)
    expect(room.page.locator("dialog.docked [name=code-search]")).to_be_focused()
    room.press("Escape")
    expect(room.page.locator("dialog")).to_have_count(0)


def stops_and_goes_live(room: Room, code: str) -> None:
    room.page.evaluate("() => document.activeElement.blur()")
    room.press(code)
    expect(room.page.locator("#history-frame")).to_be_visible()
    room.press(code)
    expect(room.page.locator("#history-frame")).to_be_hidden()


def goes_back(room: Room, code: str) -> None:
    room.open()
    room.press(code)
    expect(room.page.locator(".overview")).to_be_visible()


def begins_the_step(room: Room, code: str) -> None:
    room.open()
    current = room.page.locator("#panel .sop-step.current")
    expect(current).to_be_visible()
    room.press(code)
    expect(current.locator(".sop-options button").first).to_be_focused()
    room.page.evaluate("() => document.activeElement.blur()")


TRIALS: dict[str, Callable[[Room, str], None]] = {
    "KeyJ": to_the_next, "KeyK": to_the_next, "Enter": to_the_panel, "KeyP": asks_to_relay("112"), "KeyF": asks_to_relay("119"),
    "Digit1": shows_a_camera, "Digit2": shows_a_camera, "Digit3": shows_a_camera, "Digit4": shows_a_camera, "Digit5": shows_a_camera,
    "KeyA": acknowledges, "KeyC": asks_to_close, "KeyN": to_the_note, "KeyS": begins_the_step, "KeyV": opens_the_wall, "KeyL": toggles_layers, "KeyW": to_the_map_search, "Slash": to_the_search,
    "KeyG": to_the_next_unseen, "KeyR": registers, "KeyM": mutes, "Space": stops_and_goes_live, "Escape": goes_back,
}  # fmt: skip


def test_every_key_does_what_it_says_and_is_in_the_help(live_stack: Stack, sign_in: SignIn) -> None:
    assert set(KEYS) == set(TRIALS), "a key without a trial in this file, or a trial without a key"
    console = sign_in()
    near, other = report(live_stack, "BEL-01", *downtown(1)), report(live_stack, "BEL-01", *somewhere(11))
    expect(console.row(other)).to_be_visible()
    room = Room(console, console.page, near, other)
    room.press("?")
    caps = set(console.page.locator("dialog .keys kbd").all_inner_texts())
    digits = sorted(int(cap) for cap in caps if cap.isdigit())
    missing = {cap_of(code) for code in KEYS} - caps - {str(one) for one in range(digits[0], digits[-1] + 1)}
    assert missing == set()
    console.shot("help")
    room.press("Escape")
    for code, trial in TRIALS.items():
        trial(room, code)
    assert {"?"} <= caps
