"""How the wires are: which feeds are heard, and whether the sweeper is at work."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from linkage.models import Heartbeat, LinkedSystem
from linkage.sweeper import HEARTBEAT_NAME

# A feed's contact is written at most this often by one process: it is one hot row.
CONTACT_EVERY_SECONDS: Final = 5.0

_noted: dict[int, float] = {}


def sweeper_seen_at() -> datetime | None:
    """When the sweeper last wrote its heartbeat (every second while it leads), or None if never."""
    return Heartbeat.objects.filter(name=HEARTBEAT_NAME).values_list("at", flat=True).first()


def feed_contact(system_ids: Iterable[int]) -> None:
    """Notes that these feeds were heard just now."""
    clock = time.monotonic()
    due = [one for one in system_ids if clock - _noted.get(one, -CONTACT_EVERY_SECONDS) >= CONTACT_EVERY_SECONDS]
    if due:
        LinkedSystem.objects.filter(pk__in=due).update(last_contact_at=timezone.now())
        _noted.update(dict.fromkeys(due, clock))


def feed_states(municipality_ids: Iterable[int]) -> list[dict[str, Any]]:
    """Each enabled feed: slug, name, state "ok", "late" (silent beyond its limit) or "never", last contact."""
    feeds = LinkedSystem.objects.filter(
        municipality_id__in=list(municipality_ids), kind=LinkedSystem.Kind.FEED, enabled=True
    )
    return [
        {
            "slug": one.slug,
            "name": one.name,
            "state": _state(one),
            "last_contact_at": one.last_contact_at.isoformat() if one.last_contact_at else None,
        }
        for one in feeds
    ]


def _state(feed: LinkedSystem) -> str:
    if feed.last_contact_at is None:
        return "never"
    late = timezone.now() - feed.last_contact_at > timedelta(seconds=feed.quiet_limit_s)
    return "late" if late else "ok"
