"""What goes on in the world the simulated sources tell of: a function of the seed and the time, and of nothing else.

Time is cut into slots; in each slot one thing happens, drawn from the seed and the slot's number. So every question about
any time gets the same answer whenever it is asked, today or after a restart, and nothing has to be remembered.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from linkage.simulators.geometry import moved
from linkage.simulators.places import NEIGHBOURHOODS, Station

KOREAN_TIME = timezone(timedelta(hours=9))


@dataclass(frozen=True)
class Rhythm:
    """How often something of a kind happens and how long it lasts, both in seconds; `jitter` is the share of a slot
    within which it begins."""

    name: str
    every_s: float
    shortest_s: float
    longest_s: float
    jitter: float = 0.4


ROAD = Rhythm("road", 1500, 1200, 2700)
CITY_ROAD = Rhythm("city road", 1800, 1200, 2400)
WEATHER = Rhythm("weather", 4 * 3600, 2.8 * 3600, 3.5 * 3600, jitter=0.1)  # over before the next: a zone has one of a kind
MESSAGE = Rhythm("message", 3 * 3600, 60, 60)
TRANSIT = Rhythm("transit", 5400, 3600, 6000)


@dataclass(frozen=True)
class Happening:
    """One thing that happens: its number names it for ever."""

    kind: str
    seed: int
    number: int
    begins: datetime
    ends: datetime

    def draw(self, what: str = "") -> random.Random:
        """Dice of its own for each question about it: the same at every call."""
        return random.Random(f"{self.kind} {self.seed} {self.number} {what}")

    def share(self, now: datetime) -> float:
        """How much of it is over, from 0 to 1."""
        return min(1.0, max(0.0, (now - self.begins) / (self.ends - self.begins)))

    def after(self, share: float) -> datetime:
        """The moment when this share of it is over, to the second."""
        return (self.begins + (self.ends - self.begins) * share).replace(microsecond=0)

    @property
    def place(self) -> tuple[Station, float, float]:
        """A neighbourhood, and latitude and longitude in it."""
        dice = self.draw("place")
        near = dice.choice(NEIGHBOURHOODS)
        at = moved(near.at, north_m=dice.uniform(-400, 400), east_m=dice.uniform(-400, 400))
        return near, at.lat, at.lon


def happenings(rhythm: Rhythm, *, seed: int, rate: float, since: datetime, until: datetime) -> Iterator[Happening]:
    """Everything of the kind that goes on at some time from `since` to `until`, in order. `rate` 2 is twice as much,
    0 nothing."""
    if rate <= 0:
        return
    every_s = rhythm.every_s / rate
    first = math.floor((since.timestamp() - rhythm.longest_s) / every_s)
    for number in range(first, math.floor(until.timestamp() / every_s) + 1):
        dice = random.Random(f"{rhythm.name} {seed} {number}")
        begins = datetime.fromtimestamp((number + dice.uniform(0, rhythm.jitter)) * every_s, UTC).replace(microsecond=0)
        ends = begins + timedelta(seconds=round(dice.uniform(rhythm.shortest_s, rhythm.longest_s)))
        if begins <= until and ends > since:
            yield Happening(rhythm.name, seed, number, begins, ends)
