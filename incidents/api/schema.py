"""What OpenAPI says of the shapes: drawn from the typed payloads, so that page and code cannot part."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.plumbing import resolve_type_hint
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from incidents.codes import CODES, Grade
from incidents.ledger import ChangePayload
from incidents.payloads import IncidentPayload, RelayPayload
from incidents.states import Status
from linkage.states import CALLBACK_STATES

Schema = dict[str, Any]


def _object(required: list[str] | None = None, **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": required if required is not None else list(properties)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_TEXT: Final[Schema] = {"type": "string"}
_MAYBE_TEXT: Final[Schema] = {"type": ["string", "null"]}
_NUMBER: Final[Schema] = {"type": ["number", "null"]}
_MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
_MORE: Final[Schema] = {"type": "boolean"}

INCIDENT: Final[Schema] = resolve_type_hint(IncidentPayload)
RELAY: Final[Schema] = resolve_type_hint(RelayPayload)
CHANGE: Final[Schema] = resolve_type_hint(ChangePayload)
PROBLEM: Final[Schema] = _object(
    ["type", "title", "status", "detail"],
    type=_TEXT, title=_TEXT, status={"type": "integer"}, detail=_TEXT,
    errors=_list(_object(field=_TEXT, message=_TEXT)), current=INCIDENT,
)  # fmt: skip

INCIDENT_PAGE: Final = _object(incidents=_list(INCIDENT), cursor=_MAYBE_TEXT, more=_MORE)
TIMELINE: Final = _object(changes=_list({**CHANGE, "required": [one for one in CHANGE.get("required", []) if one != "incident"]}))
CHANGE_PAGE: Final = _object(changes=_list(CHANGE), cursor=_TEXT, more=_MORE)
RELAY_PAGE: Final = _object(relays=_list(RELAY), cursor=_MAYBE_TEXT, more=_MORE)
ACTION_RESULT: Final = _object(incident=INCIDENT, seq={"type": "integer"})
REGISTRATION: Final = _object(
    ["code", "lat", "lon"],
    code={"type": "string", "enum": list(CODES)}, lat=_NUMBER, lon=_NUMBER,
    grade={"type": "string", "enum": Grade.values}, summary=_TEXT, address=_TEXT, occurred_at=_MOMENT,
)  # fmt: skip
CALLBACK: Final = _object(
    ["status", "at"],
    status={"type": "string", "enum": sorted(CALLBACK_STATES)}, at=_MOMENT, unit=_MAYBE_TEXT,
    eta_s={"type": ["integer", "null"], "minimum": 0}, lat=_NUMBER, lon=_NUMBER, result_code=_MAYBE_TEXT, note=_MAYBE_TEXT,
)  # fmt: skip
CALLBACK_ANSWER: Final = _object(relay=_TEXT, status=_TEXT, received={"type": "boolean"})
EVENT: Final = _object(
    ["id", "code", "occurred_at", "lat", "lon"],
    id={"type": "string", "maxLength": 200, "description": "The source's own id: sending it again changes nothing."},
    code={"type": "string", "enum": list(CODES)}, occurred_at=_MOMENT, lat=_NUMBER, lon=_NUMBER,
    grade={"type": "string", "enum": Grade.values}, summary={"type": "string", "maxLength": 500},
    address={"type": "string", "maxLength": 300}, device_id={"type": "string", "maxLength": 120},
    attributes={"type": "object"},
)  # fmt: skip
EVENT_RESULT: Final = _object(
    ["id", "status", "incident"],
    id=_MAYBE_TEXT, status={"type": "string", "enum": ["accepted", "duplicate", "rejected"]}, incident=_MAYBE_TEXT,
    errors=_list(_object(field=_TEXT, message=_TEXT)),
)  # fmt: skip
EVENTS_ANSWER: Final = _object(
    accepted={"type": "integer"}, duplicates={"type": "integer"}, rejected={"type": "integer"}, results=_list(EVENT_RESULT)
)


def json_body(schema: Schema) -> Schema:
    """A request body of this shape."""
    return {"application/json": schema}


def _query(name: str, description: str, kind: Any = OpenApiTypes.STR) -> OpenApiParameter:
    return OpenApiParameter(name, kind, description=description)


INCIDENT_FILTERS: Final = [
    _query("status", "Comma separated: " + ", ".join(Status.values)),
    _query("grade", "Comma separated: G1 … G5"),
    _query("code", "Comma separated event codes or families"),
    _query("service", "Comma separated linked services"),
    _query("since", "Received at or after", OpenApiTypes.DATETIME),
    _query("until", "Received before", OpenApiTypes.DATETIME),
    _query("bbox", "west,south,east,north in WGS84 degrees"),
    _query("q", "Words in number, summary, address or place"),
    _query("cursor", "From the page before", OpenApiTypes.INT64),
    _query("page_size", "1 to 1,000", OpenApiTypes.INT),
]
CHANGE_PARAMETERS: Final = [
    _query("after", "The cursor of the page before; absent or 0 from the beginning"),
    _query("limit", "1 to 1,000", OpenApiTypes.INT),
]
RELAY_FILTERS: Final = [
    _query("incident", "An incident's number"),
    _query("attention", "1: only those that need an operator", OpenApiTypes.INT),
    _query("cursor", "From the page before", OpenApiTypes.INT),
    _query("page_size", "1 to 1,000", OpenApiTypes.INT),
]


def add_events(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """drf-spectacular hook: documents `POST events`, which is no DRF view (it must be quick)."""
    problem = {"content": {"application/problem+json": {"schema": PROBLEM}}}
    result["paths"]["/api/v1/events"] = {
        "post": {
            "operationId": "events_create",
            "summary": "Report events",
            "description": "One event or an array of up to 1,000 (1 MiB). Idempotent by (system, id). One bad event "
            "rejects itself alone. An empty array is a sign of life.",
            "tags": ["events"],
            "security": [{"key": []}],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"oneOf": [EVENT, {**_list(EVENT), "maxItems": 1000}]}}},
            },
            "responses": {
                "202": {"description": "Stored", "content": {"application/json": {"schema": EVENTS_ANSWER}}},
                "400": {"description": "Not JSON, or no event", **problem},
                "401": {"description": "No valid key", **problem},
                "403": {"description": "Not a feed's key", **problem},
                "413": {"description": "Too much at once", **problem},
                "503": {"description": "Nothing stored; Retry-After says when to send it again", **problem},
            },
        }
    }
    return result
