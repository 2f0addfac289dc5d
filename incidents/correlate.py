"""Which open incident an event belongs to: same code family, near enough in space and time.

An event never joins an incident of a lesser grade: the urgent one would be out of sight inside something
already acknowledged (invariant I9). It opens an incident of its own instead.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from incidents.geo import METRES_PER_DEGREE, distance_m
from incidents.models import CorrelationRule

DEFAULT_RADIUS_METRES: Final = 150
DEFAULT_WINDOW_SECONDS: Final = 300


class Rule(NamedTuple):
    """Radius in metres and window in seconds."""

    radius_m: float = DEFAULT_RADIUS_METRES
    window_s: float = DEFAULT_WINDOW_SECONDS


class Match(NamedTuple):
    """What an event joins, and how near it was: metres and seconds."""

    key: int
    distance_m: float
    gap_s: float
    rule: Rule


@dataclass
class Candidate:
    """An incident an event might join. `key` is the caller's; its span of time grows as later events join."""

    key: int
    family: str
    grade: str
    lat: float
    lon: float
    first_event_at: datetime
    last_event_at: datetime

    def gap_s(self, at: datetime) -> float:
        """Seconds between `at` and the incident's span of time; 0 inside it: a device that was offline reports late."""
        return max((self.first_event_at - at).total_seconds(), (at - self.last_event_at).total_seconds(), 0.0)


class Rules:
    """The rules of one municipality; a code without one has the default."""

    def __init__(self, rules: dict[str, Rule]) -> None:
        self._rules = rules
        self.widest_radius_m = max([DEFAULT_RADIUS_METRES, *(rule.radius_m for rule in rules.values())])
        self.widest_window_s = max([DEFAULT_WINDOW_SECONDS, *(rule.window_s for rule in rules.values())])

    def of(self, code: str) -> Rule:
        """The rule for this event code."""
        return self._rules.get(code, Rule())

    @classmethod
    def load(cls, municipality_id: int) -> Rules:
        """As the administrators have set them."""
        rows = CorrelationRule.objects.filter(municipality_id=municipality_id)
        return cls({row.code: Rule(row.radius_m, row.window_s) for row in rows})


class Index:
    """Candidates in a grid whose cells are as wide as the widest rule, so nine cells hold every match."""

    def __init__(self, rules: Rules, candidates: Iterable[Candidate] = ()) -> None:
        self._rules = rules
        self._cell = rules.widest_radius_m / METRES_PER_DEGREE
        self._cells: dict[tuple[str, int, int], list[Candidate]] = defaultdict(list)
        for candidate in candidates:
            self.add(candidate)

    def add(self, candidate: Candidate) -> None:
        """Lets later events join this one."""
        row, column = self._place(candidate.lat, candidate.lon)
        self._cells[candidate.family, row, column].append(candidate)

    def match(
        self, *, code: str, family: str, grade: str, lat: float, lon: float, at: datetime, barred: Collection[int] = ()
    ) -> Match | None:
        """The nearest candidate the event may join, or None; a joined candidate's clock moves on. `barred` are the
        keys of those an operator has taken it out of."""
        rule = self._rules.of(code)
        best: tuple[float, float, Candidate] | None = None
        for candidate in self._around(family, lat, lon):
            gap = candidate.gap_s(at)
            if gap > rule.window_s or grade < candidate.grade or candidate.key in barred:
                continue
            distance = distance_m(lat, lon, candidate.lat, candidate.lon)
            if distance <= rule.radius_m and (best is None or distance < best[0]):
                best = (distance, gap, candidate)
        if best is None:
            return None
        distance, gap, candidate = best
        candidate.last_event_at = max(candidate.last_event_at, at)
        return Match(candidate.key, distance, gap, rule)

    def _place(self, lat: float, lon: float) -> tuple[int, int]:
        row = math.floor(lat / self._cell)
        return row, self._column(row, lon)

    def _column(self, row: int, lon: float) -> int:
        # A degree of longitude shrinks towards the poles, so a row's columns are wider in degrees: wide enough
        # for a radius drawn from the row beyond, too.
        width = self._cell / max(math.cos(math.radians((abs(row) + 2) * self._cell)), 0.01)
        return math.floor(lon / width)

    def _around(self, family: str, lat: float, lon: float) -> Iterable[Candidate]:
        middle = math.floor(lat / self._cell)
        for row in (middle - 1, middle, middle + 1):
            column = self._column(row, lon)
            for step in (-1, 0, 1):
                yield from self._cells.get((family, row, column + step), ())
