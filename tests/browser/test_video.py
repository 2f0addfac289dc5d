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


VIEWS = "SELECT v.seconds, u.username, v.ended_by FROM services_videoview v JOIN accounts_user u ON u.id = v.user_id JOIN incidents_incident i ON i.id = v.incident_id WHERE i.number = %s"
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


def number_of(tile: Locator) -> int:
    return int(tile.get_attribute("data-camera"))


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


def count(page: Page, sent: list[tuple[str, str]], method: str) -> int:
    """How many requests of this method were sent so far; what the page did meanwhile is heard only when it is asked."""
    page.evaluate("0")
    return [one for one, _ in sent].count(method)


def test_an_incident_opens_its_nearest_cameras_and_they_are_live(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    console.expect_noise(NOT_YET)
    page = console.page
    sent = watch_requests(page)
    camera, *place = watched(live_stack, 0)
    number = report(live_stack, "BEL-01", *place)
    console.open(number)
    expect(tiles(page)).not_to_have_count(0)
    first = tiles(page).first
    expect(first).to_have_attribute("data-camera", str(camera))
    expect_phase(first, "connecting")
    console.shot("video-connecting")
    expect_phase(first, "live")
    assert_advances(first)
    expect(first.locator(".camera-number")).to_have_text("1")
    expect(first.locator(".cam-lamp")).to_have_text(re.compile(r"LIVE \d\.\ds"))
    expect(first).to_contain_text(re.compile(r"(북|동|남|서)+ \d+ m"))
    for tile in tiles(page).all()[1:]:
        assert tile.get_attribute("data-phase") in ("none", "live", "connecting")
    console.shot("video-live")
    watchable = tiles(page).count() - page.locator('#panel .cam[data-phase="none"]').count()
    wait_until(lambda: count(page, sent, "POST") == watchable)

    page.keyboard.press("1")
    large = page.locator(".stage > .enlarged .cam")
    expect(large.locator(".camera-number")).to_have_text("1")
    expect(page.locator(".near-pin.looked")).to_have_text("1")
    expect_phase(large, "live")
    assert_advances(large)
    console.shot("video-enlarged")
    page.keyboard.press("Escape")
    expect(page.locator(".stage > .enlarged")).to_be_hidden()
    expect(console.panel_status()).to_be_visible()
    assert_advances(first)
    assert count(page, sent, "POST") == watchable, "enlarging is no second look"

    page.keyboard.press("Escape")
    wait_until(lambda: count(page, sent, "DELETE") == watchable)
    wait_until(lambda: all(ended for *_, ended in ask(live_stack, VIEWS, number)))
    seconds, user, ended = ask(live_stack, VIEWS, number)[0]
    assert seconds > 0 and user == live_stack.demo["users"]["operator"]["username"] and ended == "viewer"


def test_every_number_enlarges_its_camera(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    console.expect_noise(NOT_YET)
    page = console.page
    console.open(report(live_stack, "BEL-01", *downtown(2)))
    expect(tiles(page)).to_have_count(4)
    for key in "1234":
        page.keyboard.press(key)
        expect(page.locator(".stage > .enlarged .cam .camera-number")).to_have_text(key)
        expect(page.locator(".near-pin.looked")).to_have_text(key)
    page.keyboard.press("4")
    expect(page.locator(".stage > .enlarged")).to_be_hidden()
    expect(tiles(page)).to_have_count(4)


# What a quick operator does: a second stream into an element that has shown one, taken back before the browser has begun to load it.
TAKEN_BACK = """
async () => {
  const { HlsStream } = await import('/static/js/video/stream.js');
  const address = performance.getEntriesByType('resource').map(({ name }) => name).findLast((name) => name.includes('.m3u8'));
  const video = document.createElement('video');
  const stream = new HlsStream(video, { onBroken: () => {} });
  await stream.play(address);
  while (!video.currentSrc) await new Promise(requestAnimationFrame);
  await stream.play(address);
  stream.stop();
  return video.hasAttribute('src');
}
"""


def test_a_stream_taken_back_before_it_loads_leaves_no_address_behind(live_stack: Stack, sign_in: SignIn) -> None:
    """It would be loaded in vain, and called an error in the console, from which operators learn to look away."""
    console = sign_in()
    _, *place = watched(live_stack, 0)
    console.open(report(live_stack, "BEL-01", *place))
    expect_phase(tiles(console.page).first, "live")
    assert not console.page.evaluate(TAKEN_BACK)


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
    expect(tile.locator("video")).to_have_css("filter", re.compile(r"grayscale\(1\)"))
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
    asked = {int(url.split("/")[-2]) for method, url in sent if method == "POST"}
    assert places[-1][0] in asked and asked <= {number_of(tile) for tile in tiles(page).all()}


def test_an_incident_that_ended_rests_and_a_camera_opens_for_a_reason(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    console.expect_noise(NOT_YET)
    page = console.page
    camera, *place = watched(live_stack, 13)
    number = report(live_stack, "ORD-02", *place)
    console.open(number)
    expect_phase(tiles(page).first, "live")
    console.action("acknowledge").click()
    expect(console.panel_status("acked")).to_be_visible()
    console.action("false-alarm").click()
    page.locator("dialog[open] input[name=code]").first.check(force=True)
    page.locator("dialog[open] button[type=submit]").click()
    expect(tiles(page).first).to_have_attribute("data-phase", "idle")
    wait_until(lambda: all(ended for *_, ended in ask(live_stack, VIEWS, number)))
    sent = watch_requests(page)
    console.shot("video-idle")
    expect(page.locator("#panel .well")).to_contain_text("종결된 사건")
    expect(page.locator("#panel .sop [data-verb]")).to_have_count(0)  # nor is there a step left to take
    page.keyboard.press("1")
    page.locator("dialog[open] input").fill("종결 뒤 현장 확인")
    page.keyboard.press("Enter")
    large = page.locator(".stage > .enlarged .cam")
    expect(large).to_have_attribute("data-camera", str(camera))
    expect_phase(large, "live")
    assert count(page, sent, "POST") == 1
    reasons = "SELECT reason FROM services_videoview WHERE camera_id = %s ORDER BY begun_at DESC LIMIT 1"
    assert ask(live_stack, reasons, camera) == [("종결 뒤 현장 확인",)]


def test_the_limit_is_said_and_waited_for(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    console.expect_noise(NOT_YET)
    console.expect_noise(r"503.*/views")
    page = console.page
    camera, *place = watched(live_stack, 6)
    number = report(live_stack, "BEL-01", *place)
    # The gateway shows 32 at once.
    others = [
        one for (one,) in ask(live_stack, f"SELECT id FROM incidents_camera WHERE {WATCHED} AND id <> %s LIMIT 40", camera)
    ]
    # Looks that ask for no picture cost the gateway nothing; they end by themselves after 20 s.
    held = page.evaluate(
        """async (ids) => {
          const headers = { 'Content-Type': 'application/json', 'X-CSRFToken': document.querySelector('meta[name=csrf-token]').content };
          const begin = (id) => fetch(`/api/v1/cameras/${id}/views`, { method: 'POST', headers, body: JSON.stringify({ reason: 'filling the limit' }) });
          const answers = await Promise.all(ids.map(begin));
          const views = answers.filter(({ ok }) => ok);
          return views.length;
        }""",
        others,
    )
    assert held == 32
    console.open(number)
    expect_phase(tiles(page).first, "limit")
    expect(tiles(page).first.locator(".cam-cover")).to_contain_text(
        re.compile(r"동시 영상 한도.*\d+개 중 \d+개 사용 중, \d+초 뒤 재시도")
    )
    console.shot("video-limit")
    expect_phase(tiles(page).first, "live")
    assert_advances(tiles(page).first)


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


def test_without_a_player_still_pictures_are_shown_and_called_so(live_stack: Stack, page: Page) -> None:
    page.add_init_script(
        "for (const name of ['MediaSource', 'ManagedMediaSource', 'WebKitMediaSource']) delete window[name];"
    )
    console = Console(live_stack, page)
    console.sign_in()
    console.expect_noise(NOT_YET)
    camera, *place = watched(live_stack, 7)
    console.open(report(live_stack, "BEL-01", *place))
    tile = tiles(page).first
    expect_phase(tile, "live")
    expect(tile.locator(".cam-lamp")).to_have_text("정지영상")
    image = tile.locator("img")
    wait_until(lambda: image.evaluate("(one) => one.naturalWidth > 100"))
    before = image.get_attribute("src")
    expect(image).not_to_have_attribute("src", before)
    console.assert_quiet()


def test_a_camera_of_the_map_opens_for_a_reason(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    console.expect_noise(NOT_YET)
    page = console.page
    sent = watch_requests(page)
    camera, lat, lon = watched(live_stack, 8)
    page.evaluate("([lat, lon]) => ocenter.map.map.setView([lat, lon], 18, { animate: false })", [lat - 0.0001, lon])
    box = page.locator("#map").bounding_box()
    popup = page.locator(".leaflet-popup")
    wait_until(
        lambda: (
            page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2),
            page.wait_for_timeout(400),
            popup.count(),
        )[-1]
    )
    console.shot("video-map-popup")
    popup.get_by_role("button", name="영상 보기").click()
    dialog = page.locator("dialog[open]")
    dialog.locator("input").fill("점검")
    page.keyboard.press("Enter")
    expect(dialog.locator(".refusal")).to_contain_text("5자 이상")
    assert sent == []
    dialog.locator("input").fill("야간 순찰 점검")
    page.keyboard.press("Enter")
    large = page.locator(".stage > .enlarged .cam")
    expect(large).to_have_attribute("data-camera", str(camera))
    expect_phase(large, "live")
    page.keyboard.press("Escape")
    expect(page.locator(".stage > .enlarged")).to_be_hidden()
    views = "SELECT reason, ended_by FROM services_videoview WHERE camera_id = %s ORDER BY begun_at DESC LIMIT 1"
    wait_until(lambda: ask(live_stack, views, camera) == [("야간 순찰 점검", "viewer")])


def test_a_camera_turns_while_a_key_is_held_and_stops_after(live_stack: Stack, sign_in: SignIn) -> None:
    camera, name, lat, lon = ask(
        live_stack,
        f"SELECT id, site_number, lat, lon FROM incidents_camera WHERE {WATCHED} AND ptz ORDER BY id DESC LIMIT 1",
    )[0]
    console = sign_in()
    console.expect_noise(NOT_YET)
    page = console.page
    console.open(report(live_stack, "BEL-01", lat, lon))
    expect(tiles(page).first).to_have_attribute("data-camera", str(camera))
    page.keyboard.press("1")
    expect(page.locator(".stage > .enlarged .ptz")).to_be_visible()

    def moves() -> list[dict[str, Any]]:
        return [one for one in vms(live_stack, "GET", "state")["moves"] if one["camID"] == name]

    page.keyboard.down("ArrowRight")
    expect(page.locator(".ptz-right.held")).to_be_visible()
    # Renewed while it is held, so that it neither ends by itself nor outlives the page.
    wait_until(lambda: len([one for one in moves() if one.get("velocity", {}).get("pan", 0) > 0]) >= 2)
    console.shot("video-ptz")
    page.keyboard.up("ArrowRight")
    expect(page.locator(".ptz .held")).to_have_count(0)
    wait_until(lambda: moves()[-1].get("stop"))
    box = page.locator(".ptz-in").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    wait_until(lambda: moves()[-1].get("velocity", {}).get("zoom", 0) > 0)
    page.mouse.up()
    wait_until(lambda: moves()[-1].get("stop"))
    assert page.locator(".ptz-note").inner_text() == ""


class TestTheWall:
    """V: sixteen pictures, kept layouts, tours, and the turn to what has just come."""

    def open(self, page: Page, reason: str | None = None) -> Locator:
        page.keyboard.press("v")
        if reason:
            page.locator("dialog[open] input").fill(reason)
            page.keyboard.press("Enter")
        expect(page.locator(".wall")).to_be_visible()
        return page.locator(".wall")

    def add(self, page: Page, camera: int, number: str) -> None:
        page.keyboard.press("/")
        page.locator(".camera-search input").fill(number)
        page.locator(".camera-found li", has_text=number).first.click()
        expect(page.locator(f'.wall .cam[data-camera="{camera}"]')).to_be_visible()

    def test_shows_sixteen_keeps_its_layout_and_tours(self, live_stack: Stack, sign_in: SignIn) -> None:
        rows = ask(live_stack, f"SELECT id, site_number FROM incidents_camera WHERE {WATCHED} ORDER BY id LIMIT 16")
        ask(live_stack, "DELETE FROM accounts_preference WHERE name = 'wall' RETURNING name")  # whose first try kept one
        console = sign_in()
        console.expect_noise(NOT_YET)
        page = console.page
        wall = self.open(page, "월 시험 점검")
        wall.locator('[data-grid="16"]').first.click()
        self.add(page, *rows[0])
        # As the map sends them, from a pop-up or a drawn area.
        page.evaluate(
            "(ids) => document.dispatchEvent(new CustomEvent('ocenter:cameras', { detail: { ids } }))",
            [one for one, _ in rows[1:]],
        )
        expect(wall.locator(".cam[data-phase=live]")).to_have_count(16, timeout=90_000)
        assert_advances(wall.locator(".cam").nth(15))
        console.shot("wall-16")

        wall.locator('[data-grid="4"]').first.click()
        expect(wall.locator(".wall-scenes button[aria-pressed]")).to_have_count(4)
        page.get_by_role("button", name="이 배치 저장").click()
        page.locator("dialog[open] input").fill("야간")
        page.keyboard.press("Enter")
        expect(page.locator(".toast")).to_contain_text("배치 저장됨")
        page.keyboard.press("Escape")
        expect(wall).to_be_hidden()

        page.reload()
        console.wait_live()
        wall = self.open(page, "월 시험 점검")
        expect(wall.locator(".wall-layouts")).to_contain_text("야간")
        expect(wall.locator(".cam")).to_have_count(4)
        shown = lambda: [one.get_attribute("data-camera") for one in wall.locator(".cam").all()]  # noqa: E731
        first = shown()
        wall.locator(".wall-touring select").select_option("5")
        page.locator(".wall-head h2").click()
        page.keyboard.press("Space")
        expect(wall.locator(".wall-tour b")).to_have_text(re.compile(r"\d"))
        wait_until(lambda: len(now := shown()) == 4 and not set(now) & set(first))
        expect(wall.locator(".cam[data-phase=live]")).not_to_have_count(0, timeout=PICTURE_MS)
        console.shot("wall-tour")

    def test_turns_to_a_new_critical_incident_and_back(self, live_stack: Stack, sign_in: SignIn) -> None:
        console = sign_in()
        console.expect_noise(NOT_YET)
        page = console.page
        wall = self.open(page, "월 전환 점검")
        camera, *place = watched(live_stack, 9)
        number = report(live_stack, "BEL-01", *place)
        expect(wall.locator(".wall-notice:not(.news)")).to_contain_text("사건으로 전환됨")
        expect(wall.locator(".cam[data-phase=live]")).not_to_have_count(0, timeout=PICTURE_MS)
        reasons = "SELECT count(*) FROM services_videoview v JOIN incidents_incident i ON i.id = v.incident_id WHERE i.number = %s AND v.ended_at IS NULL"
        assert ask(live_stack, reasons, number)[0][0] > 0
        console.shot("wall-turned")
        wall.get_by_role("button", name="원래 장면으로").click()
        expect(wall.locator(".wall-notice:not(.news)")).to_be_hidden()
        wait_until(lambda: ask(live_stack, reasons, number)[0][0] == 0)
        page.keyboard.press("v")
        expect(wall).to_be_hidden()


def test_the_big_screen_follows_the_newest_incident_by_itself(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    console.expect_noise(NOT_YET)
    page = console.page
    page.goto(f"{live_stack.base_url}/wall/")
    page.locator("dialog[open] input").fill("상황실 상시 표출")
    page.keyboard.press("Enter")
    expect(page.locator("#connection[data-state=live]")).to_be_visible()
    camera, *place = watched(live_stack, 10)
    number = report(live_stack, "CRM-02", *place)
    title = page.locator("#worst li.followed")
    expect(title).to_be_visible()
    wait_until(lambda: page.evaluate("() => ocenter.screen.follow?.number") == number)
    expect(page.locator("#pictures .cam[data-phase=live]")).not_to_have_count(0, timeout=PICTURE_MS)
    expect(page.locator("#counts li")).to_have_count(4)
    expect(page.locator("button:visible", has_text="확인")).to_have_count(0)
    console.shot("big-screen")
    page.reload()
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("#connection[data-state=live]")).to_be_visible()


def test_a_camera_and_the_wall_live_in_windows_of_their_own(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    console.expect_noise(NOT_YET)
    page = console.page
    _, *place = watched(live_stack, 11)
    number = report(live_stack, "BEL-01", *place)
    console.open(number)
    expect_phase(tiles(page).first, "live")
    page.keyboard.press("1")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="새 창으로 띄우기").click()
    window = opened.value
    expect_phase(window.locator(".cam"), "live")
    assert_advances(window.locator(".cam"))
    window.close()

    page.keyboard.press("v")
    with page.expect_popup() as opened:
        page.locator(".wall-end").get_by_role("button", name="새 창으로 띄우기").click()
    wall = opened.value
    expect(wall.locator(".wall")).to_be_visible()
    other = report(live_stack, "BEL-01", *watched(live_stack, 12)[1:])
    page.bring_to_front()
    console.open(other)
    expect(wall.locator(".wall-notice:not(.news)")).to_be_visible()
    console.open(number)
    expect(wall.locator(f".wall-notice:not(.news)[data-number='{number}']")).to_be_visible()
    expect(wall.locator(".cam[data-phase=live]")).not_to_have_count(0, timeout=PICTURE_MS)
    wall.close()
