"""Where the city's devices stand: asked of ocenter, or made up when it knows none yet."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from linkage.simulators.geometry import METRES_PER_DEGREE, Point, metres_between, moved
from linkage.simulators.places import NEIGHBOURHOODS, nearest_neighbourhood

log = logging.getLogger(__name__)

SOUTH, WEST, NORTH, EAST = 36.28, 127.30, 36.45, 127.48
"""Inside Daejeon."""
PAGE_SIZE = 1000
MOST_SITES = 5000
"""Of one kind: enough for any story; a bigger registry is not read to its end."""
MADE_UP = 40

KINDS = {
    "bell": "bells",
    "fire_sensor": "fire_sensors",
    "rain_gauge": "rain_gauges",
    "traffic_detector": "detectors",
    "crime_sensor": "intrusion_sensors",
}
"""ocenter's device kinds that can report something, and what they are called in a :class:`CityMap`."""


@dataclass(frozen=True)
class Site:
    """One device or camera: the source's own id (None when made up), what it is called, where it is."""

    id: str | None
    name: str
    at: Point

    @property
    def place(self) -> str:
        """What an operator would call this spot."""
        return self.name or f"{nearest_neighbourhood(self.at)} 인근"


@dataclass(frozen=True)
class CityMap:
    """Everything that can report something, by kind; no kind is ever empty."""

    cameras: Sequence[Site]
    bells: Sequence[Site]
    fire_sensors: Sequence[Site]
    rain_gauges: Sequence[Site]
    detectors: Sequence[Site]
    intrusion_sensors: Sequence[Site]

    def near(self, sites: Sequence[Site], place: Point, metres: float) -> list[Site]:
        """Those of ``sites`` within ``metres`` of ``place``, in their own order."""
        box = metres / METRES_PER_DEGREE * 1.5  # cheap first: longitude degrees are shorter here
        return [
            site
            for site in sites
            if abs(site.at.lat - place.lat) <= box
            and abs(site.at.lon - place.lon) <= box
            and metres_between(site.at, place) <= metres
        ]


def city_map(cameras: Iterable[dict[str, Any]], devices: Iterable[dict[str, Any]]) -> CityMap:
    """A map from the rows of ``GET cameras`` and ``GET devices``; kinds without a row are made up.

    Sorted, so that the same registry always gives the same map whatever order it was answered in.
    """
    found: dict[str, list[Site]] = {kind: [] for kind in ("cameras", *KINDS.values())}
    for row in cameras:
        _add(found["cameras"], row, str(row.get("number") or row.get("id")))
    for row in devices:
        kind = KINDS.get(str(row.get("kind")))
        if kind:
            _add(found[kind], row, str(row.get("id")))
    for kind, sites in found.items():
        sites.sort(key=lambda site: (site.id or "", site.at))
        sites[:] = sites or made_up(kind)
    return CityMap(**found)


def made_up(kind: str) -> list[Site]:
    """Sites scattered around the neighbourhoods of Daejeon, always the same ones for a kind."""
    draw = random.Random(f"made up {kind}")
    hoods = [draw.choice(NEIGHBOURHOODS) for _ in range(MADE_UP)]
    return [
        Site(None, "", moved(hood.at, north_m=draw.uniform(-400, 400), east_m=draw.uniform(-400, 400)))
        for hood in hoods
    ]


async def ask(client: aiohttp.ClientSession, base_url: str, keys: dict[str, str]) -> CityMap:
    """The map as ocenter knows it. What cannot be read is made up: a city never stays silent for that."""
    box = f"{WEST},{SOUTH},{EAST},{NORTH}"
    cameras = await _rows(client, f"{base_url}/api/v1/cameras", {"bbox": box}, "cameras", keys.get("analytics"))
    devices = await _rows(client, f"{base_url}/api/v1/devices", {}, "devices", keys.get("bells"))
    return city_map(cameras, devices)


async def _rows(
    client: aiohttp.ClientSession, url: str, query: dict[str, str], name: str, key: str | None
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    page = {**query, "page_size": str(PAGE_SIZE)}
    try:
        while len(rows) < MOST_SITES:
            async with client.get(url, params=page, headers=headers, allow_redirects=False) as answer:
                answer.raise_for_status()
                document = await answer.json()
            rows += document[name]
            if not document.get("more") or not document[name]:
                break
            page["cursor"] = str(document["cursor"])
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError) as problem:
        log.warning("%s could not be read to its end (%r); going on with %s rows", url, problem, len(rows))
    return rows


def _add(sites: list[Site], row: dict[str, Any], site_id: str) -> None:
    """Add a row that has a usable place; ocenter may show us devices without one."""
    lat, lon = row.get("lat"), row.get("lon")
    if isinstance(lat, int | float) and isinstance(lon, int | float):
        name = row.get("name")
        sites.append(Site(site_id, str(name) if name else "", Point(float(lat), float(lon))))
