"""Our own events (`POST /api/v1/events`) as JSON: one a line, or one array. What a recording of ours looks like."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from linkage.feeds.base import EventDocument, Feed, Link, NotADocument, NotUsable, Record, Reporter

REQUIRED = ("id", "code", "occurred_at", "lat", "lon")


class EventsJson(Feed):
    """Reads arrays and lines of events."""

    name = "events_json"
    unit = "line"
    reporter = Reporter("feed", "시연용 연계", "Demo feed")
    home = None

    def recognises(self, document: bytes) -> bool:
        """An array, or a first line that is an object with a code."""
        start = document.lstrip()
        return start[:1] == b"[" or (start[:1] == b"{" and b'"code"' in start.partition(b"\n")[0])

    def records(self, document: bytes) -> Iterator[Record]:
        """The events; of an array, the position counts its items. Raises NotADocument."""
        if document.lstrip()[:1] == b"[":
            try:
                yield from (Record(position, raw) for position, raw in enumerate(json.loads(document), 1))
            except ValueError as error:
                raise NotADocument(f"No JSON: {error}") from error
            return
        for position, line in enumerate(document.splitlines(), 1):
            if line.strip():
                yield Record(position, line)

    def normalise(self, raw: Any, link: Link | None = None) -> EventDocument:
        """The event as it is; only what replaying needs is checked here, the rest at the door."""
        try:
            event = json.loads(raw) if isinstance(raw, bytes) else raw
        except ValueError as error:
            raise NotUsable(f"cut off or no JSON: {error}") from None
        if not isinstance(event, dict) or any(name not in event for name in REQUIRED):
            raise NotUsable(f"an event needs {', '.join(REQUIRED)}")
        try:
            aware = datetime.fromisoformat(event["occurred_at"]).tzinfo is not None
        except (TypeError, ValueError):
            aware = False
        if not aware:
            raise NotUsable(f"occurred_at is {event['occurred_at']!r}, not ISO 8601 with an offset")
        return event  # type: ignore[return-value]
