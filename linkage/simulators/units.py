"""Fleets, routes and timetables: which unit goes, which way, and when it is where."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass
from enum import Enum

from linkage.simulators.geometry import Point, length, metres_between, moved
from linkage.simulators.places import FIRE_STATIONS, POLICE_STATIONS, Station, stations_near

BLOCK_METRES = 350
"""Roughly how far a unit drives between two turns."""
BEND_METRES = 25
"""How far a corner may lie from the regular grid: real streets are not ruled lines."""
SPEEDS_KMH = (30, 60)


class Kind(Enum):
    """What sort of agency a slug stands for; a desk answers but has nothing that drives."""

    POLICE = "police"
    FIRE = "fire"
    GUARD = "guard"
    DESK = "desk"

    @classmethod
    def of(cls, slug: str) -> Kind:
        """The kind of ``slug``; the second municipality's ``other-`` agencies are of the same kinds."""
        return {"police112": cls.POLICE, "fire119": cls.FIRE, "security": cls.GUARD}.get(
            slug.removeprefix("other-"), cls.DESK
        )


@dataclass(frozen=True)
class Unit:
    """One vehicle and the station it starts from."""

    name: str
    home: Station


POLICE_CALL_SIGNS = ("순1호", "순2호")
GUARD_CALL_SIGNS = ("출동1",)
FIRE_CALL_SIGNS = ("펌프1", "펌프2", "구급1")


def _call_signs(kind: Kind, code: str) -> tuple[str, ...]:
    """Which vehicles of a station suit an incident's code: an ambulance to the sick, engines to the rest."""
    if kind is not Kind.FIRE:
        return GUARD_CALL_SIGNS if kind is Kind.GUARD else POLICE_CALL_SIGNS
    medical = code.startswith(("EMS", "RES"))
    return tuple(sign for sign in FIRE_CALL_SIGNS if sign.startswith("구급") == medical)


class Fleet:
    """An agency's vehicles and which of them are out. Kept in memory; rebuilt from the open cases."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.busy: set[str] = set()

    def take(self, place: Point, code: str) -> Unit:
        """Send the nearest free suitable unit; with none free, a neighbour's from the nearest station."""
        stations = stations_near(FIRE_STATIONS if self.kind is Kind.FIRE else POLICE_STATIONS, place)
        nearest_first = sorted(stations, key=lambda station: metres_between(station.at, place))
        unit = next(filter(self._is_free, self._units(nearest_first, code)))
        self.busy.add(unit.name)
        return unit

    def release(self, name: str | None) -> None:
        """Make a unit available again; repeating is safe."""
        self.busy.discard(name or "")

    def _is_free(self, unit: Unit) -> bool:
        return unit.name not in self.busy

    def _units(self, nearest_first: list[Station], code: str) -> itertools.chain[Unit]:
        signs = _call_signs(self.kind, code)
        own = (Unit(f"{station.name} {sign}", station) for station in nearest_first for sign in signs)
        nearest = nearest_first[0]
        borrowed = (Unit(f"{nearest.name} 지원{n}", nearest) for n in itertools.count(1))
        return itertools.chain(own, borrowed)


def route(start: Point, end: Point, draw: random.Random) -> list[Point]:
    """A drive through a slightly irregular street grid: turns every block or so, ends exactly at ``end``."""
    heading = draw.uniform(0, math.pi / 2)
    north = metres_between(start, Point(end.lat, start.lon)) * (1 if end.lat >= start.lat else -1)
    east = metres_between(Point(end.lat, start.lon), end) * (1 if end.lon >= start.lon else -1)
    one, other = _along_streets(north, east, heading)
    blocks = max(2, round((abs(one) + abs(other)) / BLOCK_METRES))
    path, done_one, done_other = [start], 0, 0
    for turn in range(1, blocks):
        if turn % 2:
            done_one = turn + 1
        else:
            done_other = turn + 1
        share_one, share_other = min(1.0, done_one / blocks), min(1.0, done_other / blocks)
        step_north, step_east = _off_streets(one * share_one, other * share_other, heading)
        bend = draw.uniform(-BEND_METRES, BEND_METRES)
        path.append(moved(start, north_m=step_north + bend, east_m=step_east - bend))
    return [*path, end]


def _along_streets(north: float, east: float, heading: float) -> tuple[float, float]:
    """Turn a way given as north and east into one along the two directions streets run in."""
    return (
        north * math.cos(heading) + east * math.sin(heading),
        east * math.cos(heading) - north * math.sin(heading),
    )


def _off_streets(one: float, other: float, heading: float) -> tuple[float, float]:
    """The reverse of :func:`_along_streets`."""
    return _along_streets(one, other, -heading)


def drive_seconds(path: list[Point], draw: random.Random) -> float:
    """How long the drive takes at demo pace, 12–70 s.

    The honest time at 30–60 km/h, squeezed so that near stays nearer than far and nobody watching a
    demonstration waits longer than a minute or so.
    """
    honest = length(path) / (draw.uniform(*SPEEDS_KMH) / 3.6)
    return 12 + 58 * (1 - math.exp(-honest / 240))
