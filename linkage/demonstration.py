"""A test event of a feed, through the intake's own door: does what this feed reports reach the screen?

It must never be taken for an emergency nor reach an agency (invariant I10): its code is the system's own
(`SYS-02`), which no rule relays; its summary and attributes say that it is a test; it has no place, so that it
joins no incident and none joins it; and it leaves the queue by itself.
The intake lies above linkage, and registers itself here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from linkage.feeds.base import EventDocument
from linkage.models import LinkedSystem

TEST_CODE: Final = "SYS-02"
SHOWN_FOR: Final = timedelta(minutes=10)

# Takes one event of a feed in and returns the number of its incident; raises ValueError with the reason.
Door = Callable[[LinkedSystem, Any], str]
_doors: list[Door] = []


class NoDoor(RuntimeError):
    """Nothing has registered that could take the event in."""


def register_door(door: Door) -> None:
    """Says who takes a test event in."""
    _doors[:] = [door]


def test_event(system: LinkedSystem, *, by: str, now: datetime) -> EventDocument:
    """A new test event of this feed, over after ten minutes."""
    return {
        "id": f"ocenter-test-{uuid.uuid4()}",
        "code": TEST_CODE,
        "grade": "G4",
        "occurred_at": now.isoformat(),
        "expires_at": (now + SHOWN_FOR).isoformat(),
        "lat": None,
        "lon": None,
        "summary": f"[시험 TEST] {system.name_ko} / {system.name_en}: 연계 시험 이벤트 – 출동·전달 금지, no action",
        "attributes": {"test": True, "sent_by": by},
    }


def send(system: LinkedSystem, *, by: str, now: datetime) -> str:
    """Takes a test event in as if the feed had sent it; returns its incident's number. Each call sends another.

    Raises NoDoor, or ValueError with the intake's reason.
    """
    if not _doors:
        raise NoDoor("no intake is loaded in this process")
    return _doors[0](system, test_event(system, by=by, now=now))
