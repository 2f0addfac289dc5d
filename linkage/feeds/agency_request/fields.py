"""The envelope's fields: what each may hold, and what is said where it holds something else.

The envelope is our own proposal (the real wire formats of the 112 and 119 links are not public). A field
nobody knows is refused by name: a misspelt `callback_url` dropped in silence would leave an agency waiting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

MESSAGE_TYPES: Final = ("NEW", "UPDATE", "CANCEL", "CLOSE")
LOCATION_METHODS: Final = ("GPS", "WIFI", "CELL", "MANUAL")
GRADES: Final = ("G1", "G2", "G3", "G4", "G5")
ID_LENGTH: Final = 120
SUMMARY_LENGTH: Final = 500
ADDRESS_LENGTH: Final = 300
URL_LENGTH: Final = 300
RADIUS_METRES: Final = 5_000
CAMERAS: Final = 50
DURATION_SECONDS: Final = 86_400

# What each service adds (DOMAIN.md §2), with its own names; any service may send any of them.
SERVICE_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "video_112": ("code_112", "type_112", "caller_tel_masked", "suspect_desc"),
    "dispatch_112": ("patrol_id", "patrol", "stills", "escape_route", "evidence"),
    "dispatch_119": ("vehicle_ids", "station", "traffic", "alley_width_m", "hazards"),
    "disaster": ("disaster_type", "alert_stage", "area_polygon", "camera_group"),
    "vulnerable": ("subject_type", "photo_url", "guardian_tel", "track"),
    "wanted_vehicle": ("plate", "camera_id", "read_at", "confidence", "plate_img", "direction", "wanted_class"),
    "electronic_tag": ("subject_id", "violation_code", "track", "victim_alert"),
    "private_security": ("company", "site_id"),
    "safe_return": ("user_id", "dest", "track", "guardian_tel"),
    "military": ("op_no", "area_polygon"),
    "nationwide": ("camera_search", "event_search", "statistics"),
    "any": ("result_code", "extra"),
}


class Rule(NamedTuple):
    """Whether a value is right, and what it has to be."""

    is_right: Callable[[Any], bool]
    remedy: str


def _is_text(limit: int, least: int = 1) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and len(value.strip()) >= least and len(value) <= limit


def _is_number(least: float, most: float) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        real = isinstance(value, int | float) and not isinstance(value, bool)
        return real and math.isfinite(value) and least <= value <= most

    return check


def _is_whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_moment(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _is_web_address(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > URL_LENGTH:
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None


def _is_camera_list(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= CAMERAS and all(map(_is_whole(1, 2**62), value))


def _is_area(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") in ("Polygon", "MultiPolygon")


REQUIRED: Final = ("msg_id", "msg_type", "source_org", "source_event_no", "event_code", "occurred_at")

RULES: Final[Mapping[str, Rule]] = {
    "msg_id": Rule(_is_text(ID_LENGTH), "a text of 1 to 120 characters, another one for each message"),
    "msg_type": Rule(MESSAGE_TYPES.__contains__, f"one of {', '.join(MESSAGE_TYPES)}"),
    "source_org": Rule(_is_text(ID_LENGTH), "the sending organisation, 1 to 120 characters"),
    "source_event_no": Rule(_is_text(ID_LENGTH), "the agency's own number of the case, 1 to 120 characters"),
    "event_code": Rule(_is_text(10), "an event code such as CRM-01; GET /api/v1/catalogue lists them"),
    "grade": Rule(GRADES.__contains__, f"one of {', '.join(GRADES)}"),
    "occurred_at": Rule(_is_moment, "ISO 8601 with an offset, such as 2026-11-23T20:04:13+09:00"),
    "address_road": Rule(_is_text(ADDRESS_LENGTH, 0), "a text of at most 300 characters"),
    "address_jibun": Rule(_is_text(ADDRESS_LENGTH, 0), "a text of at most 300 characters"),
    "lat": Rule(_is_number(-90, 90), "WGS84 degrees from -90 to 90, or null where the place is unknown"),
    "lon": Rule(_is_number(-180, 180), "WGS84 degrees from -180 to 180, or null where the place is unknown"),
    "loc_method": Rule(LOCATION_METHODS.__contains__, f"one of {', '.join(LOCATION_METHODS)}"),
    "loc_accuracy_m": Rule(_is_number(0, 1_000_000), "metres, 0 or more"),
    "summary": Rule(_is_text(SUMMARY_LENGTH, 0), "a text of at most 500 characters"),
    "legal_basis": Rule(_is_text(ADDRESS_LENGTH, 0), "a text of at most 300 characters"),
    "requester": Rule(lambda value: isinstance(value, dict), "an object with org and user_id"),
    "request": Rule(lambda value: isinstance(value, dict), "an object with radius_m, max_cams, duration_s, camera_ids"),
    "callback_url": Rule(_is_web_address, "an http(s) address of at most 300 characters, without a user name"),
    "area_polygon": Rule(_is_area, "a GeoJSON Polygon or MultiPolygon"),
    "extra": Rule(lambda value: isinstance(value, dict), "an object"),
    "code_112": Rule(_is_whole(0, 4), "a whole number from 0 to 4"),
    "result_code": Rule(_is_text(20), "a result code such as RC-01"),
}  # fmt: skip

NESTED: Final[Mapping[str, Mapping[str, Rule]]] = {
    "requester": {
        "org": Rule(_is_text(ID_LENGTH), "a text of 1 to 120 characters"),
        "user_id": Rule(_is_text(ID_LENGTH), "a text of 1 to 120 characters"),
    },
    "request": {
        "radius_m": Rule(_is_whole(1, RADIUS_METRES), f"metres, a whole number from 1 to {RADIUS_METRES}"),
        "max_cams": Rule(_is_whole(1, CAMERAS), f"a whole number from 1 to {CAMERAS}"),
        "duration_s": Rule(_is_whole(1, DURATION_SECONDS), f"seconds, a whole number from 1 to {DURATION_SECONDS}"),
        "camera_ids": Rule(
            _is_camera_list, f"a list of at most {CAMERAS} camera ids as GET /api/v1/cameras gives them"
        ),
    },
}

KNOWN: Final = tuple(dict.fromkeys((*RULES, *(name for names in SERVICE_FIELDS.values() for name in names))))


def problems(envelope: Mapping[str, Any]) -> Iterator[str]:
    """Everything that is wrong with an envelope, each with the field's name and the remedy."""
    yield from _unknown(envelope, KNOWN, "", "; put what is your own under extra")
    for name in REQUIRED:
        if envelope.get(name) is None:
            yield f"{name}: is missing; it must be {RULES[name].remedy}"
    yield from _broken(envelope, RULES, "")
    for name, rules in NESTED.items():
        inner = envelope.get(name)
        if isinstance(inner, dict):
            yield from _unknown(inner, tuple(rules), f"{name}.", "; leave it out")
            yield from _broken(inner, rules, f"{name}.")
    if (envelope.get("lat") is None) != (envelope.get("lon") is None):
        yield f"{'lat' if envelope.get('lat') is None else 'lon'}: give both lat and lon, or neither"


def _unknown(fields: Mapping[str, Any], known: tuple[str, ...], prefix: str, otherwise: str) -> Iterator[str]:
    for name in fields:
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            yield f"{prefix}{name}: no such field" + (f"; did you mean {prefix}{near[0]}?" if near else otherwise)


def _broken(fields: Mapping[str, Any], rules: Mapping[str, Rule], prefix: str) -> Iterator[str]:
    for name, rule in rules.items():
        value = fields.get(name)
        if value is not None and not _holds(rule, value):
            yield f"{prefix}{name}: must be {rule.remedy}"


def _holds(rule: Rule, value: Any) -> bool:
    try:
        return rule.is_right(value)
    except TypeError:  # an unhashable value asked of a fixed list
        return False
