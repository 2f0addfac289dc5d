"""Sixteen cameras at once: time to the first picture, processor time and memory of the media gateway and its ffmpegs.

Beside it: what the simulated cameras' own encoders take, which no real centre pays.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from benchmarks.bench import median, options, percentile, running_stack, say
from tests.stack import Stack

TICKS = os.sysconf("SC_CLK_TCK")
REASON = {"reason": "benchmark of the video pipeline"}
PATIENCE_SECONDS = 60


async def main() -> None:
    """Measures and prints."""
    chosen = options(__doc__, cameras=16, seconds=30)
    with running_stack(OCENTER_VIDEO_STREAMS=str(max(32, chosen.cameras))) as stack:
        async with aiohttp.ClientSession(base_url=stack.base_url) as client:
            await sign_in(client, stack)
            cameras = await cameras_with_video(client, chosen.cameras)
            begun = time.monotonic()
            views = await asyncio.gather(*(watch(client, camera) for camera in cameras))
            say("first picture, median / p95 / all", f"{median(views):.2f} / {percentile(views, 0.95):.2f} / {time.monotonic() - begun:.2f} s")
            gateway, recorder = stack.pids()["video"], stack.pids()["agencies"]
            before = {pid: cpu(pid) for pid in (gateway, recorder)}
            kept = [asyncio.create_task(keep_up(client, one)) for one in OPEN]
            await asyncio.sleep(chosen.seconds)
            for name, pid in (("gateway and its ffmpegs", gateway), ("simulators and their encoders", recorder)):
                used = (cpu(pid) - before[pid]) / chosen.seconds
                say(name, f"{len(tree(pid)) - 1} ffmpegs, {100 * used:.0f} % of a core, {sum(map(pss, tree(pid))) / 1024:.0f} MiB PSS")
            for task in kept:
                task.cancel()


OPEN: list[dict[str, Any]] = []


async def sign_in(client: aiohttp.ClientSession, stack: Stack) -> None:
    """As the demo's operator."""
    user = stack.demo["users"]["operator"]
    page = await (await client.get("/login/")).text()
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page)[1]  # type: ignore[index]
    form = urlencode({"username": user["username"], "password": user["password"], "csrfmiddlewaretoken": token})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Referer": stack.base_url}
    await client.post("/login/", data=form, headers=headers)
    for cookie in client.cookie_jar:
        if cookie.key == "csrftoken":
            client.headers.update({"X-CSRFToken": cookie.value, "Referer": stack.base_url})


async def cameras_with_video(client: aiohttp.ClientSession, count: int) -> list[int]:
    """Once the video system's list has been read: within a minute of the start."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = await client.get("/api/v1/cameras?near=36.35,127.385&radius_m=20000&limit=100")
        found = [one["id"] for one in (await answer.json())["cameras"] if one["video"]]
        if len(found) >= count:
            return found[:count]
        if time.monotonic() > deadline:
            raise SystemExit(f"only {len(found)} cameras have video")
        await asyncio.sleep(1)


async def watch(client: aiohttp.ClientSession, camera: int) -> float:
    """Seconds from asking for a camera to holding its first segment."""
    begun = time.monotonic()
    answer = await client.post(f"/api/v1/cameras/{camera}/views", json=REASON)
    view = await answer.json()
    if answer.status != 201:
        raise SystemExit(f"{answer.status}: {view}")
    OPEN.append(view)
    while True:
        playlist = await client.get(view["hls"])
        if playlist.status == 200:
            name = re.findall(r"^\d+\.m4s$", await playlist.text(), re.MULTILINE)[-1]
            await (await client.get(view["hls"].replace("index.m3u8", name))).read()
            return time.monotonic() - begun
        if time.monotonic() - begun > PATIENCE_SECONDS:
            raise SystemExit(f"no picture of camera {camera}")
        await asyncio.sleep(0.1)


async def keep_up(client: aiohttp.ClientSession, view: dict[str, Any]) -> None:
    """What a player does: playlist and newest segment every second, a word every five."""
    for second in range(10_000):
        text = await (await client.get(view["hls"])).text()
        if names := re.findall(r"^\d+\.m4s$", text, re.MULTILINE):
            await (await client.get(view["hls"].replace("index.m3u8", names[-1]))).read()
        if second % 5 == 0:
            await client.post(f"/api/v1/views/{view['view']}/alive")
        await asyncio.sleep(1)


def tree(pid: int) -> list[int]:
    """The process and its children."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, listed)]


def cpu(pid: int) -> float:
    """Seconds of processor time of a process and its children until now."""
    return sum(sum(map(int, Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[11:13])) for one in tree(pid)) / TICKS


def pss(pid: int) -> int:
    """Memory in KiB, what is shared counted once."""
    return int(re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)[1])  # type: ignore[index]


if __name__ == "__main__":
    asyncio.run(main())
