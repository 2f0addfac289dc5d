"""How the wires are: what is heard on them, how each link stands, and whether our own processes are at work."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypedDict

from django.db.models import F
from django.utils import timezone

from linkage.models import Heartbeat, LinkedSystem
from linkage.standing import Names, Standing, standings, watched_systems
from linkage.sweeper import HEARTBEAT_NAME

# A feed's contact is written at most this often by one process: it is one hot row.
CONTACT_EVERY_SECONDS: Final = 5.0
# But an event whose delay differs by more than this from what is written, by whichever process, is news, and written at once.
DELAY_NEWS_SECONDS: Final = 30.0
COLLECTOR: Final = "collector"
WORKER: Final = "worker"


class LinkState(TypedDict):
    """One link as the operator's page gets it with every tick. `reason` is null where all is well."""

    slug: str
    name: Names
    kind: str
    state: str
    since: str | None
    reason: Names | None
    last_contact_at: str | None


@dataclass
class Heard:
    """New events of one feed: how many, and the age in seconds of the newest of them when it arrived."""

    events: int = 0
    delay_s: float | None = None

    def add(self, other: Heard) -> None:
        """Takes later news in."""
        self.events += other.events
        self.delay_s = other.delay_s if other.delay_s is not None else self.delay_s


@dataclass
class _Noted:
    """When this process last wrote one feed's contact, and what it has still to write."""

    at: float
    pending: Heard


_noted: dict[int, _Noted] = {}


def seen_at(name: str) -> datetime | None:
    """When the process of that name last wrote its heartbeat, or None if never."""
    return Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()


def sweeper_seen_at() -> datetime | None:
    """When the sweeper last wrote its heartbeat (every second while it leads), or None if never."""
    return seen_at(HEARTBEAT_NAME)


def heartbeat(name: str) -> None:
    """Writes that the process of that name is at work."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": timezone.now()})


def feed_contact(system_ids: Iterable[int], heard: Mapping[int, Heard] | None = None) -> None:
    """Notes that these feeds were heard just now, and what new events they brought.

    Written at most every `CONTACT_EVERY_SECONDS` for each feed, except where a delay is news.
    """
    clock, heard = time.monotonic(), heard or {}
    for system_id in {*system_ids, *heard}:
        noted = _noted.setdefault(system_id, _Noted(clock - CONTACT_EVERY_SECONDS, Heard()))
        new = heard.get(system_id, Heard())
        noted.pending.add(new)
        if clock - noted.at >= CONTACT_EVERY_SECONDS:
            _write_contact(system_id, noted.pending)
            _noted[system_id] = _Noted(clock, Heard())
        elif new.delay_s is not None:
            _write_delay_if_news(system_id, new.delay_s)


def _write_delay_if_news(system_id: int, delay_s: float) -> None:
    """The row itself is asked: what this process remembers of it may long be another's."""
    usual = (delay_s - DELAY_NEWS_SECONDS, delay_s + DELAY_NEWS_SECONDS)
    of_news = LinkedSystem.objects.filter(pk=system_id).exclude(last_delay_s__range=usual)
    of_news.update(last_event_at=timezone.now(), last_delay_s=delay_s)


def _write_contact(system_id: int, heard: Heard) -> None:
    now = timezone.now()
    changes: dict[str, Any] = {"last_contact_at": now}
    if heard.events:
        changes |= {"events_total": F("events_total") + heard.events, "last_event_at": now, "last_delay_s": heard.delay_s}
    LinkedSystem.objects.filter(pk=system_id).update(**changes)


def link_states(municipality_ids: Collection[int]) -> list[LinkState]:
    """Each feed and agency in use of these municipalities, as the operator's header shows them; costs three queries."""
    kinds = [LinkedSystem.Kind.FEED, LinkedSystem.Kind.AGENCY]
    systems = list(watched_systems().filter(municipality_id__in=list(municipality_ids), kind__in=kinds, enabled=True))
    found = standings(systems)
    return [link_state(one, found[one.pk]) for one in systems]


def for_machines(states: Iterable[LinkState]) -> list[LinkState]:
    """What a machine need know of them: how fresh the feeds are, not what is wrong with whom."""
    return [{**one, "reason": None} for one in states if one["kind"] == LinkedSystem.Kind.FEED]


def link_state(system: LinkedSystem, standing: Standing) -> LinkState:
    """The link as the operator's page gets it."""
    return {
        "slug": system.slug,
        "name": system.name,
        "kind": system.kind,
        "state": standing.state,
        "since": iso(standing.since),
        "reason": standing.reason or None,
        "last_contact_at": iso(system.last_contact_at),
    }


def iso(at: datetime | None) -> str | None:
    """The time as payloads carry it."""
    return at.isoformat() if at else None
