"""Points on the ground: enough geometry for a city, in WGS84 degrees and metres, latitude first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

METRES_PER_DEGREE = 111_320.0
"""Of latitude; of longitude at the equator."""


class Point(NamedTuple):
    """A place on the ground, WGS84 degrees."""

    lat: float
    lon: float


def metres_between(a: Point, b: Point) -> float:
    """Distance in metres on a locally flat earth: within 0.1 % across a city, which is all we drive."""
    x = (b.lon - a.lon) * math.cos(math.radians((a.lat + b.lat) / 2))
    return math.hypot(x, b.lat - a.lat) * METRES_PER_DEGREE


def moved(point: Point, *, north_m: float, east_m: float) -> Point:
    """``point`` moved by metres."""
    scale = max(0.01, math.cos(math.radians(point.lat)))
    return Point(
        round(point.lat + north_m / METRES_PER_DEGREE, 6),
        round(point.lon + east_m / (METRES_PER_DEGREE * scale), 6),
    )


def length(path: Sequence[Point]) -> float:
    """Length of a path in metres."""
    return sum(metres_between(a, b) for a, b in pairwise(path))


def along(path: Sequence[Point], share: float) -> Point:
    """The point after ``share`` (0–1, clipped) of a path of at least one point."""
    left = length(path) * min(1.0, max(0.0, share))
    for a, b in pairwise(path):
        leg = metres_between(a, b)
        if leg and left <= leg:
            part = left / leg
            return Point(round(a.lat + (b.lat - a.lat) * part, 6), round(a.lon + (b.lon - a.lon) * part, 6))
        left -= leg
    return path[-1]
