"""Quarantine: what a feed sent and nobody understood, kept with its raw bytes until somebody looks at it.

The intake above calls `keep` before it answers. Running a row again needs that intake, which linkage may not
import: it registers itself with `register_rerun`.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple

import orjson
from django.db import connection, transaction
from django.utils import timezone

from linkage.models import LinkedSystem, Quarantined
from ocenter.accounts import audit
from ocenter.accounts.models import User

RAW_AT_MOST: Final = 1024 * 1024
ERRORS_AT_MOST: Final = 20
ROWS_AT_MOST: Final = 10_000  # waiting rows of one system; beyond that its newest mistakes push out its oldest
SETTLED_KEPT: Final = timedelta(days=30)
JSON: Final = "application/json"
LEVELS_READ: Final = 1_024


class Misunderstood(NamedTuple):
    """One record or document, and why: `errors` are `{"field", "message"}`."""

    raw: Any
    errors: list[dict[str, str]]
    is_document: bool = False
    content_type: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a row that was run again: the new reasons where it is still not understood."""

    understood: bool
    incidents: tuple[str, ...] = ()
    errors: tuple[dict[str, str], ...] = ()


class NoRerun(RuntimeError):
    """Nothing has registered that could take the row in."""


_rerun: Callable[[Quarantined], Outcome] | None = None


def register_rerun(function: Callable[[Quarantined], Outcome]) -> None:
    """Says who takes a row in again. It writes nothing where the row is still not understood."""
    global _rerun
    _rerun = function


def raw_bytes(raw: Any) -> tuple[bytes, str]:
    """A record as bytes, and of what type where it had been parsed already."""
    if isinstance(raw, bytes):
        return raw, ""
    if isinstance(raw, str):
        return raw.encode("utf-8", "surrogatepass"), "text/plain"
    try:
        return orjson.dumps(raw), JSON
    except TypeError:
        return _written(raw).encode("utf-8", "backslashreplace"), "text/plain"


def _written(raw: Any) -> str:
    """What JSON has no words for, or no depth: orjson reads 1,024 levels and writes 254. Wherever on the stack we are,
    there is room for what was read."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 2 * LEVELS_READ)
    try:
        return repr(raw)
    finally:
        sys.setrecursionlimit(limit)


def raw_of(row: Quarantined) -> Any:
    """The record as its format had it."""
    stored = bytes(row.raw)
    if row.content_type == JSON and not row.is_document:
        return orjson.loads(stored)
    return stored.decode("utf-8", "surrogatepass") if row.content_type == "text/plain" and not row.is_document else stored


@transaction.atomic
def keep(*, system: LinkedSystem, format_name: str, found: Iterable[Misunderstood]) -> None:
    """Keeps what was not understood. The same bytes of the same system again raise a row's count, and bring
    back one that had been settled. Safe to repeat."""
    rows = {}
    for one in found:
        raw, parsed_type = raw_bytes(one.raw)
        digest = hashlib.sha256(raw).hexdigest()
        errors = orjson.dumps(one.errors[:ERRORS_AT_MOST]).decode()
        rows[digest] = (
            system.pk, format_name, one.is_document, raw[:RAW_AT_MOST], len(raw), digest,
            (parsed_type or one.content_type)[:100], errors.replace("\\u0000", "\N{REPLACEMENT CHARACTER}"),
        )  # fmt: skip
    with connection.cursor() as cursor:
        for row in sorted(rows.values(), key=lambda row: row[5]):  # one order, so that two senders cannot deadlock
            cursor.execute(_KEEP, row)


_KEEP: Final = """
INSERT INTO linkage_quarantined
    (system_id, format, is_document, raw, size, digest, content_type, errors, times, first_at, last_at, state, settled_by)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 1, now(), now(), 'waiting', '')
ON CONFLICT (system_id, digest) DO UPDATE SET
    times = linkage_quarantined.times + 1, last_at = now(), errors = EXCLUDED.errors, format = EXCLUDED.format,
    state = 'waiting', settled_at = NULL, settled_by = ''
"""


def rerun(row: Quarantined, by: User | None = None) -> Outcome:
    """Runs the row through today's format and mapping. Understood, it is settled and its events are taken in;
    repeating is safe, since events have identities. Raises NoRerun."""
    if _rerun is None:
        raise NoRerun("no intake is loaded in this process")
    outcome = _rerun(row)
    if outcome.understood:
        _settle(row, Quarantined.State.UNDERSTOOD, by, {"incidents": list(outcome.incidents)})
    else:
        Quarantined.objects.filter(pk=row.pk).update(errors=list(outcome.errors)[:ERRORS_AT_MOST])
    return outcome


def discard(row: Quarantined, by: User, reason: str) -> None:
    """Settles the row without taking it in; the reason goes into the audit. Repeating changes nothing."""
    if row.state == Quarantined.State.WAITING:
        _settle(row, Quarantined.State.DISCARDED, by, {"reason": reason})


@transaction.atomic
def _settle(row: Quarantined, state: str, by: User | None, detail: dict[str, Any]) -> None:
    name = by.get_username() if by else ""
    row.state, row.settled_at, row.settled_by = state, timezone.now(), name
    row.save(update_fields=["state", "settled_at", "settled_by"])
    audit.record(
        actor=f"user:{name}" if by else "system:quarantine", action=f"quarantine.{state}", subject=f"quarantined:{row.pk}",
        detail={"system": row.system.slug, "digest": row.digest, **detail}, municipality_id=row.system.municipality_id,
    )  # fmt: skip


def prune() -> int:
    """Deletes settled rows after 30 days, and of each system the oldest waiting ones beyond `ROWS_AT_MOST`.

    Returns how many. Housekeeping; safe to repeat.
    """
    old = Quarantined.objects.exclude(state=Quarantined.State.WAITING).filter(settled_at__lt=timezone.now() - SETTLED_KEPT)
    gone = old.delete()[0]
    for system in LinkedSystem.objects.filter(quarantined__isnull=False).distinct():
        kept = system.quarantined.order_by("-last_at").values_list("pk", flat=True)[:ROWS_AT_MOST]
        gone += system.quarantined.exclude(pk__in=list(kept)).delete()[0]
    return gone
