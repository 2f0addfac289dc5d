"""A recorded feed as a file: its usable events in the order of their time, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from linkage.feeds import recognise
from linkage.feeds.base import EventDocument, Feed, NotUsable


class Recorded(NamedTuple):
    """One event, when it happened, and where in the file it stands."""

    at: datetime
    position: int
    event: EventDocument


class BadRow(NamedTuple):
    """One record that is no event."""

    position: int
    why: str


@dataclass(frozen=True)
class Recording:
    """A whole file."""

    feed: Feed
    events: list[Recorded]
    bad: list[BadRow]

    @property
    def duration(self) -> timedelta:
        """From the first event to the last."""
        return self.events[-1].at - self.events[0].at if self.events else timedelta()

    @property
    def positions(self) -> Iterator[tuple[float, float]]:
        """Latitude and longitude of every event that has them."""
        for one in self.events:
            if one.event["lat"] is not None and one.event["lon"] is not None:
                yield one.event["lat"], one.event["lon"]


def read_recording(path: Path) -> Recording:
    """Reads the file whole. Raises OSError, and NotADocument where its format is unknown or it is broken."""
    document = path.read_bytes()
    feed = recognise(document)
    events, bad = [], []
    for position, raw in feed.records(document):
        try:
            event = feed.normalise(raw)
        except NotUsable as error:
            bad.append(BadRow(position, str(error)))
        else:
            events.append(Recorded(datetime.fromisoformat(event["occurred_at"]), position, event))
    events.sort(key=lambda one: (one.at, one.position))
    return Recording(feed, events, bad)
