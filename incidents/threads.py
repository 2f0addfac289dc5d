"""Threads: the messages of one source about one subject, and what a later one does to the incident.

A source may speak more than once of one thing: CAP updates and cancels, a weather warning that is extended
and lifted, an agency that closes its case. Its messages carry a `subject`, or `refers_to` earlier ids; the
first opens or joins an incident as any event does, the later ones change or end that incident.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final, NamedTuple

from django.db import connection
from django.utils import timezone

from incidents import offers, shelf
from incidents.codes import ACK_TARGET, CODES
from incidents.models import Event, Incident
from incidents.opening import position_of
from incidents.reports import Report
from incidents.states import ACTIVE, JOINABLE, MOVES, UNACKNOWLEDGED, Status

ENDED_REASON: Final = "ended"

# (system id, subject or id)
Key = tuple[int, str]


@dataclass(frozen=True)
class Thread:
    """What is known of a subject. `opened`: its first message opened the incident; `alone`: nobody else's events
    are in it; `others_over`: whoever else reported into it has said that it is over."""

    subject: str
    incident_id: int | None
    number: str
    status: str
    grade: str
    reported_at: datetime | None
    ended_at: datetime | None
    has_expired: bool
    opened: bool
    alone: bool
    others_over: bool

    def is_older(self, report: Report) -> bool:
        """Whether the report comes late: the thread has been told newer things."""
        times = [one for one in (self.reported_at, self.ended_at) if one]
        return bool(times) and report.occurred_at < max(times)

    @property
    def is_over(self) -> bool:
        """Whether the source itself has ended it and said nothing newer, or its time had run out."""
        if self.has_expired:
            return True
        return self.ended_at is not None and (self.reported_at is None or self.ended_at >= self.reported_at)


class Place(Enum):
    """What becomes of a message: it opens or joins an incident like any event, it acts on its thread's incident,
    or it is kept without any effect."""

    PLAIN = "plain"
    FOLLOWS = "follows"
    QUIET = "quiet"


def place(report: Report, thread: Thread | None) -> Place:
    """Where a message goes. What an operator has settled is not opened again by a mere update, only by a raise;
    the end of something never heard of, and what had been ended before it was heard of, are kept quietly."""
    if report.action != Event.Action.REPORT:
        return Place.FOLLOWS if thread and thread.status in ACTIVE else Place.QUIET
    if thread is None:
        return Place.PLAIN
    if thread.status in JOINABLE:
        return Place.FOLLOWS
    if thread.is_older(report):
        return Place.QUIET
    if thread.incident_id is None or thread.is_over or report.grade < thread.grade:
        return Place.PLAIN
    return Place.QUIET


# The newest message that goes by a key says which subject the key belongs to.
_SUBJECTS: Final = """
SELECT k.system_id, k.key, hit.subject
FROM unnest(%s::bigint[], %s::text[]) AS k(system_id, key), LATERAL (
    SELECT id, coalesce(nullif(subject, ''), source_id) AS subject FROM incidents_event
    WHERE system_id = k.system_id AND source_id = k.key
    UNION ALL
    (SELECT id, subject FROM incidents_event
     WHERE system_id = k.system_id AND subject = k.key AND subject <> '' ORDER BY id DESC LIMIT 1)
    ORDER BY id DESC LIMIT 1) AS hit
"""

# Everything but `whole` costs the same for a thread's thousandth message as for its second: a feed may speak of one
# thing every few seconds for days. The outermost entries of an index tell whether an incident holds anybody else's
# events; only then are all of them read. `named` is a first message without a subject, whose id later ones refer to.
_THREADS: Final = """
WITH asked AS (SELECT DISTINCT * FROM unnest(%s::bigint[], %s::text[]) AS a(system_id, subject)),
threads AS (
    SELECT a.system_id, a.subject, newest.incident_id,
           greatest(said.reported_at, CASE WHEN named.action = 'report' THEN named.occurred_at END) AS reported_at,
           greatest(said.cancelled_at, said.over_at, CASE WHEN named.action <> 'report' THEN named.occurred_at END) AS ended_at
    FROM asked a
    LEFT JOIN incidents_event named ON named.system_id = a.system_id AND named.source_id = a.subject AND named.subject = ''
    CROSS JOIN LATERAL (SELECT
        (SELECT max(occurred_at) FROM incidents_event WHERE system_id = a.system_id AND subject = a.subject AND subject <> '' AND action = 'report') AS reported_at,
        (SELECT max(occurred_at) FROM incidents_event WHERE system_id = a.system_id AND subject = a.subject AND subject <> '' AND action = 'cancel') AS cancelled_at,
        (SELECT max(occurred_at) FROM incidents_event WHERE system_id = a.system_id AND subject = a.subject AND subject <> '' AND action = 'end') AS over_at) AS said
    LEFT JOIN LATERAL (
        (SELECT id, incident_id FROM incidents_event
         WHERE system_id = a.system_id AND subject = a.subject AND subject <> '' AND incident_id IS NOT NULL ORDER BY id DESC LIMIT 1)
        UNION ALL SELECT named.id, named.incident_id WHERE named.incident_id IS NOT NULL
        ORDER BY id DESC LIMIT 1) AS newest ON true)
SELECT t.system_id, t.subject, t.incident_id, coalesce(i.number, ''), coalesce(i.status, ''), coalesce(i.grade, ''), t.reported_at, t.ended_at,
       coalesce(i.expires_at <= now(), false), coalesce(whole.opened, true), beside.alone, coalesce(whole.others_over, true)
FROM threads t
LEFT JOIN incidents_incident i ON i.id = t.incident_id
CROSS JOIN LATERAL (SELECT NOT EXISTS (SELECT FROM (
    (SELECT system_id, coalesce(nullif(subject, ''), source_id) AS name FROM incidents_event WHERE incident_id = t.incident_id
     ORDER BY system_id, coalesce(nullif(subject, ''), source_id) LIMIT 1)
    UNION ALL
    (SELECT system_id, coalesce(nullif(subject, ''), source_id) FROM incidents_event WHERE incident_id = t.incident_id
     ORDER BY system_id DESC, coalesce(nullif(subject, ''), source_id) DESC LIMIT 1)) AS outermost
    WHERE (system_id, name) <> (t.system_id, t.subject)) AS alone) AS beside
CROSS JOIN LATERAL (
    SELECT bool_and(ours) FILTER (WHERE first) AS opened,
           bool_and(action <> 'report') FILTER (WHERE newest AND NOT ours) AS others_over
    FROM (SELECT e.action,
                 e.system_id = t.system_id AND coalesce(nullif(e.subject, ''), e.source_id) = t.subject AS ours,
                 row_number() OVER (PARTITION BY e.system_id, coalesce(nullif(e.subject, ''), e.source_id)
                                    ORDER BY e.id DESC) = 1 AS newest,
                 row_number() OVER (ORDER BY e.id) = 1 AS first
          FROM incidents_event e WHERE e.incident_id = t.incident_id AND NOT beside.alone) AS events) AS whole
"""


def keys_of(system_id: int, report: Report) -> list[Key]:
    """What the report's thread may be known by; empty for a plain event, which stands alone."""
    if not report.subject and not report.refers_to:
        return []
    names = dict.fromkeys((report.subject or report.source_id, *reversed(report.refers_to)))
    return [(system_id, name) for name in names]


def name_of(report: Report) -> str:
    """The subject of a thread that begins with this report: what it refers to may still be on its way."""
    return report.subject or next(iter(report.refers_to), "")


def find(keys: Iterable[Key]) -> dict[Key, Thread]:
    """The threads the keys belong to; a key nobody has used is missing. Two queries, whatever the number."""
    asked = list(dict.fromkeys(keys))
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_SUBJECTS, _columns(asked))
        subjects = {(system, key): (system, subject) for system, key, subject in cursor.fetchall()}
        cursor.execute(_THREADS, _columns(subjects.values()))
        threads = {(row[0], row[1]): Thread(*row[1:]) for row in cursor.fetchall()}
    return {key: threads[subject] for key, subject in subjects.items()}


def _columns(pairs: Iterable[Key]) -> list[list[Any]]:
    listed = list(pairs)
    return [[system for system, _ in listed], [name for _, name in listed]]


def waves(keys: Sequence[Collection[Key]]) -> list[list[int]]:
    """Places of a batch in rounds, so that no round holds two messages of one thread and their order stays."""
    rounds: list[list[int]] = []
    last: dict[Key, int] = {}
    for place, own in enumerate(keys):
        turn = max((last[key] + 1 for key in own if key in last), default=0)
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(place)
        last.update(dict.fromkeys(own, turn))
    return rounds


class Change(NamedTuple):
    """What a message did to its incident: the ledger's kind, and the fields that changed, from and to."""

    kind: str
    fields: dict[str, dict[str, Any]]


def follow(incident: Incident, thread: Thread, report: Report) -> Change:
    """Lets the incident follow a later report of its subject; not saved. A report that comes late changes nothing.

    Who opened the incident may describe it anew. A grade is raised by anybody and lowered only where
    nobody else has reported into it; a raise wants to be acknowledged again.
    """
    incident.event_count += 1
    incident.last_event_at = max(incident.last_event_at, report.occurred_at)
    if thread.is_older(report):
        return Change("incident.joined", {})
    before = {name: getattr(incident, name) for name in _FOLLOWED}
    raised = report.grade < incident.grade
    if raised or thread.alone:
        incident.grade = report.grade
    if thread.opened:
        _describe(incident, report)
    fields = {name: {"from": _plain(before[name]), "to": _plain(getattr(incident, name))}
              for name in _FOLLOWED if getattr(incident, name) != before[name]}  # fmt: skip
    if raised and incident.status in MOVES["raise"].sources:
        _ask_again(incident)
        return Change(MOVES["raise"].kind, fields)
    if raised:
        _hurry(incident)
    return Change("incident.updated", fields)


_FOLLOWED: Final = ("code", "grade", "summary", "address", "lat", "lon", "area", "expires_at")


def _describe(incident: Incident, report: Report) -> None:
    incident.code, incident.family = report.code, CODES[report.code].family
    incident.summary = report.summary or incident.summary
    incident.address = report.address or incident.address
    lat, lon = position_of(report)
    if lat is not None:
        incident.lat, incident.lon = lat, lon
    incident.area = report.area or incident.area
    incident.expires_at = report.expires_at or incident.expires_at


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _ask_again(incident: Incident) -> None:
    incident.status, incident.status_at = MOVES["raise"].target, timezone.now()
    incident.acknowledged_at = None
    shelf.ask_anew(incident)


def _hurry(incident: Incident) -> None:
    """What nobody has acknowledged yet and has become more urgent wants it as soon as its new grade does."""
    target = ACK_TARGET.get(incident.grade)
    if incident.status in UNACKNOWLEDGED and target:
        incident.ack_due_at = min(incident.ack_due_at or datetime.max.replace(tzinfo=UTC), timezone.now() + target)


def ending(incident: Incident, action: str, *, at_work: bool) -> str:
    """The move the source's word leads to: "cancel" or "end", or "" where it is over already.

    What is over and was taken up by nobody (`at_work`: an agency is) leaves the queue by itself; otherwise
    somebody is to close it.
    """
    untouched = incident.status in UNACKNOWLEDGED and not at_work
    move = "cancel" if action == Event.Action.CANCEL or untouched else "end"
    return move if incident.status in MOVES[move].sources and incident.status != Status.RESOLVED else ""


def end(incident: Incident, move: str, report_action: str) -> Mapping[str, Any]:
    """Applies `ending`'s move; not saved. Returns what the ledger says of it."""
    before, now = incident.status, timezone.now()
    incident.status, incident.status_at = MOVES[move].target, now
    shelf.take_back(incident)
    shelf.calm(incident)
    if move == "cancel":
        offers.clear(incident)
        incident.closed_at = now
        incident.reason = ENDED_REASON if report_action == Event.Action.END else incident.reason
    return {"from": before, "to": incident.status, "because": report_action}
