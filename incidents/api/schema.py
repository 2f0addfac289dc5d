"""What OpenAPI says of the shapes: drawn from the typed payloads, so that page and code cannot part."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.plumbing import resolve_type_hint
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from incidents import handover, operations, regrouping
from incidents.belonging import EventPayload, NeighbourPayload, RegroupingPayload
from incidents.codes import CODES, RESULT_CODES, Grade
from incidents.flood import FloodPayload
from incidents.ledger import ChangePayload
from incidents.load import Load
from incidents.nuisance import BadActor, Chattering, Stale
from incidents.operations import NOTE_LENGTH, REASON_LENGTH
from incidents.payloads import IncidentPayload, RelayPayload
from incidents.reports import ACTIONS
from incidents.states import Status
from incidents.suppression import SuppressionPayload
from linkage.feeds import FEEDS
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
    open_steps={**_list(_object(id=_TEXT, text=_object(ko=_TEXT, en=_TEXT), owner=_TEXT)),
                "description": "Closing waits for these required steps of its procedure."},
)  # fmt: skip

PREFERENCES: Final = _object(preferences={"type": "object", "additionalProperties": True})
PREFERENCE: Final = _object(name=_TEXT, value={})

LOAD: Final[Schema] = resolve_type_hint(Load)
FLOODS: Final = _object(floods=_list(resolve_type_hint(FloodPayload)))
NUISANCES: Final = _object(
    hours={"type": "integer"}, chattering=_list(resolve_type_hint(Chattering)), stale=_list(resolve_type_hint(Stale)),
    bad_actors=_list(resolve_type_hint(BadActor)), ten_worst_share={"type": "number"},
)  # fmt: skip
COLLEAGUES: Final = _object(colleagues=_list(_object(username=_TEXT, name=_TEXT, role=_TEXT, present={"type": "boolean"})))
SUPPRESSION: Final[Schema] = resolve_type_hint(SuppressionPayload)
SUPPRESSIONS: Final = _object(suppressions=_list(SUPPRESSION))
SUPPRESS: Final = _object(
    ["system", "reason"], system=_TEXT, device_id={**_TEXT, "maxLength": 120, "description": "Empty: the whole system"},
    reason={**_TEXT, "minLength": 1, "maxLength": REASON_LENGTH}, minutes={"type": "integer", "minimum": 1, "maximum": 480},
)  # fmt: skip

INCIDENT_PAGE: Final = _object(incidents=_list(INCIDENT), cursor=_MAYBE_TEXT, more=_MORE)
TIMELINE: Final = _object(changes=_list({**CHANGE, "required": [one for one in CHANGE.get("required", []) if one != "incident"]}))
CHANGE_PAGE: Final = _object(changes=_list(CHANGE), cursor=_TEXT, more=_MORE)
RELAY_PAGE: Final = _object(relays=_list(RELAY), cursor=_MAYBE_TEXT, more=_MORE)
EVENT_PAGE: Final = _object(
    events=_list(resolve_type_hint(EventPayload)), regroupings=_list(resolve_type_hint(RegroupingPayload)),
    cursor=_MAYBE_TEXT, more=_MORE,
)  # fmt: skip
NEIGHBOURS: Final = _object(neighbours=_list(resolve_type_hint(NeighbourPayload)))
ACTION_RESULT: Final = _object(incident=INCIDENT, seq={"type": "integer"})
REGISTRATION: Final = _object(
    ["code", "lat", "lon"],
    code={"type": "string", "enum": list(CODES)}, lat=_NUMBER, lon=_NUMBER,
    grade={"type": "string", "enum": Grade.values}, summary=_TEXT, address=_TEXT, occurred_at=_MOMENT,
    caller={**_TEXT, "maxLength": 100, "description": "Who reported it; telephone numbers are covered"},
)  # fmt: skip
BY_HAND: Final = _object([], note=_TEXT, called_at={**_MOMENT, "description": "When, if earlier than now"})
CALLBACK: Final = {"additionalProperties": True} | _object(
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
    subject={"type": "string", "maxLength": 200, "description": "The source's key of what it is about; a later "
             "message of the same subject changes or ends the same incident."},
    refers_to={**_list(_TEXT), "maxItems": 50, "description": "Ids or subjects of earlier messages this one continues."},
    action={"type": "string", "enum": list(ACTIONS), "default": "report", "description": "cancel: it was wrong; end: it is over."},
    area={"type": "object", "description": "A GeoJSON Polygon or MultiPolygon, WGS84, at most 5,000 positions."},
    expires_at=_MOMENT,
)  # fmt: skip
EVENT_RESULT: Final = _object(
    ["id", "status", "incident"],
    id=_MAYBE_TEXT, status={"type": "string", "enum": ["accepted", "duplicate", "rejected"]}, incident=_MAYBE_TEXT,
    errors=_list(_object(field=_TEXT, message=_TEXT)),
)  # fmt: skip
EVENTS_ANSWER: Final = _object(
    accepted={"type": "integer"}, duplicates={"type": "integer"}, rejected={"type": "integer"}, results=_list(EVENT_RESULT)
)


_POINT: Final = {"type": "number"}
PLACES: Final = _object(
    places=_list(
        _object(
            ["kind", "name", "detail", "lat", "lon"],
            kind={"type": "string", "enum": ["position", "incident", "dong", "camera", "device"]},
            name=_object(ko=_TEXT, en=_TEXT), detail=_TEXT, lat=_POINT, lon=_POINT,
            bounds={**_list(_POINT), "description": "south, west, north, east"}, number=_TEXT, id={"type": "integer"},
        )
    )
)  # fmt: skip
HEAT: Final = _object(
    hours={"type": "integer"}, since=_MOMENT, until=_MOMENT,
    cell={**_list(_POINT), "description": "The size of a cell in degrees of latitude and longitude"},
    cells={**_list(_list({})), "description": "row, column, incidents, worst grade"},
)  # fmt: skip
_AREA: Final = {"type": "object", "description": "A GeoJSON Polygon or MultiPolygon, WGS84, at most 5,000 positions."}
GEOFENCE: Final = _object(id={"type": "integer"}, name=_TEXT, area=_AREA, created_by=_TEXT, created_at=_MOMENT)
GEOFENCES: Final = _object(geofences=_list(GEOFENCE))
NEW_GEOFENCE: Final = {**_object(name={**_TEXT, "minLength": 1, "maxLength": 60}, area=_AREA), "additionalProperties": False}


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
PREVIEW_PARAMETERS: Final = [
    OpenApiParameter("agency", OpenApiTypes.STR, required=True),
    _query("message", "The operator's own words"),
    _query("cameras", "Comma separated ids instead of the nearest five; empty: none"),
]
EVENT_PAGING: Final = [
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

_REASON: Final = {**_TEXT, "minLength": 1, "maxLength": REASON_LENGTH}
# What each action takes; the others take nothing.
ACTION_BODIES: Final[dict[str, Schema]] = {
    "false-alarm": _object(reason={**_REASON, "description": "One of the catalogue's false_alarm_reasons, or your own words"}),
    "reopen": _object(reason=_REASON),
    "resolve": _object([], note=_TEXT),
    "close": _object(["result_code"], result_code={"type": "string", "enum": list(RESULT_CODES)}, note=_TEXT, override=_MORE),
    "assign": _object([], username={**_TEXT, "description": "Empty: oneself"}),
    "offer": _object([], username={**_TEXT, "description": "Empty: asks the holder for it"}),
    "note": _object(note={**_TEXT, "minLength": 1, "maxLength": NOTE_LENGTH}),
    "shelve": _object(["reason"], reason=_REASON, minutes={"type": "integer", "minimum": 1, "maximum": 60}),
    "merge": _object(into={**_TEXT, "description": "The number of the incident that stays"}),
    "split": _object(events={**_list(_TEXT), "description": "The sources' ids of the events to take out"}),
    "relay": _object(
        ["agency"], agency=_TEXT, message={**_TEXT, "maxLength": NOTE_LENGTH},
        cameras={**_list({"type": "integer", "minimum": 1}), "description": "Instead of the nearest five"},
        anew={**_MORE, "description": "Open a new case at an agency that has ended its last one"},
    ),
}  # fmt: skip
_REFUSALS: Final = {
    "400": "Not understood; `errors` names the fields", "401": "Nobody is signed in, or the key does not hold",
    "403": "Not allowed to this caller, or no CSRF token", "404": "Not found, or not yours to see", "405": "Another method",
    "409": "Not possible from its present state, which is `current`", "410": "The cursor's past is gone: start over without one",
    "413": "Too much at once", "415": "The body is not declared as JSON",
    "503": "Nothing was changed; Retry-After says when to try again",
}  # fmt: skip
_ALWAYS: Final = ("400", "401", "403", "404", "405", "503")
_ON_WRITING: Final = ("413", "415")


def json_body(schema: Schema) -> Schema:
    """A request body of this shape; unless it says otherwise, a field it does not name is refused (`base.fields_of`)."""
    closed = {"additionalProperties": False} if "properties" in schema else {}
    return {"application/json": {**closed, **schema}}


def _problem(status: str) -> Schema:
    return {"description": _REFUSALS[status], "content": {"application/problem+json": {"schema": PROBLEM}}}


def complete(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """drf-spectacular hook: says what it cannot see: what each action takes, every refusal, and the two doors
    without a serializer, `POST events` and `POST feeds/{format}`."""
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            _describe_action(path.rpartition("/")[2], operation)
            responses = operation["responses"]
            said = [status for status in responses if status in _REFUSALS]
            for status in (*said, *_ALWAYS, *(_ON_WRITING if method in ("post", "put") else ())):
                responses[status] = _problem(status)
    result["paths"]["/api/v1/events"] = _EVENTS
    result["paths"]["/api/v1/feeds/{format}"] = _FEEDS
    return result


def _describe_action(action: str, operation: Schema) -> None:
    name = f"incident_{action.replace('-', '_')}"
    done = next((found for one in (operations, regrouping, handover) if (found := getattr(one, name, None))), None)
    if not operation["operationId"].startswith("incidents_") or done is None:
        return
    operation["summary"] = (done.__doc__ or "").partition("\n")[0]
    operation.pop("requestBody", None)
    if body := ACTION_BODIES.get(action):
        schema = {**body, "additionalProperties": False}  # an unknown field is refused
        operation["requestBody"] = {"required": bool(body["required"]), "content": {"application/json": {"schema": schema}}}


_EVENTS: Final[Schema] = {
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
            **{status: _problem(status) for status in ("400", "401", "403", "405", "413", "503")},
        },
    }
}

_FEEDS: Final[Schema] = {
    "post": {
        "operationId": "feeds_create",
        "summary": "Report a document in a feed's own format",
        "description": "Answered as `POST events`. Safe to repeat. What cannot be understood is kept in quarantine and "
        "named in the answer: single records with 202, a document broken as a whole with 400. At most 1 MiB.",
        "tags": ["feeds"],
        "security": [{"key": []}],
        "parameters": [
            {"name": "format", "in": "path", "required": True, "schema": {"type": "string", "enum": list(FEEDS)}}
        ],
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {}} for kind in ("application/json", "application/xml", "application/cap+xml", "*/*")},
        },
        "responses": {
            "202": {"description": "Stored", "content": {"application/json": {"schema": EVENTS_ANSWER}}},
            **{status: _problem(status) for status in ("400", "401", "403", "404", "405", "413", "503")},
        },
    }
}
