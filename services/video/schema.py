"""What OpenAPI says of views and PTZ."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from incidents.api.schema import PROBLEM, Schema, json_body
from linkage.video.states import STATES
from services.video.models import REASON_LENGTH
from services.video.purpose import REASON_AT_LEAST

_TEXT: Final[Schema] = {"type": "string"}
_MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}


def _object(required: list[str] | None = None, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required if required is not None else list(properties),
    }


_MAYBE_TEXT: Final[Schema] = {"type": ["string", "null"]}
_MAYBE_MOMENT: Final[Schema] = {"type": ["string", "null"], "format": "date-time"}
_REASON: Final[Schema] = {**_TEXT, "minLength": REASON_AT_LEAST, "maxLength": REASON_LENGTH}
_PURPOSE: Final[Schema] = {"incident": {**_TEXT, "description": "The number of an active incident"}, "reason": _REASON}
PURPOSE_BODY: Final[Any] = json_body({**_object([], **_PURPOSE), "additionalProperties": False})
_SPEED: Final[Schema] = {"type": "number", "minimum": -1, "maximum": 1}
PTZ_BODY: Final[Any] = json_body(
    {**_object(
        [], pan=_SPEED, tilt=_SPEED, zoom=_SPEED, seconds={"type": "integer", "minimum": 1, "maximum": 5},
        stop={"type": "boolean"}, **_PURPOSE,
    ), "additionalProperties": False}
)  # fmt: skip
VIEW: Final = _object(
    view={**_TEXT, "format": "uuid"}, camera={"type": "integer"}, hls=_TEXT, snapshot=_TEXT, expires_at=_MOMENT
)
ALIVE: Final = _object(state={**_TEXT, "enum": list(STATES)}, since=_MOMENT, seconds={"type": "number"})
BEGIN_ANSWERS: Final[Any] = {201: VIEW, 409: PROBLEM, 503: PROBLEM}
PTZ_ANSWERS: Final[Any] = {
    202: _object(["camera"], camera={"type": "integer"}), 409: PROBLEM, 502: PROBLEM, 503: PROBLEM,
}  # fmt: skip
VIEW_ROW: Final = _object(
    view=_TEXT, camera=_object(id={"type": "integer"}, name=_TEXT), user=_TEXT, address=_MAYBE_TEXT, incident=_MAYBE_TEXT,
    reason=_MAYBE_TEXT, begun_at=_MOMENT, first_picture_at=_MAYBE_MOMENT, ended_at=_MAYBE_MOMENT, ended_by=_MAYBE_TEXT,
    seconds={"type": "number"},
)  # fmt: skip
VIEW_PAGE: Final = _object(views={"type": "array", "items": VIEW_ROW}, cursor=_MAYBE_TEXT, more={"type": "boolean"})
VIEW_FILTERS: Final = [
    OpenApiParameter("camera", OpenApiTypes.INT64, description="A camera's id"),
    OpenApiParameter("user", OpenApiTypes.STR, description="A user name"),
    OpenApiParameter("incident", OpenApiTypes.STR, description="An incident's number"),
    OpenApiParameter("since", OpenApiTypes.DATETIME, description="Still going on at or after"),
    OpenApiParameter("until", OpenApiTypes.DATETIME, description="Begun before"),
    OpenApiParameter("cursor", OpenApiTypes.INT, description="From the page before"),
    OpenApiParameter("page_size", OpenApiTypes.INT, description="1 to 1,000"),
]
