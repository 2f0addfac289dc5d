"""Finding a place by what somebody types: an address, a dong, a camera, a device, an incident, coordinates. Offline.

Streets are known only as far as registries name them: an address is found where a camera or device stands at it, and
the answer says so by being that camera.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NotRequired, TypedDict

import shapely
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from incidents.basemap import Dong, dongs
from incidents.models import Camera, Device
from incidents.payloads import Names
from incidents.selectors import visible_incidents
from ocenter.accounts.models import Municipality
from ocenter.accounts.principal import Principal

OF_EACH_KIND: Final = 6
_POSITION: Final = re.compile(r"\s*(-?\d{1,2}(?:\.\d+)?)\s*[,\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*")


class Found(TypedDict):
    """One place. `bounds` ([south, west, north, east]) where it has an extent; `number` for an incident."""

    kind: str
    name: Names
    detail: str
    lat: float
    lon: float
    bounds: NotRequired[list[float]]
    number: NotRequired[str]
    id: NotRequired[int]


def places_named(principal: Principal, text: str) -> list[Found]:
    """What `text` may mean within the caller's reach, the surest first; empty where it means nothing."""
    words = text.split()
    if not words:
        return []
    return [*_positions(text), *_incidents(principal, text.strip()), *_divisions(principal, words), *_rows(principal, words)]


def _positions(text: str) -> Iterator[Found]:
    found = _POSITION.fullmatch(text)
    if found is None:
        return
    lat, lon = float(found[1]), float(found[2])
    if abs(lat) <= 90 and abs(lon) <= 180:
        name = f"{lat:.5f}, {lon:.5f}"
        yield {"kind": "position", "name": _same(name), "detail": "", "lat": lat, "lon": lon}


def _incidents(principal: Principal, text: str) -> Iterator[Found]:
    if not any(character.isdigit() for character in text):
        return
    rows = visible_incidents(principal).filter(number__iendswith=text, lat__isnull=False).order_by("-id")
    for one in rows[:OF_EACH_KIND]:
        yield {
            "kind": "incident", "name": _same(one.number), "detail": one.address or one.place,
            "lat": one.lat or 0.0, "lon": one.lon or 0.0, "number": one.number,
        }  # fmt: skip


def _divisions(principal: Principal, words: list[str]) -> list[Found]:
    found: list[tuple[int, Found]] = []
    for code in Municipality.objects.filter(pk__in=principal.municipalities).values_list("code", flat=True):
        found += [(_rank(one, words), _division(one)) for one in dongs(code) if _means(one, words)]
    return [place for _, place in sorted(found, key=lambda one: (one[0], one[1]["name"]["ko"]))[:OF_EACH_KIND]]


def _means(one: Dong, words: list[str]) -> bool:
    """The dong itself must be named; what stands before it may say the city and the district."""
    place = one.place
    if not any(word in place.dong or word.lower() in place.dong_en.lower() for word in words):
        return False
    whole = f"{place.address_ko} {place.address_en}".lower()
    return all(word.lower() in whole for word in words)


def _rank(one: Dong, words: list[str]) -> int:
    return 0 if words[-1] in (one.place.dong, one.place.dong_en) else 1 if one.place.dong.startswith(words[-1]) else 2


def _division(one: Dong) -> Found:
    west, south, east, north = one.area.bounds
    middle: shapely.Point = one.area.representative_point()
    return {
        "kind": "dong", "name": {"ko": one.place.dong, "en": one.place.dong_en},
        "detail": one.place.district, "lat": round(middle.y, 6), "lon": round(middle.x, 6),
        "bounds": [south, west, north, east],
    }  # fmt: skip


def _rows(principal: Principal, words: list[str]) -> Iterator[Found]:
    cameras = Camera.objects.filter(municipality_id__in=principal.municipalities, gone_at=None)
    for camera in _matching(cameras, words, "site_number", "name", "road_address", "lot_address"):
        detail = camera.road_address or camera.lot_address
        yield {
            "kind": "camera", "name": _same(camera.name), "detail": f"{camera.site_number}-{camera.index} {detail}".strip(),
            "lat": camera.lat, "lon": camera.lon, "id": camera.pk,
        }  # fmt: skip
    devices = Device.objects.filter(municipality_id__in=principal.municipalities)
    for device in _matching(devices, words, "device_id", "name", "address"):
        yield {
            "kind": "device", "name": _same(device.name), "detail": f"{device.device_id} {device.address}".strip(),
            "lat": device.lat, "lon": device.lon,
        }  # fmt: skip


def _matching(rows: QuerySet, words: list[str], number: str, *fields: str) -> QuerySet:
    """Rows in which every word occurs somewhere; those whose number is exactly or begins with it come first."""
    for word in words:
        named = Q(**{f"{number}__icontains": word})
        for field in fields:
            named |= Q(**{f"{field}__icontains": word})
        rows = rows.filter(named)
    nearness = Case(
        When(**{f"{number}__iexact": words[0]}, then=Value(0)), When(**{f"{number}__istartswith": words[0]}, then=Value(1)),
        default=Value(2), output_field=IntegerField(),
    )  # fmt: skip
    return rows.order_by(nearness, "pk")[:OF_EACH_KIND]


def _same(name: str) -> Names:
    return {"ko": name, "en": name}
