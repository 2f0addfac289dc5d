"""The map with very many devices and very many updates, in a real browser on the running stack.

    python -m benchmarks.map [--points 20000] [--seconds 60] [--rate 200]

Fills the registry of a stack of its own with `points` cameras and devices, opens the page, and for `seconds` reports
`rate` changes a second (of 300 incidents that go on, as events about the same subjects) through the public intake. Meanwhile
the map is dragged to and fro, and beside it an empty Leaflet map of the same size in the same page: no GPU here, so the
ratio of the two is what counts. An operator's computer is not the server: the stack's processes yield to the browser, by
nice 10, their own and that of their scheduling groups (Linux `sched_autogroup`, sched(7): between groups, one's own nice
counts for nothing). Needs Chromium (`/usr/bin/chromium`), and Node.js for what brotli would make of the answer.

Budget: first draw 150 ms, no task above 50 ms, frames while panning p95 20 ms, 0.75 MB on the wire.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import random
import subprocess
import threading
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks import bench
from benchmarks.dom import ARGUMENTS, CHROMIUM
from tests.browser.console import Console, call
from tests.stack import Stack

SUBJECTS = 300
TICK_SECONDS = 0.5
SENDERS = 2  # one connection waits for each answer, and would not keep the pace alone
NICE = 10
YIELD_SECONDS = 1.0
STROKES = 8
MEGABYTE = 1_000_000
PATIENCE_MS = 60_000  # a busy machine is slow to start a page

SEED = """
WITH city AS (SELECT id FROM accounts_municipality WHERE code = '30000'), spots AS (
  SELECT n, 36.20 + 0.28 * random() AS lat, 127.26 + 0.27 * random() AS lon FROM generate_series(1, %(points)s) AS n
)
INSERT INTO {table}
"""
CAMERAS = SEED.format(
    table="incidents_camera (municipality_id, source, site_number, index, name, purpose, manager, manager_phone, "
    "road_address, lot_address, lat, lon, direction, installed_on, ptz, sealed_stream, updated_at)"
) + """
SELECT city.id, 'bench', 'BENCH-' || n, 1, '시험 카메라 ' || n, (ARRAY['생활방범', '어린이보호', '교통단속', '차량방범'])[1 + n %% 4],
       '', '', '', '', lat, lon, '', '', n %% 5 = 0, '', now() FROM spots, city WHERE n %% 10 < 7
"""
DEVICES = SEED.format(
    table="incidents_device (municipality_id, device_id, kind, name, address, lat, lon, attributes, updated_at)"
) + """
SELECT city.id, 'BENCH-' || n, (ARRAY['bell', 'crime_sensor', 'fire_sensor'])[1 + n %% 3], '시험 장치 ' || n, '', lat, lon,
       '{}'::jsonb, now() FROM spots, city WHERE n %% 10 >= 7
"""

# Tasks above 50 ms as the browser reports them, and how long a message to oneself waits behind whatever runs.
WATCH = """
() => {
  window.seen = { tasks: [], waits: [] };
  new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => seen.tasks.push(duration))).observe({ type: 'longtask' });
  const { port1, port2 } = new MessageChannel();
  let sent = 0;
  port1.onmessage = () => { seen.waits.push(performance.now() - sent); setTimeout(ping, 7); };
  const ping = () => { sent = performance.now(); port2.postMessage(0); };
  ping();
}
"""
# Drags a map to and fro with the mouse's own events, one a frame, and returns the time between frames.
PAN = """
async ([which, strokes]) => {
  const box = document.getElementById('map').getBoundingClientRect();
  if (which === 'empty' && !window.emptyMap) {
    const L = await import('leaflet');
    const place = document.createElement('div');
    Object.assign(place.style, { position: 'fixed', left: `${box.x}px`, top: `${box.y}px`, width: `${box.width}px`, height: `${box.height}px`, zIndex: 4000, background: '#101820' });
    document.body.append(place);
    window.emptyMap = L.map(place, { zoomControl: false, attributionControl: false, inertia: false }).setView([36.35, 127.38], 12);
  }
  const map = which === 'empty' ? window.emptyMap : ocenter.map.map;
  if (window.emptyMap) window.emptyMap.getContainer().style.display = which === 'empty' ? '' : 'none';
  map.options.inertia = false;
  const frames = [];
  const mouse = (type, x, y) => map.getPanes().mapPane.dispatchEvent(new MouseEvent(type, { clientX: x, clientY: y, button: 0, buttons: 1, bubbles: true, cancelable: true }));
  const frame = () => new Promise(requestAnimationFrame);
  const [cx, cy] = [box.x + box.width / 2, box.y + box.height / 2];
  for (let stroke = 0; stroke < strokes; stroke += 1) {
    const [dx, dy] = stroke % 2 ? [-6, -4] : [6, 4];
    mouse('mousedown', cx, cy);
    let last = await frame();
    for (let n = 1; n <= 40; n += 1) {
      mouse('mousemove', cx + dx * n, cy + dy * n);
      const now = await frame();
      frames.push(now - last);
      last = now;
    }
    mouse('mouseup', cx + dx * 40, cy + dy * 40);
    for (let n = 0; n < 2; n += 1) {
      const now = await frame();
      frames.push(now - last);
      last = now;
    }
  }
  return frames;
}
"""


class Yielding(threading.Thread):
    """Keeps the stack's processes, those they start later, too, behind the browser until told to stop."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(daemon=True)
        self.pids, self.over = list(stack.pids().values()), threading.Event()

    def run(self) -> None:
        """Every database connection is a process, and begins with a group of its own."""
        while not self.over.wait(YIELD_SECONDS):
            for pid in self.pids:
                for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
                    with contextlib.suppress(psutil.Error, OSError):
                        process.nice(NICE)
                        Path(f"/proc/{process.pid}/autogroup").write_text(str(NICE))


def seed(stack: Stack, points: int) -> None:
    """Fills the stack's own registry: seven cameras to three devices, all over the city."""
    with bench.connect(stack) as database, database.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(CAMERAS, {"points": points})
        cursor.execute(DEVICES, {"points": points})
        cursor.execute("ANALYZE incidents_camera; ANALYZE incidents_device")


class Updates(threading.Thread):
    """Reports `rate` changes a second of `subjects` incidents until told to stop; `sent` counts what was accepted."""

    def __init__(self, stack: Stack, rate: float, subjects: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.stack, self.rate, self.sent, self.over = stack, rate, 0, threading.Event()
        self.chance, self.mark = random.Random(seed), uuid.uuid4().hex[:8]
        self.places = [bench.event("", self.chance, code=self.chance.choice(bench.CODES)) for _ in range(subjects)]

    def run(self) -> None:
        """One batch every half second; a slow answer delays the next, and the count says so."""
        due = time.monotonic()
        while not self.over.is_set():
            status, answer = call(self.stack, "POST", "events", "feed", [self._event() for _ in range(int(self.rate * TICK_SECONDS))])
            self.sent += answer["accepted"] if status == 202 else 0
            due += TICK_SECONDS
            time.sleep(max(0.0, due - time.monotonic()))

    def _event(self) -> dict[str, Any]:
        subject = self.chance.randrange(len(self.places))
        summary = f"갱신 {self.chance.randrange(10**6)}"
        return bench.event(uuid.uuid4().hex, self.chance, **{k: self.places[subject][k] for k in ("code", "lat", "lon")},
                           subject=f"{self.mark}-{subject}", summary=summary)  # fmt: skip


def wire(page: Page, stack: Stack) -> tuple[int, int, int]:
    """Bytes of the packed points: plain, as sent (gzip), and as brotli would make them."""
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())
    connection = http.client.HTTPConnection(urlsplit(stack.base_url).netloc, timeout=60)
    headers = {"Cookie": cookie, "Accept": "application/vnd.ocenter.points", "Accept-Encoding": "gzip"}
    connection.request("GET", "/api/v1/map/points", headers=headers)
    sent = connection.getresponse().read()
    plain = gzip.decompress(sent)
    script = "const b=[];process.stdin.on('data',d=>b.push(d)).on('end',()=>console.log(require('zlib').brotliCompressSync(Buffer.concat(b)).length))"
    brotli = subprocess.run(["node", "-e", script], input=plain, capture_output=True, check=True)
    return len(plain), len(sent), int(brotli.stdout)


def heap_mb(page: Page) -> float:
    """The page's own JavaScript heap after a collection, MB."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return used / MEGABYTE


def measure(page: Page, stack: Stack, seconds: int, rate: int) -> None:
    """Pans and waits while the updates come, and prints what was seen."""
    page.evaluate("ocenter.map.map.setView([36.35, 127.38], 12, {animate: false})")
    page.evaluate(WATCH)
    updates = [Updates(stack, rate / SENDERS, SUBJECTS // SENDERS, seed) for seed in range(SENDERS)]
    for sender in updates:
        sender.start()
    page.wait_for_timeout(3000)
    before, nodes = heap_mb(page), page.evaluate("document.querySelectorAll('*').length")
    page.evaluate("seen.tasks.length = seen.waits.length = 0")
    started, sent, ours, empty = time.monotonic(), sum(sender.sent for sender in updates), [], []
    while time.monotonic() - started < seconds:
        ours += page.evaluate(PAN, ["ours", STROKES])
        empty += page.evaluate(PAN, ["empty", STROKES])
        page.evaluate("document.getElementById('map') && (window.emptyMap.getContainer().style.display = 'none')")
    lasted, seen = time.monotonic() - started, page.evaluate("seen")
    changes = sum(sender.sent for sender in updates) - sent
    after = heap_mb(page)
    for sender in updates:
        sender.over.set()
        sender.join()
    shown = page.evaluate("[ocenter.room.state.incidents.size, document.querySelectorAll('*').length]")
    bench.say("changes a second, reported (wanted)", f"{changes / lasted:.0f} ({rate}) for {lasted:.0f} s")
    for name, frames in (("this map", ours), ("empty map", empty)):
        bench.say(f"frames while panning, {name}: median / p95 / longest ms", f"{spread(frames)} / {max(frames):.0f}")
    ratio = bench.percentile(ours, 0.95) / bench.percentile(empty, 0.95)
    bench.say("p95 of this map to the empty one", f"{ratio:.2f}")
    bench.say("tasks above 50 ms: how many / longest ms", f"{len(seen['tasks'])} / {max(seen['tasks'], default=0):.0f}")
    bench.say("wait behind a task: median / p95 / longest ms", f"{spread(seen['waits'])} / {max(seen['waits']):.0f}")
    bench.say("JavaScript heap: before → after MB", f"{before:.1f} → {after:.1f}")
    bench.say("DOM nodes before → after; incidents open", f"{nodes} → {shown[1]}; {shown[0]}")


def spread(milliseconds: list[float]) -> str:
    """Median and p95."""
    return " / ".join(f"{bench.percentile(milliseconds, share):.1f}" for share in (0.5, 0.95))


def main() -> None:
    """Measures and prints."""
    expect.set_options(timeout=PATIENCE_MS)
    given = bench.options("The map with very many devices", points=20_000, seconds=60, rate=200)
    with bench.running_stack() as stack, sync_playwright() as player:
        yielding = Yielding(stack)
        yielding.start()
        seed(stack, given.points)
        browser = player.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        Console(stack, page).sign_in()
        page.wait_for_function("() => window.ocenter?.map.points?.shown")
        for _ in range(2):  # the second time the answer is packed already
            page.reload()
            page.wait_for_function("() => window.ocenter?.map.points?.shown")
        took = page.evaluate("ocenter.map.points.timings")
        plain, sent, brotli = wire(page, stack)
        bench.say("points", f"{given.points}")
        bench.say("wire: plain / gzip (as sent) / brotli, MB", " / ".join(f"{one / MEGABYTE:.3f}" for one in (plain, sent, brotli)))
        bench.say("first draw: answer → decoded, grouped, on the screen, ms", f"{took['shown'] - took['fetched']:.0f}")
        measure(page, stack, given.seconds, given.rate)
        browser.close()
        yielding.over.set()
        yielding.join()


if __name__ == "__main__":
    main()
