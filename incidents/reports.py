"""What a feed says, understood: one raw event in, a Report or the list of what is wrong with it out."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypedDict

import orjson
from django.utils.translation import gettext as _

from incidents.codes import CODES, Grade

# A source whose clock runs ahead further than this is broken; a recorded feed may be as old as it likes.
FUTURE_TOLERANCE: Final = timedelta(minutes=10)
ID_LENGTH: Final = 200
SUMMARY_LENGTH: Final = 500
ADDRESS_LENGTH: Final = 300
DEVICE_ID_LENGTH: Final = 120
ATTRIBUTES_BYTES: Final = 16_384
ATTRIBUTES_DEPTH: Final = 32  # deeper nesting would exhaust the stack of whoever writes it out again

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
FIELDS: Final = frozenset(
    {
        "id", "code", "occurred_at", "lat", "lon", "grade", "summary", "address", "device_id", "attributes",
        "subject", "refers_to", "action", "area", "expires_at",
    }
)  # fmt: skip
ACTIONS: Final = ("report", "cancel", "end")
REFERENCES_AT_MOST: Final = 50
AREA_POSITIONS_AT_MOST: Final = 5_000


class FieldError(TypedDict):
    """What is wrong with one field, and the remedy."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """One event as understood. Times are aware, positions WGS84 or both None where unknown."""

    source_id: str
    code: str
    grade: str
    occurred_at: datetime
    lat: float | None
    lon: float | None
    summary: str
    address: str
    device_id: str
    attributes: dict[str, Any]
    subject: str = ""
    refers_to: tuple[str, ...] = ()
    action: str = "report"
    area: dict[str, Any] | None = None
    expires_at: datetime | None = None

    @property
    def family(self) -> str:
        """The code's family."""
        return CODES[self.code].family


class NotUnderstood(Exception):
    """The raw event is no event; `errors` says why, field by field."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(errors)
        self.errors = errors


def storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and (text.isascii() or not _SURROGATE.search(text))


def _is_json(value: Any, depth: int) -> bool:
    """Whether `value` is JSON that PostgreSQL can hold, nested at most `depth` deep."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < 2**63
    if isinstance(value, dict):
        return depth > 0 and all(isinstance(k, str) and storable(k) and _is_json(v, depth - 1) for k, v in value.items())
    if isinstance(value, list):
        return depth > 0 and all(_is_json(one, depth - 1) for one in value)
    return value is None


class _Reader:
    """Reads fields one by one and collects what is wrong, so that a sender learns everything at once."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw
        self.errors: list[FieldError] = []

    def wrong(self, field: str, message: str) -> None:
        self.errors.append({"field": field, "message": message})

    def text(self, field: str, limit: int, *, required: bool = False) -> str:
        value = self._raw.get(field)
        if value is None and not required:
            return ""
        if type(value) is int and field == "id" and abs(value) < 2**63:
            value = str(value)
        if not isinstance(value, str) or (required and not value.strip()):
            self.wrong(field, _("A text is needed."))
            return ""
        if not storable(value):
            self.wrong(field, _("The text holds a NUL or half a surrogate pair; leave it out."))
            return ""
        if len(value) > limit:
            self.wrong(field, _("At most %(limit)d characters; these are %(count)d.") % {"limit": limit, "count": len(value)})
        return value.strip()

    def number(self, field: str, bound: float) -> float | None:
        value = self._raw.get(field)
        if value is None:
            if field not in self._raw:
                self.wrong(field, _("A number in degrees (WGS84) is needed, or null where the place is unknown."))
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(field, _("A number in degrees (WGS84) is needed, or null where the place is unknown."))
            return None
        # Written so that NaN fails it too.
        if not -bound <= value <= bound:
            self.wrong(field, _("Out of range: WGS84 degrees from -%(bound)d to %(bound)d.") % {"bound": bound})
            return None
        return float(value)

    def moment(self, field: str, now: datetime) -> datetime:
        value = self._raw.get(field)
        try:
            at = datetime.fromisoformat(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            self.wrong(field, _("A time in ISO 8601 with an offset is needed, such as 2026-11-23T20:04:13+09:00."))
            return now
        if at.tzinfo is None:
            self.wrong(field, _("The time has no offset; write it as in 2026-11-23T20:04:13+09:00."))
            return now
        if not datetime(1970, 1, 2, tzinfo=UTC) < at <= now + FUTURE_TOLERANCE:
            self.wrong(field, _("The time lies in the future or before 1970; check the source's clock."))
            return now
        # UTC, as the database gives it back: the ledger's rows and a fresh reading then agree to the letter.
        return at.astimezone(UTC)

    def one_of(self, field: str, known: Callable[[str], bool], message: str, *, required: bool) -> str | None:
        value = self._raw.get(field)
        if value is None and not required:
            return None
        if not isinstance(value, str) or not known(value):
            self.wrong(field, message)
            return None
        return value

    def later(self, field: str) -> datetime | None:
        """A time that may lie ahead."""
        value = self._raw.get(field)
        if value is None:
            return None
        try:
            at = datetime.fromisoformat(value)
            if at.tzinfo is not None:
                return at.astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            pass
        self.wrong(field, _("A time in ISO 8601 with an offset is needed, such as 2026-11-23T20:04:13+09:00."))
        return None

    def references(self) -> tuple[str, ...]:
        value = self._raw.get("refers_to")
        if value is None:
            return ()
        if (
            not isinstance(value, list) or len(value) > REFERENCES_AT_MOST
            or not all(isinstance(one, str) and 0 < len(one) <= ID_LENGTH and storable(one) for one in value)
        ):  # fmt: skip
            self.wrong("refers_to", _("A list of at most 50 ids of earlier messages is needed."))
            return ()
        return tuple(value)

    def area(self) -> dict[str, Any] | None:
        """A GeoJSON Polygon or MultiPolygon (RFC 7946): lon and lat in WGS84 degrees, rings closed."""
        value = self._raw.get("area")
        if value is None:
            return None
        if not is_area(value):
            self.wrong("area", _("A GeoJSON Polygon or MultiPolygon in WGS84 with at most 5,000 positions is needed."))
            return None
        return {"type": value["type"], "coordinates": value["coordinates"]}

    def attributes(self) -> dict[str, Any]:
        value = self._raw.get("attributes")
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong("attributes", _("An object is needed."))
            return {}
        if not _is_json(value, ATTRIBUTES_DEPTH) or len(orjson.dumps(value)) > ATTRIBUTES_BYTES:
            self.wrong("attributes", _("At most 16 KiB of JSON, 32 levels deep, without NUL characters."))
        return value


def is_area(value: Any) -> bool:
    """Whether it is a GeoJSON Polygon or MultiPolygon whose rings are closed and lie on the globe."""
    if not isinstance(value, dict) or value.get("type") not in ("Polygon", "MultiPolygon"):
        return False
    polygons = [value.get("coordinates")] if value["type"] == "Polygon" else value.get("coordinates")
    if not isinstance(polygons, list) or not polygons or not all(isinstance(one, list) and one for one in polygons):
        return False
    rings = [ring for polygon in polygons for ring in polygon]
    return all(map(_is_ring, rings)) and sum(map(len, rings)) <= AREA_POSITIONS_AT_MOST


def _is_ring(ring: Any) -> bool:
    return isinstance(ring, list) and len(ring) >= 4 and ring[0] == ring[-1] and all(map(_is_position, ring))


def _is_position(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 2 <= len(value) <= 3
        and all(isinstance(one, int | float) and not isinstance(one, bool) for one in value)
        and -180 <= value[0] <= 180
        and -90 <= value[1] <= 90
    )


def understand(raw: Any, now: datetime) -> Report:
    """The Report in a raw event of the public contract (`POST events`).

    Raises NotUnderstood with every wrong field. Fields it does not know are refused by name, since a
    misspelt `grade` dropped in silence could cost a life.
    """
    if not isinstance(raw, dict):
        raise NotUnderstood([{"field": "", "message": _("An event is an object.")}])
    read = _Reader(raw)
    for name in raw.keys() - FIELDS:
        read.wrong(str(name), _("Unknown field; put what is your own under attributes."))
    source_id = read.text("id", ID_LENGTH, required=True)
    code = read.one_of("code", CODES.__contains__, _("Unknown event code; GET /api/v1/catalogue lists them."), required=True)
    grade = read.one_of("grade", Grade.values.__contains__, _("A grade is one of G1, G2, G3, G4, G5."), required=False)
    at = read.moment("occurred_at", now)
    lat, lon = read.number("lat", 90), read.number("lon", 180)
    if not read.errors and (lat is None) != (lon is None):
        read.wrong("lon" if lon is None else "lat", _("Give both latitude and longitude, or null for both."))
    report = Report(
        source_id, code or "", grade or (CODES[code].grade if code else ""), at, lat, lon,
        read.text("summary", SUMMARY_LENGTH), read.text("address", ADDRESS_LENGTH),
        read.text("device_id", DEVICE_ID_LENGTH), read.attributes(),
        read.text("subject", ID_LENGTH), read.references(),
        read.one_of("action", ACTIONS.__contains__, _("An action is one of report, cancel, end."), required=False) or "report",
        read.area(), read.later("expires_at"),
    )  # fmt: skip
    if read.errors:
        raise NotUnderstood(read.errors)
    return report
