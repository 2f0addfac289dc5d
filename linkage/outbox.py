"""The outbox: claim what is due, settle what was answered. HTTP happens between the two, outside any transaction.

A claim is a lease: `lease_until` moves forward, and a dead worker's deliveries come back by themselves.
Sending is at least once; the delivery's id goes along as `Idempotency-Key`, so the effect is once.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from linkage import relays
from linkage.models import Attempt, Delivery, LinkedSystem

log = structlog.get_logger(__name__)

# Longer than the transport's total deadline, so that a lease never ends under a living attempt.
LEASE_SECONDS: Final = 20
RETRY_SECONDS: Final = (1, 2, 5, 10, 20)  # the first attempt comes at once
RETRY_LATER_SECONDS: Final = 30
RETRY_JITTER: Final = 0.2
RESPONSE_KEPT: Final = 2_000
CONTACT_EVERY: Final = timedelta(seconds=2)


@dataclass(frozen=True)
class Claim:
    """A delivery this process may send until its lease ends; `attempt` counts from 1."""

    id: UUID
    relay_id: UUID
    message: str
    address: str
    payload: dict[str, Any]
    attempt: int


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: a receipt, or an error that is permanent or not.

    `retry_after_s` is the agency's own wish (429, 503), in seconds.
    """

    started_at: datetime
    duration_ms: int
    receipt: str = ""
    error: str = ""
    permanent: bool = False
    status: int | None = None
    response: str = ""
    retry_after_s: float | None = None


# A first attempt asks no clock: the one of the machine that queued it may be ahead of the database's.
_CLAIM = """
WITH next AS (
    SELECT d.id FROM linkage_delivery d JOIN linkage_linkedsystem s ON s.id = d.system_id AND s.enabled
    WHERE d.system_id = %s AND d.state = 'pending' AND (d.attempts = 0 OR d.due_at <= statement_timestamp())
      AND (d.lease_until IS NULL OR d.lease_until < statement_timestamp())
      AND NOT EXISTS (
        SELECT 1 FROM linkage_delivery earlier
        WHERE earlier.relay_id = d.relay_id AND earlier.position < d.position
          AND earlier.state IN ('pending', 'failed'))
    ORDER BY d.due_at, d.created_at LIMIT %s FOR UPDATE OF d SKIP LOCKED),
leased AS (
    UPDATE linkage_delivery d
    SET lease_until = statement_timestamp() + make_interval(secs => %s), attempts = d.attempts + 1
    FROM next WHERE d.id = next.id
    RETURNING d.id, d.relay_id, d.message, d.address, d.payload, d.attempts, d.due_at, d.created_at, d.system_id)
SELECT l.id, l.relay_id, l.message, coalesce(nullif(l.address, ''), s.endpoint), l.payload, l.attempts
FROM leased l JOIN linkage_linkedsystem s ON s.id = l.system_id ORDER BY l.due_at, l.created_at
"""


def claim(system_id: int, limit: int) -> list[Claim]:
    """Leases up to `limit` due deliveries of a lane, oldest first; within a relay only the first unsettled one.

    A disabled system's lane yields nothing: its relays wait, in front of an operator.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [system_id, limit, LEASE_SECONDS])
        rows = cursor.fetchall()
    return [Claim(UUID(str(row[0])), UUID(str(row[1])), row[2], row[3], _decoded(row[4]), row[5]) for row in rows]


def _decoded(payload: Any) -> dict[str, Any]:
    return Delivery._meta.get_field("payload").from_db_value(payload, None, connection)


def overdue_lanes(grace_seconds: float) -> list[int]:
    """The agencies with due deliveries that nobody has claimed: new ones for longer than `grace_seconds`,
    in which the worker takes them, and at once those to be tried again, which nobody else looks for."""
    now = timezone.now()
    new = Q(attempts=0, due_at__lt=now - timedelta(seconds=grace_seconds))
    again = Q(attempts__gt=0, due_at__lte=now)
    due = Delivery.objects.filter(new | again, state=Delivery.State.PENDING, system__enabled=True)
    return list(due.exclude(lease_until__gte=now).values_list("system_id", flat=True).order_by("system_id").distinct())


@transaction.atomic
def settle(claimed: Claim, outcome: Outcome) -> None:
    """Writes the attempt and what follows from it. Settling a delivery that is already settled adds only the attempt.

    The lease may have ended meanwhile and another worker may have sent it too: the agency's own
    idempotency makes both answers the same.
    """
    relay = relays.lock_relay(claimed.relay_id)
    delivery = Delivery.objects.select_for_update(no_key=True).get(pk=claimed.id)
    _write_attempt(claimed, outcome)
    _note_contact(relay.system, outcome)
    relay.attempts += 1
    if delivery.state != Delivery.State.PENDING:
        relay.save(update_fields=["attempts"])
    elif not outcome.error:
        _end(delivery, Delivery.State.DELIVERED)
        relays.relay_sent(relay, outcome.receipt)
    elif outcome.permanent:
        _end(delivery, Delivery.State.FAILED)
        relays.relay_failed(relay, outcome.error)
    else:
        relay.save(update_fields=["attempts"])
        _retry_later(delivery, claimed.attempt, outcome)


def retry_delay_s(attempt: int, asked_s: float | None = None) -> float:
    """Seconds until the next try after attempt number `attempt`; never sooner than the agency asked."""
    steps = RETRY_SECONDS
    base = steps[attempt - 1] if attempt <= len(steps) else RETRY_LATER_SECONDS
    jitter = 1 + random.uniform(-RETRY_JITTER, RETRY_JITTER)
    return max(base * jitter, min(asked_s or 0, 300))


def _write_attempt(claimed: Claim, outcome: Outcome) -> None:
    Attempt.objects.create(
        delivery_id=claimed.id,
        number=claimed.attempt,
        started_at=outcome.started_at,
        duration_ms=outcome.duration_ms,
        status=outcome.status,
        error=outcome.error[:300],
        response=outcome.response[:RESPONSE_KEPT].replace("\x00", "�"),
    )


def _end(delivery: Delivery, state: str) -> None:
    delivery.state, delivery.settled_at, delivery.lease_until = state, timezone.now(), None
    delivery.save(update_fields=["state", "settled_at", "lease_until"])


def _retry_later(delivery: Delivery, attempt: int, outcome: Outcome) -> None:
    delay = retry_delay_s(attempt, outcome.retry_after_s)
    delivery.due_at, delivery.lease_until = timezone.now() + timedelta(seconds=delay), None
    delivery.save(update_fields=["due_at", "lease_until"])
    log.info("delivery.retry", delivery_id=str(delivery.pk), attempt=attempt, in_s=round(delay, 1), error=outcome.error)


def _note_contact(system: LinkedSystem, outcome: Outcome) -> None:
    """Keeps when the agency last answered and what went wrong; the same news again only every few seconds,
    since it is one row for all of its relays and whoever writes it makes the others wait."""
    now, error = timezone.now(), outcome.error[:200]
    noted_at = system.last_error_at if error else system.last_contact_at
    if error == system.last_error and noted_at and now - noted_at < CONTACT_EVERY:
        return
    changes: dict[str, Any] = {"last_error": error, "last_error_at" if error else "last_contact_at": now}
    LinkedSystem.objects.filter(pk=system.pk).update(**changes)
