"""Which sources make the alarm load bad: chattering, stale and the ten worst (ISA-18.2), from the events and incidents.

A source is a device of a linked system reporting one code; a system that names no device is one source a code.
Each list is read through an index over the time asked about, so it costs what happened then and no more.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final, TypedDict

from django.db import connection
from django.utils import timezone

from incidents.codes import CODES
from incidents.payloads import Names
from incidents.states import ACTIVE
from linkage.models import LinkedSystem

WORST: Final = 10
LISTED_AT_MOST: Final = 50


class Source(TypedDict):
    """A source by what it is, with the newest incident it went into and how often it reported."""

    system: str
    system_name: Names
    device_id: str
    code: str
    title: Names
    grade: str
    events: int
    last_at: str
    incident: str | None


class Chattering(Source):
    """A source that reported at least so often within so few minutes; `fastest_s` is the shortest span of that many."""

    fastest_s: float


class BadActor(Source):
    """One of the ten worst sources and its share of all events."""

    share: float


class Stale(TypedDict):
    """An incident nothing has happened to for long."""

    incident: str
    title: Names
    grade: str
    status: str
    place: str
    holder: str | None
    unchanged_since: str


def _rows(sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def _systems(municipality_ids: Collection[int]) -> dict[int, LinkedSystem]:
    return {one.pk: one for one in LinkedSystem.objects.filter(municipality_id__in=municipality_ids)}


# The nth report before this one, by the same source: how long ago it was says how fast it chatters. Systems are
# named, since the index that finds recent events is (system, received_at).
_CHATTERING: Final = """
SELECT system_id, device_id, code, max(grade), count(*), max(received_at),
       (array_agg(incident_id ORDER BY id DESC) FILTER (WHERE incident_id IS NOT NULL))[1],
       min(extract(epoch FROM received_at - earlier))::float8
FROM (SELECT id, system_id, device_id, code, grade, received_at, incident_id,
             lag(received_at, %s) OVER (PARTITION BY system_id, device_id, code ORDER BY received_at, id) AS earlier
      FROM incidents_event
      WHERE system_id = ANY(%s) AND received_at > %s AND action = 'report') AS said
GROUP BY system_id, device_id, code
HAVING min(received_at - earlier) <= %s
ORDER BY count(*) DESC, max(received_at) DESC LIMIT %s
"""


def chattering(municipality_ids: Collection[int], *, times: int, minutes: int, hours: int) -> list[Chattering]:
    """The sources that reported at least `times` within `minutes`, at any time in the last `hours`; the busiest first."""
    systems = _systems(municipality_ids)
    since, span = timezone.now() - timedelta(hours=hours), timedelta(minutes=minutes)
    rows = _rows(_CHATTERING, [times - 1, list(systems), since, span, LISTED_AT_MOST])
    numbers = _numbers(row[6] for row in rows)
    return [{**_source(systems, numbers, row), "fastest_s": round(row[7], 1)} for row in rows]


_WORST: Final = """
SELECT system_id, device_id, code, max(grade), count(*), max(received_at),
       (array_agg(incident_id ORDER BY id DESC) FILTER (WHERE incident_id IS NOT NULL))[1], sum(count(*)) OVER ()
FROM incidents_event WHERE system_id = ANY(%s) AND received_at > %s AND action = 'report'
GROUP BY system_id, device_id, code ORDER BY count(*) DESC, max(received_at) DESC LIMIT %s
"""


def bad_actors(municipality_ids: Collection[int], *, hours: int) -> list[BadActor]:
    """The ten sources that reported most in the last `hours`, each with its share of all reports."""
    systems = _systems(municipality_ids)
    rows = _rows(_WORST, [list(systems), timezone.now() - timedelta(hours=hours), WORST])
    numbers = _numbers(row[6] for row in rows)
    return [{**_source(systems, numbers, row), "share": round(row[4] / float(row[7]), 4)} for row in rows]


# An incident's version is the number of its newest ledger row: what happened last, and when.
_STALE: Final = """
SELECT i.number, i.code, i.grade, i.status, i.place, coalesce(nullif(u.display_name, ''), u.username), c.at
FROM incidents_incident i
JOIN incidents_change c ON c.municipality_id = i.municipality_id AND c.seq = i.version
LEFT JOIN accounts_user u ON u.id = i.holder_id
WHERE i.municipality_id = ANY(%s) AND i.status = ANY(%s) AND c.at < %s
ORDER BY i.grade, c.at LIMIT %s
"""


def stale(municipality_ids: Collection[int], *, hours: int) -> list[Stale]:
    """The open incidents nothing has happened to for `hours`; the gravest first."""
    before = timezone.now() - timedelta(hours=hours)
    rows = _rows(_STALE, [sorted(municipality_ids), sorted(ACTIVE), before, LISTED_AT_MOST])
    return [
        {"incident": number, "title": CODES[code].name, "grade": grade, "status": status, "place": place,
         "holder": holder, "unchanged_since": at.isoformat()}
        for number, code, grade, status, place, holder, at in rows
    ]  # fmt: skip


def _numbers(ids: Any) -> dict[int, str]:
    found = [pk for pk in ids if pk is not None]
    return dict(_rows("SELECT id, number FROM incidents_incident WHERE id = ANY(%s)", [found])) if found else {}


def _source(systems: dict[int, LinkedSystem], numbers: dict[int, str], row: tuple[Any, ...]) -> Source:
    system, device_id, code, grade, events, last_at, incident = row[:7]
    return {
        "system": systems[system].slug, "system_name": systems[system].name, "device_id": device_id, "code": code,
        "title": CODES[code].name, "grade": grade, "events": events, "last_at": last_at.isoformat(),
        "incident": numbers.get(incident) if incident else None,
    }  # fmt: skip
