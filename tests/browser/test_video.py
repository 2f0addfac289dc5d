"""Pictures on the real pipeline: RTSP from the simulated cameras, ffmpeg, HLS, hls.js. Nothing here is made up."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.request import Request, urlopen

import psycopg2
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.console import Console, downtown, report, wait_until
from tests.stack import Stack

SignIn = Callable[..., Console]
PICTURE_MS = 40_000
"""Milliseconds in which a picture must be there on a busy machine: encoder, ffmpeg and player all start for it."""

# A picture as numbers: what is drawn, and how far it has played.
PICTURE = """
(video) => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [64, 36];
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0, 64, 36);
  const data = context.getImageData(0, 0, 64, 36).data;
  let sum = 0;
  for (let i = 0; i < data.length; i += 1) sum = (sum * 31 + data[i]) >>> 0;
  return { time: video.currentTime, sum, bright: Math.max(...data.filter((_, i) => i % 4 < 3)) };
}
"""


def vms(stack: Stack, method: str, path: str, body: Any = None) -> Any:
    """Asks the simulated video system."""
    content = json.dumps(body).encode() if body is not None else None
    request = Request(
        f"{stack.agencies_url}/sources/vms/{path}", content, {"Content-Type": "application/json"}, method=method
    )
    with urlopen(request, timeout=10) as answer:
        return json.load(answer)


def ask(stack: Stack, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of the installation's database."""
    with psycopg2.connect(stack.database_url) as connection, connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


NOT_YET = r"503.*/video/"
"""A stream that is only starting has no list yet; the browser reports that as an error, the player asks again."""
WATCHED = "sealed_stream <> '' AND gone_at IS NULL AND system_id IS NOT NULL AND municipality_id = (SELECT id FROM accounts_municipality WHERE code = '30000')"


def watched(stack: Stack, which: int) -> tuple[int, float, float]:
    """The `which`-th camera that has a picture, and a place a few metres from it: nobody else's tests go there."""

    def rows() -> list[tuple[Any, ...]]:
        return ask(stack, f"SELECT id, lat, lon FROM incidents_camera WHERE {WATCHED} ORDER BY id")

    # A fresh installation learns its cameras from the video system, which takes a moment.
    wait_until(lambda: len(rows()) > which, seconds=90)
    camera, lat, lon = rows()[which]
    return camera, lat + 0.0001, lon


def cam_id(stack: Stack, camera: int) -> str:
    """What the video system calls one of our cameras."""
    return ask(stack, "SELECT site_number FROM incidents_camera WHERE id = %s", camera)[0][0]


class Faults:
    """How single cameras' video misbehaves; healed afterwards."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.touched = stack, set()

    def set(self, camera: int, mode: str) -> None:
        name = cam_id(self.stack, camera)
        vms(self.stack, "PUT", f"streams/{name}", {"mode": mode})
        self.touched.add(name)

    def heal(self) -> None:
        for name in self.touched:
            vms(self.stack, "PUT", f"streams/{name}", {"mode": "none"})


@pytest.fixture
def faults(live_stack: Stack) -> Iterator[Faults]:
    faults = Faults(live_stack)
    yield faults
    faults.heal()


def tiles(page: Page) -> Locator:
    return page.locator("#panel .cam")


def expect_phase(tile: Locator, phase: str) -> None:
    expect(tile).to_have_attribute("data-phase", phase, timeout=PICTURE_MS)


def assert_advances(tile: Locator) -> None:
    """The picture really moves: its time grows and what is drawn changes."""
    video = tile.locator("video")
    first = video.evaluate(PICTURE)
    assert first["bright"] > 60, "the picture is black"
    wait_until(lambda: video.evaluate(PICTURE)["time"] > first["time"] + 0.5)
    wait_until(lambda: video.evaluate(PICTURE)["sum"] != first["sum"])


def watch_requests(page: Page) -> list[tuple[str, str]]:
    """Every request about views, as it is sent."""
    sent: list[tuple[str, str]] = []
    page.on(
        "request",
        lambda one: "/views" in one.url and not one.url.endswith("/alive") and sent.append((one.method, one.url)),
    )
    return sent


def test_a_camera_without_a_stream_says_so_and_is_not_asked_for(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    console.expect_noise(NOT_YET)
    page = console.page
    sent = watch_requests(page)
    camera, lat, lon = ask(
        live_stack,
        "SELECT id, lat, lon FROM incidents_camera WHERE sealed_stream = '' AND municipality_id = (SELECT id FROM accounts_municipality WHERE code = '30000') ORDER BY lat LIMIT 1",
    )[0]
    console.open(report(live_stack, "BEL-01", lat, lon))
    tile = page.locator(f'#panel .cam[data-camera="{camera}"]')
    expect_phase(tile, "none")
    expect(tile.locator(".cam-cover b")).to_have_text("영상 없음")
    console.shot("video-none")
    assert not [url for _, url in sent if f"/cameras/{camera}/" in url]


def test_a_frozen_and_a_lost_picture_say_so_and_come_back(live_stack: Stack, sign_in: SignIn, faults: Faults) -> None:
    console = sign_in()
    console.expect_noise(NOT_YET)
    page = console.page
    camera, *place = watched(live_stack, 1)
    console.open(report(live_stack, "BEL-01", *place))
    tile, title = tiles(page).first, tiles(page).first.locator(".cam-cover b")
    expect_phase(tile, "live")
    faults.set(camera, "freeze")
    expect_phase(tile, "frozen")
    expect(title).to_have_text(re.compile(r"화면 멈춤 · \d+초"))
    expect(tile.locator(".cam-lamp")).to_have_text("")
    assert "grayscale(1)" in tile.locator("video").evaluate("(video) => getComputedStyle(video).filter")
    console.shot("video-frozen")
    faults.heal()
    expect_phase(tile, "live")

    faults.set(camera, "drop")
    expect_phase(tile, "lost")
    expect(title).to_have_text(re.compile(r"신호 없음 · \d+초"))
    said = title.inner_text()
    expect(title).not_to_have_text(said)
    assert tile.locator("video").evaluate("(video) => getComputedStyle(video).opacity") == "0"
    console.shot("video-lost")
    faults.heal()
    expect_phase(tile, "live")
    assert_advances(tile)


def test_walking_through_the_queue_opens_only_where_one_stays(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    console.expect_noise(NOT_YET)
    page = console.page
    places = [watched(live_stack, which) for which in (2, 3, 4, 5)]
    numbers = [report(live_stack, "BEL-01", lat, lon) for _, lat, lon in places]
    for number in numbers:
        expect(console.row(number)).to_be_visible()
    sent = watch_requests(page)
    page.evaluate("(numbers) => numbers.forEach((number) => ocenter.room.open(number))", numbers)
    expect(page.locator("#panel .facts")).to_contain_text(numbers[-1])
    expect_phase(tiles(page).first, "live")
    assert [url for method, url in sent if method == "POST"] == [
        f"{live_stack.base_url}/api/v1/cameras/{places[-1][0]}/views"
    ]


def test_who_may_not_watch_is_told_and_asks_for_nothing(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in("auditor")
    page = console.page
    sent = watch_requests(page)
    console.open(report(live_stack, "BEL-01", *downtown(5)))
    expect_phase(tiles(page).first, "forbidden")
    expect(tiles(page).first.locator(".cam-cover b")).to_have_text("열람 권한 없음")
    page.keyboard.press("v")
    expect(page.locator(".toast")).to_contain_text("열람 권한 없음")
    expect(page.locator(".wall")).to_be_hidden()
    console.shot("video-forbidden")
    assert sent == []


class TestTheWall:
    """V: sixteen pictures, kept layouts, tours, and the turn to what has just come."""

    def open(self, page: Page, reason: str | None = None) -> Locator:
        page.keyboard.press("v")
        if reason:
            page.locator("dialog[open] input").fill(reason)
            page.keyboard.press("Enter")
        expect(page.locator(".wall")).to_be_visible()
        return page.locator(".wall")

    def test_turns_to_a_new_critical_incident_and_back(self, live_stack: Stack, sign_in: SignIn) -> None:
        console = sign_in()
        console.expect_noise(NOT_YET)
        page = console.page
        wall = self.open(page, "월 전환 점검")
        camera, *place = watched(live_stack, 9)
        number = report(live_stack, "BEL-01", *place)
        expect(wall.locator(".wall-notice")).to_contain_text("사건으로 전환됨")
        expect(wall.locator(".cam[data-phase=live]")).not_to_have_count(0, timeout=PICTURE_MS)
        reasons = "SELECT count(*) FROM services_videoview v JOIN incidents_incident i ON i.id = v.incident_id WHERE i.number = %s AND v.ended_at IS NULL"
        assert ask(live_stack, reasons, number)[0][0] > 0
        console.shot("wall-turned")
        wall.get_by_role("button", name="원래 장면으로").click()
        expect(wall.locator(".wall-notice")).to_be_hidden()
        wait_until(lambda: ask(live_stack, reasons, number)[0][0] == 0)
        page.keyboard.press("v")
        expect(wall).to_be_hidden()
