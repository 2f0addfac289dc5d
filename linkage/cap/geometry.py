"""Where a message is about: its areas as one GeoJSON geometry, and the point to show it at."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

import shapely
from shapely.geometry.base import BaseGeometry

from linkage.cap import divisions
from linkage.cap.model import Area, Circle, Position

EARTH_RADIUS_KM: Final = 6_371.0088
CORNERS_OF_A_CIRCLE: Final = 48  # off the true circle by 0.2 % of its radius
# A wider circle surrounds a pole or half a continent: no city draws it.
RADIUS_AT_MOST_KM: Final = 1_000.0
# Beyond these a union would take longer than a message may.
SHAPES_AT_MOST: Final = 1_000
CROSSINGS_AT_MOST: Final = 300_000
GEOCODES_AT_MOST: Final = 300
# Every ledger row about the incident carries its area.
POSITIONS_AT_MOST: Final = 400
TOLERANCES: Final = (0.0005, 0.002, 0.01, 0.05, 0.2)  # degrees; 50 metres, and coarser where that does not do
DECIMALS: Final = 6


def geometry_of(areas: Iterable[Area]) -> BaseGeometry | None:
    """The union of the areas' shapes, or None where none of them can be drawn.

    Polygons and circles say it most exactly; only an area without them is drawn from its geocodes.
    """
    drawn: list[BaseGeometry] = []
    codes: dict[str, None] = {}
    for area in areas:
        shapes = [_polygon(one) for one in area.polygons]
        shapes += [_circle(one) for one in area.circles if one.radius_km <= RADIUS_AT_MOST_KM]
        drawn += shapes
        if not shapes:
            codes |= {one.value: None for one in area.geocodes if one.name == divisions.GEOCODE}
    named = [divisions.area_of(one) for one in list(codes)[:GEOCODES_AT_MOST]]
    shapes = [one for one in (*named, _union(drawn)) if one is not None]
    whole = shapely.union_all(shapes) if shapes else None
    return None if whole is None or whole.is_empty else whole


def centre_of(areas: Iterable[Area], whole: BaseGeometry | None) -> Position | None:
    """The point to show it at: a lone circle's centre, else the middle of the geometry or a point inside it."""
    areas = list(areas)
    circles = list({circle for area in areas for circle in area.circles})
    if len(circles) == 1 and not any(area.polygons for area in areas):
        return circles[0].centre
    if whole is None:
        return None
    middle = whole.centroid if whole.contains(whole.centroid) else whole.representative_point()
    return Position(round(middle.y, DECIMALS), round(middle.x, DECIMALS))


def geojson(whole: BaseGeometry | None) -> dict[str, Any] | None:
    """The geometry as a GeoJSON Polygon or MultiPolygon of at most `POSITIONS_AT_MOST` positions, where it has any extent."""
    if whole is None:
        return None
    drawn = shapely.set_precision(_simple(whole), 10**-DECIMALS)
    parts = [one for one in shapely.get_parts(drawn) if one.geom_type == "Polygon" and not one.is_empty]
    rings = [[[list(corner) for corner in ring.coords] for ring in (one.exterior, *one.interiors)] for one in parts]
    if not rings:
        return None
    return {"type": "Polygon", "coordinates": rings[0]} if len(rings) == 1 else {"type": "MultiPolygon", "coordinates": rings}


def _union(shapes: list[BaseGeometry]) -> BaseGeometry | None:
    """The union of shapes somebody drew; their hull where they are so many, or cross so often, that it would hold
    up everybody else's messages."""
    if not shapes:
        return None
    if len(shapes) > SHAPES_AT_MOST or _crossings(shapes) > CROSSINGS_AT_MOST:
        return shapely.convex_hull(shapely.GeometryCollection(shapes))
    return shapely.union_all(shapes)


def _crossings(shapes: list[BaseGeometry]) -> int:
    """How often the shapes' edges could cross each other at most."""
    sizes = shapely.get_num_coordinates(shapes)
    left, right = shapely.STRtree(shapes).query(shapes)
    return int((sizes[left] * sizes[right])[left < right].sum())


def _polygon(corners: Iterable[Position]) -> BaseGeometry:
    """The polygon. One that crosses itself is a mistake, drawn as its hull: nothing it may have meant is left out."""
    drawn = shapely.Polygon([(one.lon, one.lat) for one in corners])
    return drawn if drawn.is_valid else drawn.convex_hull


def _circle(circle: Circle) -> BaseGeometry:
    """The circle as a polygon of points at its radius (great circles), or its centre where it has none."""
    lat, lon = map(math.radians, circle.centre)
    arc = circle.radius_km / EARTH_RADIUS_KM
    if not arc:
        return shapely.Point(circle.centre.lon, circle.centre.lat)
    corners = []
    for step in range(CORNERS_OF_A_CIRCLE):
        bearing = 2 * math.pi * step / CORNERS_OF_A_CIRCLE
        sine = math.sin(lat) * math.cos(arc) + math.cos(lat) * math.sin(arc) * math.cos(bearing)
        there = math.asin(max(-1.0, min(1.0, sine)))
        east = math.atan2(
            math.sin(bearing) * math.sin(arc) * math.cos(lat), math.cos(arc) - math.sin(lat) * math.sin(there)
        )
        corners.append((math.degrees(lon + east), math.degrees(there)))
    # What crosses the date line is cut off there.
    return shapely.Polygon(corners).intersection(shapely.box(-180, -90, 180, 90))


def _simple(whole: BaseGeometry) -> BaseGeometry:
    for tolerance in TOLERANCES:
        if shapely.get_num_coordinates(whole) <= POSITIONS_AT_MOST:
            return whole
        whole = _without_specks(shapely.simplify(whole, tolerance), tolerance**2)
    if shapely.get_num_coordinates(whole) <= POSITIONS_AT_MOST:
        return whole
    return whole.envelope  # thousands of scattered shapes


def _without_specks(whole: BaseGeometry, smallest: float) -> BaseGeometry:
    """Without islands and holes below an area in square degrees, unless there is nothing else."""
    parts = [one for one in shapely.get_parts(whole) if one.geom_type == "Polygon"]
    kept = [
        shapely.Polygon(one.exterior, [hole for hole in one.interiors if shapely.Polygon(hole).area >= smallest])
        for one in parts if one.area >= smallest
    ]  # fmt: skip
    return shapely.union_all(kept) if kept else whole
