"""What an operator draws on the map: a circle or a polygon, and which rows stand inside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy
import shapely
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from incidents.geo import EARTH_RADIUS_METRES, Box, box_around
from incidents.work import Invalid

RADIUS_METRES_AT_MOST: Final = 20_000
CORNERS_AT_MOST: Final = 100


class Circle(NamedTuple):
    """A circle on the globe."""

    lat: float
    lon: float
    radius_m: float


Shape = Circle | shapely.Polygon


def shape_of(params: Mapping[str, str]) -> Shape | None:
    """The shape a query asks for (`circle` or `polygon`), None where it asks for none. Raises Invalid."""
    if params.get("circle"):
        return _circle(params["circle"])
    return _polygon(params["polygon"]) if params.get("polygon") else None


def ids_inside(rows: QuerySet[Any], shape: Shape) -> list[int]:
    """The keys of the rows (with `lat` and `lon`) that stand inside the shape; its border belongs to it."""
    south, west, north, east = _box(shape)
    found = list(rows.filter(lat__range=(south, north), lon__range=(west, east)).values_list("pk", "lat", "lon"))
    if not found:
        return []
    table = numpy.array(found, dtype=float)
    inside = (
        _in_circle(table, shape)
        if isinstance(shape, Circle)
        else shapely.intersects_xy(shape, table[:, 2], table[:, 1])
    )
    return [found[index][0] for index in numpy.flatnonzero(inside)]


def _in_circle(table: numpy.ndarray, circle: Circle) -> numpy.ndarray:
    """The haversine of `geo.distance_m` for a whole table."""
    lat, lon = numpy.radians(table[:, 1]), numpy.radians(table[:, 2])
    phi, theta = math.radians(circle.lat), math.radians(circle.lon)
    h = numpy.sin((lat - phi) / 2) ** 2 + math.cos(phi) * numpy.cos(lat) * numpy.sin((lon - theta) / 2) ** 2
    return 2 * EARTH_RADIUS_METRES * numpy.arcsin(numpy.minimum(1, numpy.sqrt(h))) <= circle.radius_m


def _box(shape: Shape) -> Box:
    if isinstance(shape, Circle):
        return box_around(*shape)
    west, south, east, north = shape.bounds
    return Box(south, west, north, east)


def _circle(text: str) -> Circle:
    numbers = _degrees_and(text)
    if len(numbers) != 3 or not 0 < numbers[2] <= RADIUS_METRES_AT_MOST or not _on_earth(numbers[0], numbers[1]):
        raise Invalid("circle", _("Latitude, longitude and a radius of at most 20,000 metres are needed."))
    return Circle(*numbers)


def _polygon(text: str) -> shapely.Polygon:
    corners = [_degrees_and(part) for part in text.split()]
    known = all(len(one) == 2 and _on_earth(*one) for one in corners)
    if not known or not 3 <= len(corners) <= CORNERS_AT_MOST:
        raise Invalid("polygon", _("3 to 100 corners are needed: LAT,LON LAT,LON …"))
    polygon = shapely.Polygon([(lon, lat) for lat, lon in corners])
    if not polygon.is_valid or polygon.area == 0:
        raise Invalid("polygon", _("The outline crosses itself or encloses nothing."))
    return polygon


def _degrees_and(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        return []


def _on_earth(lat: float, lon: float) -> bool:
    return abs(lat) <= 90 and abs(lon) <= 180  # false for NaN, too
