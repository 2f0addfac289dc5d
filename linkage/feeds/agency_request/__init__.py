"""An agency's own case, in the common envelope of the linked services (docs/feeds/agency_request.md).

112, 119, the justice centre, a carrier, the disaster room, a security company or a ministry opens (NEW),
changes (UPDATE), withdraws (CANCEL) or ends (CLOSE) a case at the centre, and may ask for video with it.
`msg_id` is the message's identity, `source_event_no` the case's: messages of one case are one subject.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from linkage.feeds.agency_request.fields import GRADES, MESSAGE_TYPES, problems
from linkage.feeds.base import EventDocument, Feed, Link, NotADocument, NotUsable, Record, Reporter

ACTIONS: Final[dict[str, str]] = {"NEW": "report", "UPDATE": "report", "CANCEL": "cancel", "CLOSE": "end"}

# These become the event itself; the rest of the envelope is kept in its attributes under its own names.
_EVENT_FIELDS: Final = frozenset(
    {"msg_id", "source_event_no", "event_code", "grade", "occurred_at", "lat", "lon", "summary", "address_road"}
)


class AgencyRequest(Feed):
    """Reads envelopes: one object, or an array of them."""

    name = "agency_request"
    title = {"ko": "기관 요청(공통 전문)", "en": "Agency request (common envelope)"}
    reporter = Reporter("police112", "112 종합상황실", "Police 112")

    def recognises(self, document: bytes) -> bool:
        """JSON that speaks of a message type and of a case's number near its start."""
        start = document.lstrip()[:4000]
        return start[:1] in (b"{", b"[") and b'"msg_type"' in start and b'"source_event_no"' in start

    def records(self, document: bytes) -> Iterator[Record]:
        """The envelopes in order. Raises NotADocument."""
        try:
            found = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise NotADocument(f"not JSON in UTF-8: {error}") from error
        if not isinstance(found, dict | list):
            raise NotADocument("an envelope (object) or an array of envelopes is needed")
        for position, raw in enumerate(found if isinstance(found, list) else [found], 1):
            yield Record(position, raw)

    def normalise(self, raw: Any, link: Link | None = None) -> EventDocument:
        """The envelope as an event. Raises NotUsable naming every wrong field with its remedy."""
        if not isinstance(raw, dict):
            raise NotUsable("an envelope is an object")
        if found := list(problems(raw)):
            raise NotUsable("; ".join(found))
        event: EventDocument = {
            "id": raw["msg_id"].strip(),
            "subject": raw["source_event_no"].strip(),
            "action": ACTIONS[raw["msg_type"]],  # type: ignore[typeddict-item]
            "code": raw["event_code"],
            "occurred_at": raw["occurred_at"],
            "lat": raw.get("lat"),
            "lon": raw.get("lon"),
            "summary": raw.get("summary") or "",
            "address": raw.get("address_road") or raw.get("address_jibun") or "",
            "attributes": {
                name: value for name, value in raw.items() if name not in _EVENT_FIELDS and value is not None
            },
        }
        if grade := raw.get("grade") or _grade_112(raw.get("code_112")):
            event["grade"] = grade
        if area := raw.get("area_polygon"):
            event["area"] = area
        return event


def _grade_112(code: int | None) -> str | None:
    """112's own code 0 to 4 is our G1 to G5 (DOMAIN.md §3)."""
    return None if code is None else GRADES[code]


__all__ = ["ACTIONS", "MESSAGE_TYPES", "AgencyRequest"]
