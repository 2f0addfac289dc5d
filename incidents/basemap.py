"""The offline base map: a municipality's dongs, dissolved to districts and to the whole, simplified once.

The source simplified every dong by itself, so neighbours' borders cross and gape. They are first made one
coverage (shared edges identical, gaps filled) and then simplified as one: no cracks at any zoom.
The result is a file in the data directory; deleting it is safe.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import orjson
import shapely
from django.conf import settings

from incidents.places import CITY_NAMES_EN, Place, atlas, division_prefix
from ocenter.accounts.models import Municipality

SNAP_DEGREES: Final = 5e-5  # five metres: corners nearer than this are one corner
GAP_DEGREES: Final = 2e-3  # gaps between dongs up to 200 metres wide are errors of the source
TOLERANCE_DEGREES: Final = 1e-4  # ten metres: a pixel at street zoom
DECIMALS: Final = 5
CACHE_FOLDER: Final = "basemap"
FORMAT_VERSION: Final = 1  # part of the file's name: raise it when what is written changes

GeoJson = dict[str, Any]


@dataclass(frozen=True)
class Dong:
    """One dong with its simplified area, in WGS84 degrees."""

    place: Place
    area: shapely.Geometry


@lru_cache(maxsize=4)
def dongs(code: str) -> tuple[Dong, ...]:
    """The dongs of the municipality `code` as a coverage without cracks; empty where the code is unknown."""
    prefix = division_prefix(code)
    if prefix is None:
        return ()
    chosen = [(p, a) for p, a in zip(atlas().places, atlas().areas, strict=True) if p.code.startswith(prefix)]
    areas = [area for _, area in chosen]
    whole = shapely.coverage_clean(areas, snapping_distance=SNAP_DEGREES, gap_width=GAP_DEGREES)
    simple = shapely.coverage_simplify(whole, TOLERANCE_DEGREES)
    return tuple(Dong(place, area) for (place, _), area in zip(chosen, simple, strict=True) if not area.is_empty)


def boundary(code: str) -> GeoJson | None:
    """The outline of the municipality `code` as a GeoJSON geometry, or None where the code is unknown."""
    parts = dongs(code)
    return _geometry(_union(parts)) if parts else None


def basemap(municipality: Municipality) -> bytes:
    """The base map as GeoJSON text: districts, then dongs. Outside Korea the boundary alone, where there is one.

    Taken from the data directory, and made and kept there when it is not yet; safe in several processes.
    """
    path = Path(settings.DATA_DIR) / CACHE_FOLDER / f"{_edition(municipality)}.json"
    try:
        return path.read_bytes()
    except OSError:
        features = _divisions(municipality.code) or _outline(municipality)
        content = orjson.dumps({"type": "FeatureCollection", "features": features})
        with suppress(OSError):  # a data directory that cannot be written costs time, nothing else
            _keep(path, content)
        return content


def _edition(municipality: Municipality) -> str:
    """The file's name changes with what is drawn, so that an old file is never taken for a new one."""
    outline = zlib.crc32(orjson.dumps(municipality.boundary))
    return f"{quote(municipality.code, safe='')}-{outline:08x}-v{FORMAT_VERSION}"


def _divisions(code: str) -> list[GeoJson]:
    parts = dongs(code)
    by_district: dict[str, list[Dong]] = defaultdict(list)
    for part in parts:
        by_district[part.place.code[:5]].append(part)
    districts = [_district(number, members) for number, members in sorted(by_district.items())]
    return districts + [
        _feature("dong", part.place.code, part.place.dong, part.place.dong_en, part.area)
        for part in sorted(parts, key=lambda part: part.place.code)
    ]


def _outline(municipality: Municipality) -> list[GeoJson]:
    if not municipality.boundary:
        return []
    area = shapely.geometry.shape(municipality.boundary)
    return [_feature("district", municipality.code, municipality.name_ko, municipality.name_en, area)]


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
    rounded = shapely.transform(area, lambda corners: corners.round(DECIMALS))
    return orjson.loads(shapely.to_geojson(rounded))  # type: ignore[no-any-return]


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".basemap-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)
