"""Documents of any format: read, taken in like everybody's events, and kept in quarantine where not understood.

`POST /api/v1/feeds/{format}`, the collector's polls, MQTT and the quarantine's re-run all end here; what
comes out of a format goes the way of `POST /api/v1/events`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from incidents.intake import Arrival, Receipt, events_receive, in_waves
from incidents.intake_queue import IntakeQueue
from incidents.reports import NotUnderstood, Report, understand
from linkage import quarantine
from linkage.feeds import FEEDS
from linkage.feeds.base import Feed, Link, NotADocument, NotUsable
from linkage.health import feed_contact
from linkage.models import LinkedSystem, Quarantined
from linkage.quarantine import Misunderstood, Outcome

EVENTS_FORMAT: Final = "events"  # what POST /api/v1/events takes: no format of its own
RECORDS_AT_MOST: Final = 20_000
AT_ONCE: Final = 1_000  # events handed to the intake together


class Reading(NamedTuple):
    """One record: what was understood, or why not."""

    raw: Any
    source_id: str | None
    report: Report | None
    errors: list[Any]


def link_of(system: LinkedSystem, now: datetime | None = None) -> Link:
    """The linked system as its format sees it."""
    return Link(
        system.endpoint, now or timezone.now(), system.secret, system.options, system.mapping, system.state
    )


def read_event(raw: Any, now: datetime) -> Reading:
    """One event of the public contract."""
    source_id = raw.get("id") if isinstance(raw, dict) else None
    source_id = str(source_id) if isinstance(source_id, str | int) else None
    try:
        report = understand(raw, now)
    except NotUnderstood as error:
        return Reading(raw, source_id, None, error.errors)
    return Reading(raw, report.source_id, report, [])


def read_record(feed: Feed, raw: Any, link: Link) -> Reading:
    """One record of a format."""
    try:
        reading = read_event(feed.normalise(raw, link), link.now)
    except NotUsable as error:
        return Reading(raw, None, None, [{"field": "", "message": str(error)}])
    return reading._replace(raw=raw)


def read_document(feed: Feed, document: bytes, link: Link) -> list[Reading]:
    """All records of a document. Raises NotADocument."""
    readings = []
    for position, record in enumerate(feed.split(document, link), 1):
        if position > RECORDS_AT_MOST:
            raise NotADocument(_("More than %d records; send smaller documents.") % RECORDS_AT_MOST)
        readings.append(read_record(feed, record.raw, link))
    return readings


async def document_take(
    queue: IntakeQueue, *, system: LinkedSystem, format_name: str, document: bytes, content_type: str = ""
) -> dict[str, Any]:
    """Takes a document in and answers as `POST events` does, once everything is in PostgreSQL.

    Safe to repeat. Raises NotADocument where the document is broken as a whole (it is in quarantine then),
    Overloaded, NotStored or a database error where nothing may have been stored and it should be sent again.
    """
    feed, link = FEEDS[format_name], link_of(system)
    try:
        # Reading is the CPU's work: a big document must not hold up the loop, and with it other sources.
        readings = await asyncio.to_thread(read_document, feed, document, link)
    except NotADocument as error:
        broken = Misunderstood(document, [{"field": "", "message": str(error)}], True, content_type)
        await sync_to_async(quarantine.keep)(system=system, format_name=format_name, found=[broken])
        raise
    answer = await readings_take(queue, system=system, format_name=format_name, readings=readings)
    if feed.is_snapshot and not answer["rejected"]:
        answer |= await _compare(queue, system, readings, link.now)
    return answer


async def readings_take(
    queue: IntakeQueue, *, system: LinkedSystem, format_name: str, readings: Sequence[Reading]
) -> dict[str, Any]:
    """Takes in what was understood and keeps the rest in quarantine; see `document_take`."""
    arrivals = [Arrival(system, one.report) for one in readings if one.report]
    receipts: list[Receipt | None] = []
    for start in range(0, len(arrivals), AT_ONCE):
        receipts += await queue.submit(arrivals[start : start + AT_ONCE])
    if not arrivals:
        await sync_to_async(feed_contact)([system.pk])
    answered = _answers(readings, receipts)
    refused = [Misunderstood(one.raw, said["errors"]) for one, said in answered if said["status"] == "rejected"]
    if refused:
        await sync_to_async(quarantine.keep)(system=system, format_name=format_name, found=refused)
    results = [said for _, said in answered]
    return {**{name: sum(one["status"] == status for one in results) for name, status in _COUNTED}, "results": results}


_COUNTED: Final = (("accepted", "accepted"), ("duplicates", "duplicate"), ("rejected", "rejected"))


def _answers(readings: Sequence[Reading], receipts: Sequence[Receipt | None]) -> list[tuple[Reading, dict[str, Any]]]:
    given = iter(receipts)
    return [
        (one, _taken(one.source_id, next(given)) if one.report else _rejected(one.source_id, one.errors)) for one in readings
    ]


def _taken(source_id: str | None, receipt: Receipt | None) -> dict[str, Any]:
    if receipt is None:
        return _rejected(source_id, [{"field": "", "message": _("The database cannot hold this event's text.")}])
    return {"id": source_id, "status": "duplicate" if receipt.duplicate else "accepted", "incident": receipt.incident}


def _rejected(source_id: str | None, errors: list[Any]) -> dict[str, Any]:
    return {"id": source_id, "status": "rejected", "incident": None, "errors": errors}


# What the last list of each feed no longer named. A source that stumbles over one list ends nothing: only what two
# in a row do not name has ended. Forgotten with the process, which merely waits for two lists more.
_missing: dict[int, set[str]] = {}


async def _compare(queue: IntakeQueue, system: LinkedSystem, readings: Sequence[Reading], now: datetime) -> dict[str, int]:
    """Ends what a list of everything that goes on no longer names, and opens anew what it names again."""
    listed = {one.report.subject or one.report.source_id: one.report for one in readings if one.report}
    going_on, gone_before = await sync_to_async(_state_of)(system.pk, list(listed))
    missing = {subject for subject in going_on if subject not in listed}
    ended = missing & _missing.get(system.pk, set())
    _missing[system.pk] = missing - ended
    ends = [_end_of(subject, *going_on[subject], now) for subject in ended]
    returns = [replace(listed[subject], source_id=_mark(subject, BACK, now)) for subject in gone_before]
    if ends or returns:
        await queue.submit([Arrival(system, one) for one in (*ends, *returns)])
    return {"ended": len(ends), "returned": len(returns)}


GONE: Final = "~gone~"
BACK: Final = "~back~"


def _mark(subject: str, mark: str, now: datetime) -> str:
    return f"{subject[:150]}{mark}{int(now.timestamp() * 1000)}"


def _end_of(subject: str, code: str, occurred_at: datetime, now: datetime) -> Report:
    """Dated as the report it ends: named again, that report is not older than its end, and opens anew."""
    return Report(_mark(subject, GONE, now), code, "G5", occurred_at, None, None, "", "", "", {}, subject=subject, action="end")


_GOING_ON: Final = """
SELECT DISTINCT ON (e.subject) e.subject, e.action, e.code, e.occurred_at FROM incidents_event e
WHERE e.system_id = %s AND e.subject <> '' AND e.incident_id IN (
    SELECT id FROM incidents_incident
    WHERE municipality_id = (SELECT municipality_id FROM linkage_linkedsystem WHERE id = %s)
      AND NOT status IN ('merged', 'false_alarm', 'test', 'closed', 'cancelled', 'resolved'))
ORDER BY e.subject, e.id DESC
"""

_GONE_BEFORE: Final = """
SELECT listed.subject FROM unnest(%s::text[]) AS listed(subject), LATERAL (
    SELECT source_id FROM incidents_event
    WHERE system_id = %s AND subject = listed.subject AND subject <> '' ORDER BY id DESC LIMIT 1) AS newest
WHERE position(%s IN newest.source_id) > 0
"""


def _state_of(system_id: int, listed: list[str]) -> tuple[dict[str, tuple[str, datetime]], list[str]]:
    """The subjects of this source that go on, with code and time; and those of `listed` that a list had ended."""
    with connection.cursor() as cursor:
        cursor.execute(_GOING_ON, [system_id, system_id])
        going_on = {subject: (code, at) for subject, action, code, at in cursor.fetchall() if action == "report"}
        cursor.execute(_GONE_BEFORE, [listed, system_id, GONE])
        return going_on, [row[0] for row in cursor.fetchall()]


def rerun(row: Quarantined) -> Outcome:
    """Takes a quarantined row in with today's format and mapping: all of it or, where a part is still not
    understood, nothing."""
    try:
        readings = _read_again(row)
    except (NotADocument, ValueError) as error:
        return Outcome(False, errors=({"field": "", "message": str(error)},))
    errors = [error for one in readings for error in one.errors]
    if errors:
        return Outcome(False, errors=tuple(errors))
    arrivals = [Arrival(row.system, one.report) for one in readings if one.report]
    incidents: dict[str, None] = {}
    for wave in in_waves(arrivals):
        receipts = events_receive(municipality=row.system.municipality, arrivals=[arrivals[n] for n in wave])
        incidents |= dict.fromkeys(one.incident for one in receipts if one.incident)
    return Outcome(True, tuple(incidents))


def _read_again(row: Quarantined) -> list[Reading]:
    raw, link = quarantine.raw_of(row), link_of(row.system)
    if row.size > len(bytes(row.raw)):
        raise NotADocument(_("Only its beginning was kept; ask the source to send it again."))
    if row.format == EVENTS_FORMAT:
        return [read_event(raw, link.now)]
    feed = FEEDS.get(row.format)
    if feed is None:
        raise NotADocument(_("There is no format %s any more.") % row.format)
    return read_document(feed, raw, link) if row.is_document else [read_record(feed, raw, link)]
