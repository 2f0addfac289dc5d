"""The map: it keeps up, says what it hides, finds, draws, remembers, and takes other base maps by setting."""

import http.server
import re
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.console import Console, call, downtown, report, somewhere
from tests.stack import Stack

SignIn = Callable[..., Console]
BURST_SECONDS = 4
SUBJECTS = 40


@pytest.fixture(scope="module")
def storm(live_stack: Stack) -> Iterator[Callable[[float], int]]:
    """Reports 200 changes a second of forty incidents for some seconds; answers how many were taken. They end with the module."""
    mark, count = f"storm-{time.time_ns()}", 0
    lat, lon = somewhere(50)

    def batch(action: str, size: int) -> int:
        nonlocal count
        now, events = datetime.now(UTC).isoformat(), []
        for n in range(size):
            count += 1
            place = {"lat": lat + 0.0001 * (n % 8), "lon": lon + 0.0001 * (n % 5)}
            events.append({"id": f"{mark}-{count}", "subject": f"{mark}.{n % SUBJECTS}", "action": action, "code": "ORD-04",
                           "occurred_at": now, "summary": f"갱신 {count}", **place})  # fmt: skip
        return call(live_stack, "POST", "events", "feed", events)[1]["accepted"]

    def blow(seconds: float) -> int:
        until, taken = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            taken += batch("report", SUBJECTS)
            time.sleep(0.2)
        return taken

    yield blow
    batch("end", SUBJECTS)


def look_at(page: Page, place: tuple[float, float], zoom: float) -> None:
    page.evaluate("([at, zoom]) => ocenter.map.map.setView(at, zoom, { animate: false })", [list(place), zoom])


def test_a_clusters_popup_survives_hundreds_of_updates_and_says_count_worst_and_oldest(
    live_stack: Stack, sign_in: SignIn, storm: Callable[[float], int]
) -> None:
    console = sign_in()
    page = console.page
    worst = report(live_stack, "CRM-02", *somewhere(50))
    assert storm(1) > 0
    look_at(page, somewhere(50), 14)
    pin = page.locator(f'.pin.G1[data-number="{worst}"]')
    expect(pin.locator(".pin-count")).to_be_visible()
    expect(pin.locator(".pin-age")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    expect(pin.locator('.pin-shape[data-shape="g-G1"]')).to_have_css("background-image", re.compile("data:image/svg"))
    expect(pin).to_have_attribute("aria-label", re.compile(r"최장 \d"))
    pin.locator(".pin-body").click()
    popup = page.locator(".leaflet-popup")
    expect(popup.locator("h3")).to_contain_text(re.compile(r"최장 \d"))
    page.evaluate("window.kept = document.querySelector('.leaflet-popup')")
    taken = storm(BURST_SECONDS)
    assert taken >= 200
    assert page.evaluate("window.kept.isConnected && window.kept === document.querySelector('.leaflet-popup')")
    assert popup.locator("ol li").count() > 1
    console.shot("map-cluster-popup")


CAMERAS_DRAWN = "ocenter.map.points.all().filter(({ set }) => set === 'cameras').length"


def test_layers_hide_what_they_are_told_and_never_in_silence(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    number = report(live_stack, "CRM-02", *somewhere(51))
    look_at(page, somewhere(51), 16)
    pin = page.locator(f'.pin[data-number="{number}"]')
    expect(pin).to_have_count(1)
    page.keyboard.press("l")
    page.locator('[data-layer="grade:G1"]').uncheck()
    expect(pin).to_have_count(0)
    notice = page.locator(".map-notice")
    expect(notice).to_contain_text("숨기고 있습니다")
    console.shot("map-hidden-notice")
    notice.locator("button").click()
    expect(pin).to_have_count(1)
    expect(notice).to_be_hidden()
    look_at(page, downtown(5), 16)
    page.wait_for_function(f"() => {CAMERAS_DRAWN} > 0")
    for box in page.locator('[data-layer^="purpose:"]').all():
        box.uncheck()
    page.wait_for_function(f"() => {CAMERAS_DRAWN} === 0")
    page.reload()  # what is off stays off, and the first picture knows it
    console.wait_live()
    look_at(page, downtown(5), 16)
    page.wait_for_function("() => ocenter.map.points.shown?.zoom === 16")
    assert page.evaluate(CAMERAS_DRAWN) == 0
    page.evaluate("ocenter.map.tools.layers.set([])")


def test_the_heat_map_shows_where_it_was_busy(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    report(live_stack, "ORD-01", *somewhere(51))
    page.keyboard.press("l")
    page.locator('input[name="heat"][value="1"]').check(force=True)
    page.wait_for_function("() => ocenter.map.tools.heat.heat?.cells.length > 0")
    status, answer = call(live_stack, "GET", "heat?hours=1", "central")
    assert status == 200 and answer["hours"] == 1
    expect(page.locator(".leaflet-heat-pane canvas")).to_be_visible()
    console.shot("map-heat")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    expect(page.locator("#history-frame")).to_be_visible()
    page.wait_for_function("() => Date.parse(ocenter.map.tools.heat.heat?.until) === Math.trunc(ocenter.room.history.at)")
    page.keyboard.press("Space")
    page.wait_for_function("() => ocenter.map.tools.heat.until === null")
    page.locator('input[name="heat"][value="0"]').check(force=True)
    expect(page.locator(".leaflet-heat-pane canvas")).to_have_count(0)


def draw(page: Page, kind: str, spots: list[tuple[int, int]]) -> None:
    page.click(f'[data-draw="{kind}"]')
    box = page.locator("#map").bounding_box()
    for dx, dy in spots:
        page.mouse.click(box["x"] + box["width"] / 2 + dx, box["y"] + box["height"] / 2 + dy)
        page.wait_for_timeout(350)  # two clicks within a double click's time would end it


def test_a_drawn_shape_holds_the_cameras_the_rest_says_and_escape_ends_it(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    look_at(page, (36.3504, 127.3845), 14)
    draw(page, "polygon", [(-150, -110), (160, -120), (170, 120), (-140, 130)])
    page.keyboard.press("Enter")
    expect(page.locator(".inside-count")).to_be_visible()
    points = page.evaluate("ocenter.map.tools.draw.points")
    polygon = "%20".join(f"{one['lat']:.6f},{one['lon']:.6f}" for one in points)
    _, answer = call(live_stack, "GET", f"cameras?polygon={polygon}&page_size=100", "central")
    assert answer["count"] > 0
    expect(page.locator(".inside-count")).to_contain_text(str(answer["count"]))
    assert page.evaluate("ocenter.map.tools.draw.inside.map(({ id }) => id)") == [one["id"] for one in answer["cameras"]]
    page.evaluate("document.addEventListener('ocenter:cameras', ({ detail }) => { window.sent = detail.ids; }, { once: true })")
    console.shot("map-polygon")
    page.locator(".draw-card").get_by_text("비디오월로 보내기").click()
    assert page.evaluate("window.sent") == [one["id"] for one in answer["cameras"]]
    expect(page.locator("dialog[open]")).to_be_visible()  # the wall asks for a reason
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator(".draw-card")).to_be_hidden()
    draw(page, "circle", [(0, 0), (120, 0)])
    circle = page.evaluate("ocenter.map.tools.draw.points")
    assert len(circle) == 2
    expect(page.locator(".inside-count")).to_be_visible()
    page.keyboard.press("Escape")
    draw(page, "measure", [(0, 0), (100, 0)])
    page.keyboard.press("Enter")
    expect(page.locator(".draw-card")).to_contain_text(re.compile(r"\d (m|km)"))
    page.keyboard.press("Escape")
    expect(page.locator(".drawn")).to_have_count(0)


def test_a_supervisors_geofence_is_named_on_the_map_and_at_its_incidents(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in("supervisor")
    page = console.page
    number = report(live_stack, "BEL-01", *somewhere(52))
    look_at(page, somewhere(52), 16)
    draw(page, "polygon", [(-120, -90), (120, -90), (120, 90), (-120, 90)])
    page.keyboard.press("Enter")
    page.get_by_role("button", name="지오펜스로 저장").click()
    page.fill('dialog input[name="name"]', "시험 축제장")
    page.keyboard.press("Enter")
    expect(page.locator(".fence-name")).to_have_text("시험 축제장")
    pin = page.locator(f'.pin[data-number="{number}"]')
    pin.locator(".pin-body").hover()
    expect(pin).to_have_attribute("aria-label", re.compile("시험 축제장"))
    console.shot("map-geofence")
    page.keyboard.press("Escape")
    page.evaluate(
        "async () => { const { remove } = await import('/static/js/api.js'); const { fences } = ocenter.map.tools; for (const { id } of fences.fences) await remove(`geofences/${id}`); await fences.load(); }"
    )
    expect(page.locator(".fence-name")).to_have_count(0)


def test_an_operator_makes_no_geofence(sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    draw(page, "polygon", [(-60, -60), (60, -60), (60, 60)])
    page.keyboard.press("Enter")
    expect(page.locator(".inside-count")).to_be_visible()
    expect(page.get_by_role("button", name="지오펜스로 저장")).to_have_count(0)


def test_one_jumps_by_keyboard_to_a_dong_coordinates_and_an_incident(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    number = report(live_stack, "BEL-01", *somewhere(53))

    def jump(text: str, kind: str) -> None:
        page.keyboard.press("w")
        expect(page.locator("#map-search")).to_be_focused()
        page.keyboard.type(text)
        expect(page.locator(".map-found li").first).to_contain_text(kind)
        page.keyboard.press("Enter")
        expect(page.locator("#map-found")).to_be_hidden()

    jump("둔산동", "둔산동")
    page.wait_for_function("() => Math.abs(ocenter.map.map.getCenter().lat - 36.351) < 0.02")
    jump("36.31,127.45", "36.31000")
    page.wait_for_function("() => Math.abs(ocenter.map.map.getCenter().lng - 127.45) < 0.001")
    expect(page.locator(".leaflet-popup")).to_contain_text("좌표")
    console.shot("map-jump")
    jump(number, number)
    expect(page.locator(f'.row.chosen[data-number="{number}"]')).to_have_count(1)


def test_what_comes_while_the_map_is_dragged_is_in_the_queue_at_once_and_on_the_map(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    look_at(page, somewhere(46), 15)
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 70, box["y"] + box["height"] / 2 + 40, steps=5)
    number = report(live_stack, "BEL-01", *somewhere(46))
    expect(console.row(number)).to_be_visible()
    expect(page.locator(f'.pin[data-number="{number}"] .pin-body')).to_be_visible()
    assert page.evaluate("ocenter.map.moving")
    page.mouse.up()
    page.wait_for_function("() => !ocenter.map.moving")
    console.open(number)


def test_a_saved_view_survives_a_reload(sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    look_at(page, (36.33, 127.43), 15)
    page.keyboard.press("l")
    page.locator('[data-layer="grade:G4"]').uncheck()
    page.fill(".save-view input", "중앙시장")
    page.keyboard.press("Enter")
    expect(page.locator(".saved-views .go", has_text="중앙시장")).to_be_visible()
    page.evaluate("ocenter.map.tools.layers.set([])")
    page.reload()
    console.wait_live()
    page.keyboard.press("l")
    page.locator(".saved-views .go", has_text="중앙시장").click()
    page.wait_for_function("() => Math.abs(ocenter.map.map.getCenter().lat - 36.33) < 1e-4 && ocenter.map.map.getZoom() === 15")
    expect(page.locator('[data-layer="grade:G4"]')).not_to_be_checked()
    page.get_by_role("button", name="중앙시장 삭제").click()
    expect(page.locator(".saved-views .go", has_text="중앙시장")).to_have_count(0)
    page.evaluate("ocenter.map.tools.layers.set([])")


def test_incidents_without_a_place_and_outside_the_city_are_said_and_listed(live_stack: Stack, sign_in: SignIn) -> None:
    console = sign_in()
    page = console.page
    nowhere = report(live_stack, "VUL-01", None, None)
    busan = report(live_stack, "TRF-1", 35.1796, 129.0756)
    unplaced = page.locator(".unplaced")
    expect(unplaced).to_contain_text(re.compile("위치 없음 \\d+건"))
    expect(unplaced).to_contain_text(re.compile("관할 밖 \\d+건"))
    unplaced.locator("> button").click()
    expect(unplaced.locator(f'[data-number="{nowhere}"]')).to_be_visible()
    console.shot("map-unplaced")
    unplaced.locator(f'[data-number="{busan}"]').click()
    expect(page.locator(f'.pin[data-number="{busan}"] .pin-body')).to_be_visible()
    expect(page.locator(f'.row.chosen[data-number="{busan}"]')).to_have_count(1)


def picture() -> bytes:
    """A green PNG of 256 × 256, by hand."""
    rows = zlib.compress((b"\x00" + b"\x20\xa0\x40" * 256) * 256)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 256, 256, 8, 2, 0, 0, 0)) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def archive(tile: bytes) -> bytes:
    """A PMTiles archive of version 3 by hand: one picture for every tile of zoom 0 to 5, nothing compressed."""
    tiles = sum(4**zoom for zoom in range(6))
    directory = varint(1) + varint(0) + varint(tiles) + varint(len(tile)) + varint(1)
    metadata = b"{}"
    root, meta = 127, 127 + len(directory)
    data = meta + len(metadata)
    header = struct.pack(
        "<7sB11Q", b"PMTiles", 3, root, len(directory), meta, len(metadata), data, 0, data, len(tile), tiles, 1, 1
    )
    header += struct.pack("<6B4iB2i", 1, 1, 1, 2, 0, 5, -1800000000, -850000000, 1800000000, 850000000, 5, 1273800000, 363500000)
    return header + directory + metadata + tile


@contextmanager
def tile_server() -> Iterator[tuple[str, list[str]]]:
    """A server of its own on the loopback that answers every request with the picture: its address, what was asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(picture())

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()


def open_console(stack: Stack, browser: Browser) -> Console:
    console = Console(stack, browser.new_page(viewport={"width": 1366, "height": 768}, locale="ko-KR"))
    console.page.set_default_timeout(60_000)
    console.sign_in()
    return console


LOADED = "() => [...document.querySelectorAll('.tiles img')].filter((one) => one.naturalWidth === 256).length > 0"


def test_the_base_map_is_the_one_of_the_settings(live_stack: Stack, browser: Browser, tmp_path) -> None:
    """One city, seen through three web processes: an archive of ours, then another server's tiles, then its WMS."""
    (tmp_path / "city.pmtiles").write_bytes(archive(picture()))
    with live_stack.one_more_web(OCENTER_BASEMAP=f"pmtiles:{tmp_path}/city.pmtiles", OCENTER_BASEMAP_ATTRIBUTION="© 시험 <지도>") as stack:
        console = open_console(stack, browser)
        console.page.wait_for_function(LOADED)
        expect(console.page.locator(".leaflet-control-attribution")).to_contain_text("© 시험 <지도>")
        console.assert_quiet()
        console.shot("map-pmtiles")
        console.page.close()
    with tile_server() as (address, asked):
        for setting, path in ((f"xyz:{address}/t/{{z}}/{{x}}/{{y}}.png", r"^/t/\d+/\d+/\d+\.png$"), (f"wms:{address}/wms?layers=city", r"^/wms\?.*layers=city.*bbox=")):
            with live_stack.one_more_web(OCENTER_BASEMAP=setting) as stack:
                console = open_console(stack, browser)
                console.page.wait_for_function(LOADED)
                assert any(re.match(path, one) for one in asked), asked[:3]
                strays = [one for one in console.noise if address not in one]
                assert strays == []
                policy = console.page.request.get(stack.base_url).headers["content-security-policy"]
                opened = {part.split()[0]: part.split()[1:] for part in policy.split(";") if part.strip()}
                assert [name for name, sources in opened.items() if address in sources] == ["img-src"]
                console.page.close()
            asked.clear()
