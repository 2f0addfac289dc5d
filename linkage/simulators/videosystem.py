"""What the simulated video system (:mod:`linkage.simulators.vms`) consists of: cameras that turn, events it reports."""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from collections import Counter
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp

from linkage.simulators.config import InstallationFile
from linkage.simulators.faults import Faults
from linkage.simulators.geometry import moved
from linkage.simulators.places import FIRE_STATIONS, POLICE_STATIONS
from linkage.simulators.sender import KST

log = logging.getLogger(__name__)

FEED = "vms"
"""The slug of the linked system this is, in ``simulators.json``."""
CAMERAS = 40
EVENT_NAMES = {"배회": 5, "침입": 3, "쓰러짐": 2, "유기": 2, "싸움": 1}
LASTS_SECONDS = (15.0, 90.0)
RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
WEBHOOK_DEADLINE = aiohttp.ClientTimeout(total=10)


@dataclass
class Camera:
    """One camera, where it looks and how it turns: degrees, and degrees a second until ``until``."""

    profile: dict[str, Any]
    look: dict[str, float] = field(default_factory=lambda: {"pan": 0.0, "tilt": 0.0, "zoom": 0.0})
    velocity: dict[str, float] = field(default_factory=dict)
    since: float = 0.0
    until: float = 0.0

    @property
    def turns(self) -> bool:
        """Whether it can."""
        return self.profile["camConfig"]["camType"] == "PTZ"

    def settle(self, now: float) -> None:
        """Brings ``look`` up to now."""
        passed = max(0.0, min(now, self.until) - self.since)
        for axis, speed in self.velocity.items():
            self.look[axis] = round(self.look.get(axis, 0.0) + speed * passed, 3)
        self.since = now
        if now >= self.until:
            self.velocity = {}


@dataclass
class Vms:
    """The system. ``rate`` is how many events a minute it reports by itself; 0 is silent."""

    installation: InstallationFile
    rate: float
    cameras: dict[str, Camera] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    tokens: dict[str, float] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    moves: list[dict[str, Any]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(20181))
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        stations = [*FIRE_STATIONS, *POLICE_STATIONS]
        for number in range(1, CAMERAS + 1):
            station = stations[number % len(stations)]
            at = moved(station.at, north_m=self.dice.uniform(-400, 400), east_m=self.dice.uniform(-400, 400))
            kind = "PTZ" if number % 3 else "fixed"
            self.cameras[f"VMS-{number:04d}"] = Camera(
                {
                    "camID": f"VMS-{number:04d}", "camName": f"{station.name} 관제 {number:02d}",
                    "camLoc": {"lon": f"{at.lon:.6f}", "lat": f"{at.lat:.6f}", "alt": "", "desc": f"{station.name} 인근"},
                    "camConfig": {"camType": kind},
                }
            )  # fmt: skip

    def look_for_cameras(self) -> None:
        """Takes in the cameras that ``simulators.json`` gives to it beside its own."""
        for one in self.installation.current().cameras:
            if one["camID"] not in self.cameras:
                self.cameras[one["camID"]] = Camera(one)

    def start(self, work: Awaitable[None]) -> None:
        """Has it done in the background."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Ends what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def happen(self) -> None:
        """Reports events at the rate, for ever."""
        while True:
            await asyncio.sleep(self.dice.expovariate(self.rate / 60))
            name = self.dice.choices(list(EVENT_NAMES), list(EVENT_NAMES.values()))[0]
            self.start(self.report(self.dice.choice(list(self.cameras)), name, self.dice.uniform(*LASTS_SECONDS)))

    async def report(self, camera: str, name: str, lasts_s: float) -> None:
        """One event from its beginning to its end; each message until it is taken."""
        event = {"camID": camera, "eventUUID": str(uuid.uuid4()), "eventName": name, "startTime": stamp()}
        await self._tell(event)
        await asyncio.sleep(lasts_s)
        await self._tell({**event, "endTime": stamp()})

    async def _tell(self, event: dict[str, Any]) -> None:
        self.sent.append(event)
        for pause in (*RETRY_SECONDS, *[RETRY_SECONDS[-1]] * 20):
            with suppress(aiohttp.ClientError, TimeoutError, OSError):
                if await self._post(event) < 500:
                    return
            await asyncio.sleep(pause)
        log.warning("gave up on event %s", event["eventUUID"])

    async def _post(self, event: dict[str, Any]) -> int:
        """The status of one try; 503 while ocenter has no key for us yet."""
        known = self.installation.current()
        key = known.keys.get(FEED)
        if key is None:
            return 503
        async with (
            aiohttp.ClientSession(timeout=WEBHOOK_DEADLINE, headers={"Authorization": f"Bearer {key}"}) as client,
            client.post(f"{known.base_url}/api/v1/feeds/kisa_vms", json={"camList": [event]}, allow_redirects=False) as answer,
        ):
            return answer.status


def stamp() -> int:
    """Now in 17 digits, Korean time."""
    now = datetime.now(KST)
    return int(f"{now:%Y%m%d%H%M%S}{now.microsecond // 1000:03d}")
