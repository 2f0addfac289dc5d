"""The offline base map: a municipality's dongs, dissolved to districts and to the whole, simplified once.

The source simplified every dong by itself, so neighbours' borders cross and gape. They are first made one
coverage (shared edges identical, gaps filled) and then simplified as one: no cracks at any zoom.
The result is a file in the data directory; deleting it is safe.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import shapely
from django.conf import settings

from incidents.geo import Box, box_around
from incidents.places import CITY_NAMES_EN, Place, atlas, division_prefix
from ocenter.accounts.models import Municipality

SNAP_DEGREES: Final = 5e-5  # five metres: corners nearer than this are one corner
GAP_DEGREES: Final = 2e-3  # gaps between dongs up to 200 metres wide are errors of the source
TOLERANCE_DEGREES: Final = 1e-4  # ten metres: a pixel at street zoom
DECIMALS: Final = 5
CACHE_FOLDER: Final = "basemap"
FORMAT_VERSION: Final = 1  # part of the file's name: raise it when what is written changes
UNKNOWN_RADIUS_METRES: Final = 25_000

GeoJson = dict[str, Any]


@dataclass(frozen=True)
class Dong:
    """One dong with its simplified area, in WGS84 degrees."""

    place: Place
    area: shapely.Geometry


def dongs(code: str) -> list[Dong]:
    """The dongs of the municipality `code` as a coverage without cracks; empty where the code is unknown."""
    prefix = division_prefix(code)
    if prefix is None:
        return []
    chosen = [(p, a) for p, a in zip(atlas().places, atlas().areas, strict=True) if p.code.startswith(prefix)]
    whole = shapely.coverage_clean(
        [area for _, area in chosen], snapping_distance=SNAP_DEGREES, gap_width=GAP_DEGREES
    )
    simple = shapely.coverage_simplify(whole, TOLERANCE_DEGREES)
    return [Dong(place, area) for (place, _), area in zip(chosen, simple, strict=True) if not area.is_empty]


def boundary(code: str) -> GeoJson | None:
    """The outline of the municipality `code` as a GeoJSON geometry, or None where the code is unknown."""
    parts = dongs(code)
    return _geometry(_union(parts)) if parts else None


def bounds(municipality: Municipality) -> Box:
    """The box the map opens on: the boundary's, else 25 km around the centre."""
    if municipality.boundary:
        west, south, east, north = shapely.geometry.shape(municipality.boundary).bounds
        return Box(south, west, north, east)
    return box_around(municipality.lat, municipality.lon, UNKNOWN_RADIUS_METRES)


def basemap(code: str) -> bytes:
    """The base map as GeoJSON text: districts, then dongs; without features where the code is unknown.

    Taken from the data directory, and made and kept there when it is not yet; safe in several processes.
    """
    path = Path(settings.DATA_DIR) / CACHE_FOLDER / f"{code}.v{FORMAT_VERSION}.json"
    try:
        return path.read_bytes()
    except OSError:
        content = json.dumps(_collection(code), ensure_ascii=False, separators=(",", ":")).encode()
        _keep(path, content)
        return content


def _collection(code: str) -> GeoJson:
    parts = dongs(code)
    by_district: dict[str, list[Dong]] = defaultdict(list)
    for part in parts:
        by_district[part.place.code[:5]].append(part)
    features = [_district(number, members) for number, members in sorted(by_district.items())]
    features += [
        _feature("dong", part.place.code, part.place.dong, part.place.dong_en, part.area)
        for part in sorted(parts, key=lambda part: part.place.code)
    ]
    return {"type": "FeatureCollection", "features": features}


def _district(number: str, members: Sequence[Dong]) -> GeoJson:
    place = members[0].place
    name_ko, name_en = place.district or place.city, place.district_en or CITY_NAMES_EN[number[:2]]
    return _feature("district", number, name_ko, name_en, _union(members))


def _feature(kind: str, code: str, name_ko: str, name_en: str, area: shapely.Geometry) -> GeoJson:
    label = area.representative_point()
    return {
        "type": "Feature",
        "properties": {
            "kind": kind, "code": code, "name_ko": name_ko, "name_en": name_en,
            "label": [round(label.x, DECIMALS), round(label.y, DECIMALS)],
        },
        "geometry": _geometry(area),
    }  # fmt: skip


def _union(parts: Sequence[Dong]) -> shapely.Geometry:
    return shapely.coverage_union_all([part.area for part in parts])


def _geometry(area: shapely.Geometry) -> GeoJson:
    # Rounding corner by corner keeps shared edges identical, which set_precision would not promise.
    return json.loads(
        shapely.to_geojson(shapely.transform(area, lambda corners: corners.round(DECIMALS)))
    )


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".basemap-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)
