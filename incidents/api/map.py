"""What the map stands on: the base map, all cameras and devices in columns, and lists of them with details."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

import orjson
from django.db.models import Count, IntegerField, Model, QuerySet, Sum
from django.db.models.expressions import RawSQL
from django.http import Http404, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from incidents import basemap
from incidents.api import packing
from incidents.api.base import CallerView, json_response, whole_of
from incidents.imports.purposes import purpose_names
from incidents.models import Camera, Device
from incidents.operations import Invalid
from incidents.selectors import NearCamera, cameras_near
from incidents.shapes import Shape, ids_inside, shape_of
from ocenter.accounts.models import Municipality
from ocenter.accounts.principal import Principal

M = TypeVar("M", bound=Model)

JSON: Final = "application/json"
GEOJSON: Final = "application/geo+json"
PAGE_SIZE: Final = 500
PAGE_SIZE_AT_MOST: Final = 1_000
IDS_AT_MOST: Final = 100
NEAR_LIMIT: Final = 5
NEAR_LIMIT_AT_MOST: Final = 100
NEAR_RADIUS_METRES: Final = 500
NEAR_RADIUS_METRES_AT_MOST: Final = 20_000
# Browsers keep both bodies but ask every time, and mostly hear "not modified".
CACHE_CONTROL: Final = "private, no-cache"
REMEMBERED_BODIES: Final = 4
GZIP: Final = "gzip"
# Of a position on the map; a metre. Half the bytes of a large answer are digits.
MAP_DECIMALS: Final = 5

_NEAR = OpenApiParameter("near", OpenApiTypes.STR, description="LAT,LON in WGS84 degrees: the nearest, nearest first")
_BBOX = OpenApiParameter("bbox", OpenApiTypes.STR, description="west,south,east,north in WGS84 degrees")
_IDS = OpenApiParameter("ids", OpenApiTypes.STR, description="Row numbers separated by commas, at most 100")
_CIRCLE = OpenApiParameter("circle", OpenApiTypes.STR, description="LAT,LON,METRES (at most 20,000): those inside")
_POLYGON = OpenApiParameter("polygon", OpenApiTypes.STR, description="LAT,LON LAT,LON … of 3 to 100 corners: those inside")
_CURSOR = OpenApiParameter("cursor", OpenApiTypes.INT64, description="From the page before")
_SIZE = OpenApiParameter("page_size", OpenApiTypes.INT, description="1 to 1,000")


class BaseMap(CallerView):
    """The offline base map."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT, 304: None})
    def get(self, request: Request, code: str) -> HttpResponse:
        """Boundaries of one's own municipality as GeoJSON: features of `kind` district and dong, with both names."""
        found = Municipality.objects.filter(pk__in=self.caller.municipalities, code=code).first()
        if found is None:
            raise Http404
        content = basemap.basemap(found)
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        return _tagged(request, tag, content, GEOJSON)


class MapPoints(CallerView):
    """Everything the map draws that does not move."""

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT, (200, packing.MEDIA_TYPE): OpenApiTypes.BINARY, 304: None})
    def get(self, request: Request) -> HttpResponse:
        """All cameras and devices in columns: a hundred thousand in one small answer, kept by its ETag.

        `purpose` and `kind` are positions in `purposes` and `kinds`; a device's `id` is its feed's. With
        `Accept: application/vnd.ocenter.points` the same packed in binary, without names: what the page draws from.
        """
        packed = packing.MEDIA_TYPE in request.headers.get("Accept", "")
        cameras, devices = _cameras_of(self.caller), _devices_of(self.caller)
        tag = f'"{_stamp(cameras)}-{_stamp(devices)}{"-p" if packed else ""}"'
        media_type = packing.MEDIA_TYPE if packed else JSON
        if request.headers.get("If-None-Match") == tag:
            return _tagged(request, tag, b"", media_type)
        scope = (*sorted(self.caller.municipalities), tag)
        content = _bodies.get(scope)
        if content is None:
            content = _packed_points(cameras, devices) if packed else _plain_points(cameras, devices)
            while len(_bodies) >= REMEMBERED_BODIES:
                _bodies.pop(next(iter(_bodies)), None)
            _bodies[scope] = content
        return _tagged(request, tag, content, media_type)


class CameraList(CallerView):
    """Cameras with their details."""

    @extend_schema(
        parameters=[
            _NEAR, OpenApiParameter("radius_m", OpenApiTypes.INT), OpenApiParameter("limit", OpenApiTypes.INT),
            _BBOX, _IDS, _CIRCLE, _POLYGON, _CURSOR, _SIZE,
        ],
        responses={200: OpenApiTypes.OBJECT},
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """With `near`: up to `limit` (5) cameras within `radius_m` (500) metres, with distance and bearing.

        Otherwise a page of all, or of those inside `bbox`, a `circle` or a `polygon` (which say their `count`), or named
        by `ids`; `cursor` of one page asks for the next.
        """
        params = request.query_params
        if params.get("near"):
            return json_response({"cameras": [_near_payload(one) for one in self._near(params)]})
        cameras = _named(_boxed(_cameras_of(self.caller), params), params)
        if shape := shape_of(params):
            return self._inside(cameras, shape, params)
        rows, cursor = _page(cameras, params)
        return json_response({"cameras": [_camera(one) for one in rows], "cursor": cursor, "more": cursor is not None})

    def _inside(self, cameras: QuerySet[Camera], shape: Shape, params: Any) -> HttpResponse:
        inside = cameras.filter(pk__in=ids_inside(cameras.filter(gone_at=None), shape))
        rows, cursor = _page(inside, params)
        body = {"cameras": [_camera(one) for one in rows], "count": inside.count(), "cursor": cursor, "more": cursor is not None}
        return json_response(body)

    def _near(self, params: Any) -> list[NearCamera]:
        lat, lon = _position(params["near"])
        radius_m = whole_of(params, "radius_m", NEAR_RADIUS_METRES, 1, NEAR_RADIUS_METRES_AT_MOST)
        limit = whole_of(params, "limit", NEAR_LIMIT, 1, NEAR_LIMIT_AT_MOST)
        return cameras_near(self.caller.municipalities, lat, lon, radius_m=radius_m, limit=limit)


class DeviceList(CallerView):
    """Devices with their details."""

    @extend_schema(
        parameters=[OpenApiParameter("kind", OpenApiTypes.STR, enum=Device.Kind.values), _BBOX, _IDS, _CURSOR, _SIZE],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> HttpResponse:
        """A page of devices, of one `kind`, inside `bbox`, or named by `ids` (their `key`); `id` is its feed's."""
        params = request.query_params
        devices = _named(_boxed(_devices_of(self.caller), params), params)
        if kind := params.get("kind"):
            if kind not in Device.Kind.values:
                raise Invalid("kind", _("One of these is needed: %s") % ", ".join(Device.Kind.values))
            devices = devices.filter(kind=kind)
        rows, cursor = _page(devices, params)
        return json_response({"devices": [_device(one) for one in rows], "cursor": cursor, "more": cursor is not None})


_bodies: dict[tuple[Any, ...], bytes] = {}


def _cameras_of(caller: Principal) -> QuerySet[Camera]:
    return Camera.objects.filter(municipality_id__in=caller.municipalities).order_by("pk")


def _devices_of(caller: Principal) -> QuerySet[Device]:
    return Device.objects.filter(municipality_id__in=caller.municipalities).order_by("pk")


def _stamp(rows: QuerySet[Any]) -> str:
    """Changes whenever a row is written or removed, by whatever hand: PostgreSQL's own row versions."""
    version = RawSQL("xmin::text::bigint", [], output_field=IntegerField())
    found = rows.order_by().aggregate(count=Count("pk"), versions=Sum(version), ids=Sum("pk"))
    return "{count:x}.{versions:x}.{ids:x}".format(**{name: int(value or 0) for name, value in found.items()})


def _tagged(request: Request, tag: str, content: bytes, content_type: str = JSON) -> HttpResponse:
    same = request.headers.get("If-None-Match") == tag
    packed = content and not same and GZIP in request.headers.get("Accept-Encoding", "")
    body = b"" if same else _packed(content) if packed else content
    response = HttpResponse(body, status=304 if same else 200, content_type=content_type)
    response["ETag"], response["Cache-Control"] = tag, CACHE_CONTROL
    if packed:
        response["Content-Encoding"] = GZIP
    patch_vary_headers(response, ("Accept", "Accept-Encoding", "Authorization", "Cookie"))
    return response


@lru_cache(maxsize=REMEMBERED_BODIES)
def _packed(content: bytes) -> bytes:
    return gzip.compress(content, compresslevel=6, mtime=0)


def _plain_points(cameras: QuerySet[Camera], devices: QuerySet[Device]) -> bytes:
    return orjson.dumps({**_camera_columns(cameras), **_device_columns(devices)})


def _packed_points(cameras: QuerySet[Camera], devices: QuerySet[Device]) -> bytes:
    ids, lats, lons, purposes, ptz = _columns(cameras.values_list("id", "lat", "lon", "purpose", "ptz"), 5)
    keys, device_lats, device_lons, kinds = _columns(devices.values_list("id", "lat", "lon", "kind"), 4)
    purpose_at = {purpose: index for index, purpose in enumerate(sorted(set(purposes)))}
    kind_at = {kind: index for index, kind in enumerate(sorted(set(kinds)))}
    head = {
        "purposes": [purpose_names(one) for one in purpose_at],
        "kinds": [{"slug": kind, **_kind_names(kind)} for kind in kind_at],
    }
    columns = {
        "cameras": {
            "id": ids, "lat": packing.degrees(lats), "lon": packing.degrees(lons),
            "group": [purpose_at[one] for one in purposes], "ptz": ptz,
        },
        "devices": {
            "id": keys, "lat": packing.degrees(device_lats), "lon": packing.degrees(device_lons),
            "group": [kind_at[one] for one in kinds],
        },
    }  # fmt: skip
    return packing.pack(head, columns)


def _camera_columns(cameras: QuerySet[Camera]) -> dict[str, Any]:
    rows = cameras.values_list("id", "name", "lat", "lon", "purpose", "ptz")
    ids, names, lats, lons, purposes, ptz = _columns(rows, 6)
    known = {purpose: index for index, purpose in enumerate(sorted(set(purposes)))}
    columns = {
        "id": ids, "name": names, "lat": _rounded(lats), "lon": _rounded(lons),
        "purpose": [known[one] for one in purposes], "ptz": [int(one) for one in ptz],
    }  # fmt: skip
    return {"cameras": columns, "purposes": [purpose_names(one) for one in known]}


def _device_columns(devices: QuerySet[Device]) -> dict[str, Any]:
    ids, names, lats, lons, kinds = _columns(devices.values_list("device_id", "name", "lat", "lon", "kind"), 5)
    known = {kind: index for index, kind in enumerate(sorted(set(kinds)))}
    columns = {
        "id": ids, "name": names, "lat": _rounded(lats), "lon": _rounded(lons), "kind": [known[one] for one in kinds],
    }  # fmt: skip
    return {"devices": columns, "kinds": [{"slug": kind, **_kind_names(kind)} for kind in known]}


def _rounded(degrees: Iterable[float]) -> list[float]:
    return [round(one, MAP_DECIMALS) for one in degrees]


def _columns(rows: Iterable[tuple[Any, ...]], width: int) -> Sequence[Sequence[Any]]:
    return tuple(zip(*rows, strict=True)) or ((),) * width


def _kind_names(kind: str) -> dict[str, str]:
    names = {}
    for language in ("ko", "en"):
        with translation.override(language):
            names[language] = str(Device.Kind(kind).label)
    return names


def _camera(one: Camera) -> dict[str, Any]:
    found = {
        "id": one.pk, "name": one.name, "number": f"{one.site_number}-{one.index}",
        "purpose": purpose_names(one.purpose), "lat": one.lat, "lon": one.lon, "ptz": one.ptz,
        "address": one.road_address or one.lot_address, "video": one.has_video,
    }  # fmt: skip
    # Its video system no longer lists it; it stays, for what happened before.
    return {**found, "gone_since": one.gone_at.isoformat()} if one.gone_at else found


def _near_payload(near: NearCamera) -> dict[str, Any]:
    measured = {"distance_m": round(near.distance_m, 1), "bearing_deg": round(near.bearing_deg, 1)}
    return {**_camera(near.camera), **measured}


def _device(one: Device) -> dict[str, Any]:
    return {
        "key": one.pk, "id": one.device_id, "kind": one.kind, "name": one.name, "lat": one.lat, "lon": one.lon, "address": one.address,
    }  # fmt: skip


def _position(text: str) -> tuple[float, float]:
    numbers = _numbers(text, 2)
    if numbers is None or abs(numbers[0]) > 90 or abs(numbers[1]) > 180:
        raise Invalid("near", _("Two numbers are needed: latitude,longitude in WGS84 degrees."))
    return numbers[0], numbers[1]


def _boxed(rows: QuerySet[Any], params: Any) -> QuerySet[Any]:
    if not params.get("bbox"):
        return rows
    numbers = _numbers(params["bbox"], 4)
    if numbers is None:
        raise Invalid("bbox", _("Four numbers are needed: west,south,east,north in WGS84 degrees."))
    west, south, east, north = numbers
    return rows.filter(lat__range=(south, north), lon__range=(west, east))


def _named(rows: QuerySet[Any], params: Any) -> QuerySet[Any]:
    if not params.get("ids"):
        return rows
    parts = params["ids"].split(",")
    if len(parts) > IDS_AT_MOST or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        raise Invalid("ids", _("At most 100 whole numbers separated by commas are needed."))
    return rows.filter(pk__in=[int(part) for part in parts])


def _numbers(text: str, count: int) -> list[float] | None:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        return None
    return numbers if len(numbers) == count and all(abs(number) <= 360 for number in numbers) else None


def _page(rows: QuerySet[M], params: Any) -> tuple[list[M], str | None]:
    size = whole_of(params, "page_size", PAGE_SIZE, 1, PAGE_SIZE_AT_MOST)
    if params.get("cursor"):
        rows = rows.filter(pk__gt=whole_of(params, "cursor", 0, 1, 2**62))
    found = list(rows[: size + 1])
    return found[:size], str(found[size - 1].pk) if len(found) > size else None
