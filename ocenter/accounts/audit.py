"""The audit chain: who did what, from where, so that a changed, deleted or cut-off row shows (invariant I8).

Each entry's digest is an HMAC of the entry and of the digest before it; the head keeps the last number
and digest under a seal of its own. Without SECRET_KEY nobody can make either, not even with every right
in the database. What a chain cannot show by itself is the return to an older whole state (a restored
backup): for that, `verify_audit` prints the head, to be kept elsewhere and compared (`--expect`).

Changing SECRET_KEY breaks the chain: verify before, and keep the old entries' last digest.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from ocenter.accounts.models import AuditEntry, AuditHead

HEAD_ID: Final = 1
# Written by `record` itself when it finds the chain's end not as it left it; evidence that stays.
DAMAGE_ACTION: Final = "audit.damaged"
MAX_KEPT_FINDINGS: Final = 100
_ROWS_PER_FETCH: Final = 2000


class Entry(NamedTuple):
    """What to record: `actor` did `action` to `subject`; `detail` is JSON and holds no secret."""

    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    municipality_id: int | None
    address: str | None = None


class Finding(NamedTuple):
    """One thing wrong with the chain, at entry `number`."""

    number: int
    kind: str  # changed, missing, truncated, head, damaged, unexpected
    text: str


@dataclass
class Report:
    """What `verify` found: entries seen, all findings counted, the first `MAX_KEPT_FINDINGS` kept."""

    entries: int = 0
    finding_count: int = 0
    findings: list[Finding] = field(default_factory=list)
    number: int = 0
    digest: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing was found."""
        return self.finding_count == 0

    def add(self, finding: Finding) -> None:
        """Counts a finding and keeps it while there is room."""
        self.finding_count += 1
        if len(self.findings) < MAX_KEPT_FINDINGS:
            self.findings.append(finding)


def record(
    *,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any],
    municipality_id: int | None,
    address: str | None = None,
) -> None:
    """Appends one entry in the caller's transaction; it commits or vanishes together with the deed.

    Locks the chain's head until that transaction ends, so call it late: after every other lock (the
    ledger's included), or two writers may wait for each other. Not idempotent.
    Raises TransactionManagementError outside a transaction.
    """
    record_many([Entry(actor, action, subject, detail, municipality_id, address)])


def record_many(entries: Iterable[Entry]) -> None:
    """Appends several entries in order under one lock; otherwise as `record`."""
    if not connection.in_atomic_block:
        raise TransactionManagementError("an audit entry belongs in the transaction of what it records")
    wanted = list(entries)
    if not wanted:
        return
    head = _locked_head()
    damage = _damage_at(head)
    if damage:
        wanted.insert(0, damage)
    rows = list(_chained(head, wanted))
    AuditEntry.objects.bulk_create(rows)
    head.number, head.digest = rows[-1].number, rows[-1].digest
    head.seal = _seal(head.number, head.digest)
    head.save(update_fields=["number", "digest", "seal"])


def verify() -> Report:
    """Reads the whole chain once and reports every entry that is changed, missing or cut off.

    Streams, takes no lock, and may run while entries are written.
    """
    report = Report()
    head = AuditHead.objects.filter(pk=HEAD_ID).first()
    at_head: str | None = "" if head and head.number == 0 else None
    for row in AuditEntry.objects.order_by("number").iterator(chunk_size=_ROWS_PER_FETCH):
        _check_row(report, row)
        if head and row.number == head.number:
            at_head = row.digest
    _check_head(report, head, at_head)
    return report


def digest_at(number: int) -> str | None:
    """The stored digest of entry `number`; None where there is no such entry."""
    return AuditEntry.objects.filter(number=number).values_list("digest", flat=True).first()


def _check_row(report: Report, row: AuditEntry) -> None:
    """Compares one row with the one before it, which `report` remembers."""
    gap = row.number - report.number - 1
    if gap:
        first = report.number + 1
        names = f"entry {first} is" if gap == 1 else f"entries {first} to {row.number - 1} are"
        report.add(Finding(first, "missing", f"{names} missing"))
    elif not hmac.compare_digest(row.digest, _digest(report.digest, row)):
        report.add(Finding(row.number, "changed", f"entry {row.number} was changed"))
    if row.action == DAMAGE_ACTION:
        report.add(Finding(row.number, "damaged", f"entry {row.number} found the chain's end damaged"))
    report.entries += 1
    report.number, report.digest = row.number, row.digest


def _check_head(report: Report, head: AuditHead | None, digest_there: str | None) -> None:
    """Compares the end of the chain with its sealed head as read before the rows."""
    if head is None:
        if report.entries:
            report.add(Finding(report.number, "head", "the head of the chain is missing"))
        return
    if not hmac.compare_digest(head.seal, _seal(head.number, head.digest)):
        report.add(Finding(head.number, "head", "the head of the chain was edited"))
    elif report.number < head.number:
        report.add(Finding(report.number + 1, "truncated", f"the entries after {report.number} were cut off"))
    elif digest_there is not None and not hmac.compare_digest(head.digest, digest_there):
        report.add(Finding(head.number, "head", f"the head of the chain does not fit entry {head.number}"))
    elif report.number > head.number and _head_number_now() < report.number:
        report.add(Finding(head.number + 1, "head", f"entries after {head.number} are unknown to the head"))


def _head_number_now() -> int:
    """The head's number read again: writers may have moved on while the rows were read."""
    return AuditHead.objects.filter(pk=HEAD_ID).values_list("number", flat=True).first() or 0


def _locked_head() -> AuditHead:
    """The head row, locked; made on first use, also when two writers are first at once."""
    heads = AuditHead.objects.select_for_update()
    head = heads.filter(pk=HEAD_ID).first()
    if head is None:
        AuditHead.objects.bulk_create([AuditHead(pk=HEAD_ID, seal=_seal(0, ""))], ignore_conflicts=True)
        head = heads.get(pk=HEAD_ID)
    return head


def _damage_at(head: AuditHead) -> Entry | None:
    """Moves `head` to the chain's real end; where it was elsewhere, the entry that says so for good."""
    last = AuditEntry.objects.order_by("-number").values_list("number", "digest").first() or (0, "")
    sealed = hmac.compare_digest(head.seal, _seal(head.number, head.digest))
    if sealed and (head.number, head.digest) == last:
        return None
    detail = {"head": head.number, "last": last[0], "sealed": sealed}
    # A sealed head beyond the last row means a cut tail: its numbers must stay missing, not be used again.
    if not (sealed and head.number > last[0]):
        head.number, head.digest = last
    return Entry("ocenter", DAMAGE_ACTION, "audit", detail, None)


def _chained(head: AuditHead, entries: Iterable[Entry]) -> Iterator[AuditEntry]:
    """The rows for `entries`, numbered and digested onwards from `head`."""
    number, digest = head.number, head.digest
    now = timezone.now()
    for entry in entries:
        number += 1
        row = _row(number, entry, now)
        row.digest = digest = _digest(digest, row)
        yield row


def _row(number: int, entry: Entry, at: datetime) -> AuditEntry:
    """The entry as stored: what PostgreSQL would refuse or alter is settled before it is digested."""
    return AuditEntry(
        number=number,
        at=at,
        municipality_id=entry.municipality_id,
        actor=_text(entry.actor)[:160],
        address=normal_address(entry.address),
        action=_text(entry.action)[:60],
        subject=_text(entry.subject)[:160],
        detail=_storable(json.loads(json.dumps(dict(entry.detail), cls=DjangoJSONEncoder))),
    )


def normal_address(address: str | None) -> str | None:
    """An IP address in its shortest form, IPv4 unwrapped from IPv6; None where it is none."""
    try:
        ip = ipaddress.ip_address((address or "").strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    return str(getattr(ip, "ipv4_mapped", None) or ip)


def _text(value: str) -> str:
    """Text that PostgreSQL can hold: no NUL, no lone surrogates."""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _storable(value: Any) -> Any:
    """`value` with every text made storable, keys too; NaN and infinities, which jsonb refuses, as text."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_text(key): _storable(one) for key, one in value.items()}
    return value


def _steady(value: Any) -> Any:
    """`value` with numbers in the one form they keep through jsonb, which turns 1e23 into an integer."""
    if isinstance(value, float):
        exact = Decimal(repr(value))
        return int(exact) if exact == exact.to_integral_value() else value
    if isinstance(value, list):
        return [_steady(one) for one in value]
    if isinstance(value, dict):
        return {key: _steady(one) for key, one in value.items()}
    return value


def _digest(previous: str, row: AuditEntry) -> str:
    """The HMAC over the previous digest and the row's canonical JSON."""
    content = {
        "number": row.number,
        "at": row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "municipality": row.municipality_id,
        "actor": row.actor,
        "address": row.address,
        "action": row.action,
        "subject": row.subject,
        "detail": _steady(row.detail),
    }
    return _hmac(previous + "\n" + json.dumps(content, sort_keys=True, separators=(",", ":")))


def _seal(number: int, digest: str) -> str:
    """The HMAC over the head: without it, a cut tail and a fitting head could be forged."""
    return _hmac(f"head\n{number}\n{digest}")


def _hmac(text: str) -> str:
    key = hashlib.sha256(b"ocenter.audit:" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
