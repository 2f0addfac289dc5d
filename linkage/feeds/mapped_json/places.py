"""Positions as a source writes them: two numbers or a geometry, in any coordinate system that EPSG knows.

PROJ (through pyproj) does the arithmetic, offline: no grid is fetched, so an old Korean datum (EPSG:5174,
2097, …) is good to about a metre or two.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import shapely
from django.utils.translation import gettext as _
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape

WGS84: Final = "EPSG:4326"
# A system's area of use is for its makers' accuracy; a town just beyond it is still no mistake.
MARGIN_DEGREES: Final = 1.0
AREA_DIGITS: Final = 6
_PAIR: Final = re.compile(r"^\s*([-+]?\d[\d.eE+-]*)\s*[,; ]\s*([-+]?\d[\d.eE+-]*)\s*$")


class NotAPlace(ValueError):
    """The values are no position; the message says why."""


@dataclass(frozen=True)
class Place:
    """A position in WGS84 degrees, and the area (GeoJSON) where the source gave one."""

    lat: float
    lon: float
    area: dict[str, Any] | None = None


@dataclass(frozen=True)
class Grid:
    """How a source writes positions. `crs` is an EPSG name; `lat_first` the order within pairs and geometries."""

    crs: str = WGS84
    lat_first: bool = False

    def point(self, x: Any, y: Any) -> Place | None:
        """The place at easting (longitude) `x` and northing (latitude) `y`; None for 0, 0, which feeds send for
        "unknown". Raises NotAPlace."""
        east, north = _number(x), _number(y)
        if east == 0 and north == 0:
            return None
        lon, lat = self._degrees(east, north)
        return Place(lat, lon)

    def geometry(self, value: Any) -> Place | None:
        """The place of a GeoJSON geometry, of a pair, or of a text "x, y". Of lines and areas it is a point on
        them; areas come along. Raises NotAPlace."""
        if isinstance(value, dict) and value.get("type") == "Feature":
            value = value.get("geometry")
        if isinstance(value, dict):
            return self._geojson(value)
        return self.point(*self._pair(value))

    def _pair(self, value: Any) -> tuple[Any, Any]:
        found = _PAIR.match(value) if isinstance(value, str) else None
        if found:
            value = list(found.groups())
        if not isinstance(value, list) or len(value) < 2:
            raise NotAPlace(_("This is neither a GeoJSON geometry nor a pair of numbers."))
        return (value[1], value[0]) if self.lat_first else (value[0], value[1])

    def _geojson(self, value: dict[str, Any]) -> Place | None:
        if value.get("type") == "Point":
            return self.point(*self._pair(value.get("coordinates")))
        try:
            found = shapely.force_2d(shape(value))
            if found.is_empty or not shapely.is_valid(found):
                raise NotAPlace(_("The geometry is empty or crosses itself."))
            found = shapely.transform(found, self._corners)
            inside = found.representative_point()
        except (ShapelyError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            if isinstance(error, NotAPlace):
                raise
            raise NotAPlace(_("The geometry is no GeoJSON that can be read.")) from None
        area = _lists(mapping(found)) if found.geom_type in ("Polygon", "MultiPolygon") else None
        return Place(round(inside.y, AREA_DIGITS), round(inside.x, AREA_DIGITS), area)

    def _corners(self, corners: Any) -> Any:
        turned = corners[:, ::-1] if self.lat_first else corners
        degrees = [[round(one, AREA_DIGITS) for one in self._degrees(float(x), float(y))] for x, y in turned]
        return shapely.get_coordinates(shapely.multipoints(degrees))

    def _degrees(self, east: float, north: float) -> tuple[float, float]:
        lon, lat = (east, north) if self.crs == WGS84 else _transformer(self.crs).transform(east, north)
        west, south, right, top = _bounds(self.crs)
        if not (math.isfinite(lon) and math.isfinite(lat)) or not (west <= lon <= right and south <= lat <= top):
            raise NotAPlace(
                _("%(east)g, %(north)g lies outside the area of %(crs)s; check the coordinate system and the order.")
                % {"east": east, "north": north, "crs": self.crs}
            )
        return lon, lat


@lru_cache(maxsize=64)
def crs_named(name: str) -> CRS:
    """The coordinate system. Raises ValueError with the remedy."""
    if not re.fullmatch(r"EPSG:\d{4,6}", name):
        raise ValueError(
            _("Write it as EPSG and its number: EPSG:4326 (WGS84), EPSG:5179, EPSG:5186, EPSG:5174, EPSG:3857.")
        )
    try:
        found = CRS.from_user_input(name)
    except CRSError:
        raise ValueError(_("%s is no coordinate system that EPSG knows.") % name) from None
    if not (found.is_geographic or found.is_projected):
        raise ValueError(_("%s does not name places on a map; take a geographic or projected system.") % name)
    return found


@lru_cache(maxsize=64)
def _transformer(name: str) -> Transformer:
    # Always east before north: the official axis order of EPSG differs from system to system.
    return Transformer.from_crs(crs_named(name), CRS.from_user_input(WGS84), always_xy=True)


@lru_cache(maxsize=64)
def _bounds(name: str) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees, with the margin."""
    area = crs_named(name).area_of_use
    if name == WGS84 or area is None:
        return -180.0, -90.0, 180.0, 90.0
    return (
        area.west - MARGIN_DEGREES,
        area.south - MARGIN_DEGREES,
        area.east + MARGIN_DEGREES,
        area.north + MARGIN_DEGREES,
    )


def _number(value: Any) -> float:
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        raise NotAPlace(_("%s is not a number.") % repr(str(value)[:60]))
    return found


def _lists(value: Any) -> Any:
    """Tuples as the lists that JSON knows."""
    if isinstance(value, dict):
        return {key: _lists(one) for key, one in value.items()}
    return [_lists(one) for one in value] if isinstance(value, list | tuple) else value
