"""Distances on the globe, without a spatial database: WGS84 degrees in, metres and degrees out."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

EARTH_RADIUS_METRES: Final = 6_371_008.8
METRES_PER_DEGREE: Final = math.pi * EARTH_RADIUS_METRES / 180


class Box(NamedTuple):
    """A box in degrees."""

    south: float
    west: float
    north: float
    east: float


def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """The great-circle distance in metres (haversine: sound at every distance, also the smallest)."""
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    half_lat = math.sin((phi2 - phi1) / 2)
    half_lon = math.sin(math.radians(lon2 - lon1) / 2)
    h = half_lat * half_lat + math.cos(phi1) * math.cos(phi2) * half_lon * half_lon
    return 2 * EARTH_RADIUS_METRES * math.asin(min(1.0, math.sqrt(h)))


def bearing_deg(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """The initial bearing from the first point to the second: 0 is north, 90 east."""
    phi1, phi2, step = math.radians(lat1), math.radians(lat2), math.radians(lon2 - lon1)
    y = math.sin(step) * math.cos(phi2)
    x = math.cos(phi1) * math.sin(phi2) - math.sin(phi1) * math.cos(phi2) * math.cos(step)
    return math.degrees(math.atan2(y, x)) % 360


def box_around(lat: float, lon: float, radius_m: float) -> Box:
    """The smallest box that holds every point within `radius_m` metres: what an index can search."""
    dlat = radius_m / METRES_PER_DEGREE
    dlon = dlat / max(math.cos(math.radians(lat)), 1e-6)
    return Box(lat - dlat, lon - dlon, lat + dlat, lon + dlon)
