"""What OpenAPI says of the shift's shapes: drawn from the typed payloads."""

from __future__ import annotations

from typing import Any, Final, TypedDict

from drf_spectacular.plumbing import resolve_type_hint
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from incidents.api.schema import PROBLEM
from services.shifts.clock import Shift
from services.shifts.models import CREW_LENGTH, NOTES_LENGTH, NOTICE_LENGTH, Handover, Notice, ShiftDuty
from services.shifts.payloads import (
    DutyPayload,
    HandoverBrief,
    HandoverPayload,
    NoticePayload,
    SpanPayload,
    Start,
)

Schema = dict[str, Any]
PREFIX: Final = "/api/v1/shift"


class DutyAnswer(TypedDict):
    """The caller's duty; null off duty."""

    duty: DutyPayload | None


class OpenAndLatest(TypedDict):
    """The handover being written or waiting, and the newest archived one."""

    open: HandoverBrief | None
    latest: HandoverBrief | None


class ShiftState(TypedDict):
    """What a console must know of the shift."""

    at: str
    now: SpanPayload
    next: SpanPayload
    starts: list[Start]
    crews: list[str]
    duty: DutyPayload | None
    last_crew: str
    on_duty: list[DutyPayload]
    handover: OpenAndLatest
    notices: list[NoticePayload]


class HandoverPage(TypedDict):
    """Handovers, newest first; `cursor` asks for the next page."""

    handovers: list[HandoverBrief]
    cursor: int | None


class NoticeList(TypedDict):
    """Notices."""

    notices: list[NoticePayload]


SHIFT: Final = resolve_type_hint(ShiftState)
DUTY: Final = resolve_type_hint(DutyAnswer)
BRIEF: Final = resolve_type_hint(HandoverBrief)
HANDOVER: Final = resolve_type_hint(HandoverPayload)
HANDOVER_PAGE: Final = resolve_type_hint(HandoverPage)
NOTICE: Final = resolve_type_hint(NoticePayload)
NOTICES: Final = resolve_type_hint(NoticeList)

_TEXT: Final[Schema] = {"type": "string"}
_VERSION: Final[Schema] = {"type": "integer", "minimum": 0, "description": "Of what has been read"}


def _body(required: list[str], **properties: Schema) -> dict[str, Schema]:
    return {"application/json": {"type": "object", "properties": properties, "required": required}}


BEGIN: Final = _body(
    ["crew"], crew={**_TEXT, "minLength": 1, "maxLength": CREW_LENGTH},
    shift={"type": "string", "enum": Shift.values, "description": "The present one (default) or the next"},
    sound={"type": "string", "enum": ShiftDuty.Sound.values},
)  # fmt: skip
SOUND: Final = _body(["heard"], heard={"type": "boolean"})
NOTES: Final = _body(["notes", "version"], notes={**_TEXT, "maxLength": NOTES_LENGTH}, version=_VERSION)
SIGN: Final = _body(["version"], version=_VERSION)
COUNTERSIGN: Final = _body(["digest"], digest={**_TEXT, "description": "SHA-256 of the document that has been read"})
RETURN: Final = _body(["reason"], reason={**_TEXT, "minLength": 1, "maxLength": 300})
POST_NOTICE: Final = _body(
    ["text", "until"], text={**_TEXT, "minLength": 1, "maxLength": NOTICE_LENGTH}, until={**_TEXT, "format": "date-time"},
    importance={"type": "string", "enum": Notice.Importance.values},
)  # fmt: skip


def _query(name: str, description: str, kind: Any = OpenApiTypes.STR) -> OpenApiParameter:
    return OpenApiParameter(name, kind, description=description)


HANDOVER_FILTERS: Final = [
    _query("since", "Written at or after", OpenApiTypes.DATETIME),
    _query("until", "Written before", OpenApiTypes.DATETIME),
    _query("state", "Comma separated: " + ", ".join(Handover.State.values)),
    _query("cursor", "From the page before", OpenApiTypes.INT64),
    _query("page_size", "1 to 200", OpenApiTypes.INT),
]


def complete(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """drf-spectacular hook, after the incidents' own: of the shift, a refusal's `current` is a handover or null."""
    current = {"description": "The handover as it stands, or null", "anyOf": [BRIEF, {"type": "null"}]}
    problem = {**PROBLEM, "properties": {**PROBLEM["properties"], "current": current}}
    for path, methods in result["paths"].items():
        for operation in methods.values() if path.startswith(PREFIX) else ():
            if "409" in operation["responses"]:
                operation["responses"]["409"] = {
                    "description": "Not possible as things stand: `current`",
                    "content": {"application/problem+json": {"schema": problem}},
                }
    return result
