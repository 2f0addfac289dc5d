"""The ledger: every fact as one numbered row per municipality, read by cursor.

Numbers come from one counter row per municipality, raised by `UPDATE … RETURNING` as the last thing a
transaction does: its lock orders the commits, so whoever reads up to n has everything up to n. (An id
sequence would lose rows that commit late.) A rolled-back transaction gives its numbers back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, TypedDict

from django.db import connection, transaction
from django.utils import timezone

from incidents.live import bell
from incidents.models import Change, Incident, LedgerHead
from incidents.payloads import IncidentPayload, incident_payload
from linkage.models import Relay
from ocenter.accounts import bulk
from ocenter.accounts.models import Municipality
from ocenter.accounts.principal import Actor

PAGE_LIMIT: Final = 1000
_POSITION: Final = re.compile(r"(?P<code>[^:]+):(?P<epoch>[^:]+):(?P<seq>[0-9]{1,18})")


class ChangePayload(TypedDict):
    """One row as `GET changes` and the socket carry it."""

    seq: int
    at: str
    kind: str
    municipality: str
    incident: IncidentPayload | None
    actor: Actor
    detail: dict[str, Any]


@dataclass
class Draft:
    """A row to be: `incident` as it is after the change, with its relays; None for what concerns the whole room."""

    kind: str
    incident: Incident | None
    actor: Actor
    detail: dict[str, Any] = field(default_factory=dict)
    relays: Sequence[Relay] = ()


class CursorGone(Exception):
    """The cursor is of another epoch, or ahead of the ledger: the reader must start over."""


class Position(NamedTuple):
    """How far a reader has read one municipality's ledger."""

    epoch: str
    seq: int


# municipality code → position; what a cursor says. A cursor of several municipalities names each.
Cursor = dict[str, Position]


def append(municipality: Municipality, drafts: Sequence[Draft]) -> int:
    """Numbers and writes the drafts, in order; returns the last number. Call it last in the transaction.

    Raises TransactionManagementError outside a transaction. Rings the bell once committed.
    """
    if not drafts:
        return _head(municipality.pk).seq
    first = reserve(municipality, [draft.incident for draft in drafts])
    last = write(municipality, first, drafts)
    # One version per incident: the number of its newest row.
    versions = {one.pk: one.version for one in (draft.incident for draft in drafts) if one is not None}
    bulk.update(Incident, [{"id": pk, "version": version} for pk, version in versions.items()])
    return last


def reserve(municipality: Municipality, incidents: Sequence[Incident | None]) -> int:
    """Takes a number for each incident's row and sets it as its version; returns the first.

    With `write` this is `append` in two steps, for whoever saves the incidents in between. From here on
    other commits wait, so every lock that could be contended is taken before.
    """
    first = _take_numbers(municipality.pk, len(incidents)) - len(incidents) + 1
    for version, incident in enumerate(incidents, first):
        if incident is not None:
            incident.version = version
    return first


def write(municipality: Municipality, first: int, drafts: Sequence[Draft]) -> int:
    """Writes the drafts under the numbers reserved from `first` on; returns the last. Rings once committed."""
    now = timezone.now()
    bulk.insert(Change, [_row(draft, seq, now, municipality) for seq, draft in enumerate(drafts, first)])
    last = first + len(drafts) - 1
    transaction.on_commit(lambda: bell.ring(municipality.pk, last))
    return last


def _take_numbers(municipality_id: int, count: int) -> int:
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("A ledger row is written in the transaction of its change.")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE incidents_ledgerhead SET seq = seq + %s WHERE municipality_id = %s RETURNING seq",
            [count, municipality_id],
        )
        row = cursor.fetchone()
    if row is None:
        LedgerHead.objects.get_or_create(municipality_id=municipality_id)
        return _take_numbers(municipality_id, count)
    return int(row[0])


def _row(draft: Draft, seq: int, now: datetime, municipality: Municipality) -> bulk.Row:
    incident = draft.incident
    body: ChangePayload = {
        "seq": seq,
        "at": now.isoformat(),
        "kind": draft.kind,
        "municipality": municipality.code,
        "incident": incident_payload(incident, draft.relays) if incident else None,
        "actor": draft.actor,
        "detail": draft.detail,
    }
    if body["incident"]:
        body["incident"]["version"] = seq
    return {
        "municipality_id": municipality.pk,
        "seq": seq,
        "at": now,
        "kind": draft.kind,
        "incident_id": incident.pk if incident else None,
        # No key reads a row without a family: what concerns the room is for the room alone.
        "family": incident.family if incident else "",
        "body": body,
    }


def _head(municipality_id: int) -> LedgerHead:
    return LedgerHead.objects.get_or_create(municipality_id=municipality_id)[0]


def heads(municipality_ids: Iterable[int]) -> Cursor:
    """The ends of these ledgers, keyed by municipality code: the cursor of one who has read everything."""
    ids = list(municipality_ids)
    rows = LedgerHead.objects.filter(municipality_id__in=ids).select_related("municipality")
    found = {row.municipality.code: Position(row.epoch, row.seq) for row in rows}
    for municipality in Municipality.objects.filter(pk__in=ids).exclude(code__in=found):
        head = _head(municipality.pk)
        found[municipality.code] = Position(head.epoch, head.seq)
    return found


def write_cursor(cursor: Cursor) -> str:
    """The cursor as text: opaque to clients, safe in a URL."""
    return ",".join(f"{code}:{at.epoch}:{at.seq}" for code, at in sorted(cursor.items()))


def read_cursor(text: str | None, current: Cursor) -> Cursor | None:
    """The positions a client's cursor names, or None for "from the beginning" (absent, empty or "0").

    Municipalities that came into the reader's scope since are read from their beginning, those that
    left are dropped. Raises CursorGone where an epoch has changed, a number lies ahead of the ledger
    (a restored backup), or the text is no cursor.
    """
    if text in (None, "", "0"):
        return None
    named: Cursor = {}
    for part in str(text).split(","):
        found = _POSITION.fullmatch(part)
        if found is None:
            raise CursorGone("The cursor was not understood; start over without one.")
        named[found["code"]] = Position(found["epoch"], int(found["seq"]))
    for code, at in current.items():
        if code in named and (named[code].epoch != at.epoch or named[code].seq > at.seq):
            raise CursorGone(f"The ledger of {code} has been restored since; start over without a cursor.")
    return {code: named.get(code, Position(at.epoch, 0)) for code, at in current.items()}


def beginning(current: Cursor) -> Cursor:
    """The cursor before the first row of each ledger in `current`."""
    return {code: Position(at.epoch, 0) for code, at in current.items()}


class RawRow(NamedTuple):
    """A row with its body as JSON text: read once, never decoded."""

    seq: int
    incident_id: int | None
    family: str
    body: str


def read_rows(municipality_id: int, after: int, limit: int) -> list[RawRow]:
    """Up to `limit` rows after number `after`, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq, incident_id, family, body::text FROM incidents_change "
            "WHERE municipality_id = %s AND seq > %s ORDER BY seq LIMIT %s",
            [municipality_id, after, limit],
        )
        return [RawRow(*row) for row in cursor.fetchall()]

