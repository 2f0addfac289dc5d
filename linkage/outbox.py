"""The outbox: claim what is due, settle what was answered. HTTP happens between the two, outside any transaction.

A claim is a lease: `lease_until` moves forward, and a dead worker's deliveries come back by themselves.
Sending is at least once; the delivery's id goes along as `Idempotency-Key`, so the effect is once. Both work on
sets: what fifty answers cost is one transaction.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.utils import timezone

from linkage import breaker, cases, nudge, relays
from linkage.models import Attempt, Delivery, LinkedSystem, Relay
from ocenter.accounts import bulk

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

    `retry_after_s` is the agency's own wish (429, 503), in seconds. `outdated`: our settings changed under it, which
    says nothing about the agency.
    """

    started_at: datetime
    duration_ms: int
    receipt: str = ""
    error: str = ""
    permanent: bool = False
    status: int | None = None
    response: str = ""
    retry_after_s: float | None = None
    outdated: bool = False


# A lane is open while its agency is enabled, not paused, not in a maintenance window, and its breaker not open.
_OPEN_LANE: Final = """
    s.enabled AND s.paused_at IS NULL AND (s.breaker_until IS NULL OR s.breaker_until <= statement_timestamp())
    AND NOT EXISTS (
        SELECT 1 FROM linkage_maintenancewindow w WHERE w.system_id = s.id
        AND w.starts_at <= statement_timestamp() AND w.ends_at > statement_timestamp())
"""

# A first attempt asks no clock: the one of the machine that queued it may be ahead of the database's.
_CLAIM: Final = f"""
WITH lane AS (
    SELECT s.id,
           CASE WHEN s.secondary_endpoint <> '' AND s.secondary_until > statement_timestamp()
                THEN s.secondary_endpoint ELSE s.endpoint END AS address,
           CASE WHEN s.breaker_until IS NULL THEN s.max_concurrent ELSE 1 END - (
               SELECT count(*) FROM linkage_delivery d
               WHERE d.system_id = s.id AND d.state = 'pending' AND d.lease_until >= statement_timestamp()) AS free
    FROM linkage_linkedsystem s WHERE s.id = %s AND {_OPEN_LANE}),
next AS (
    SELECT d.id FROM linkage_delivery d JOIN lane ON lane.id = d.system_id
    WHERE d.state = 'pending' AND (d.attempts = 0 OR d.due_at <= statement_timestamp())
      AND (d.lease_until IS NULL OR d.lease_until < statement_timestamp())
      AND NOT EXISTS (
        SELECT 1 FROM linkage_delivery earlier
        WHERE earlier.relay_id = d.relay_id AND earlier.position < d.position
          AND earlier.state IN ('pending', 'failed'))
    ORDER BY d.due_at, d.created_at
    LIMIT greatest(0, least(%s, coalesce((SELECT free FROM lane), 0))) FOR UPDATE OF d SKIP LOCKED),
leased AS (
    UPDATE linkage_delivery d
    SET lease_until = statement_timestamp() + make_interval(secs => %s), lease_pid = pg_backend_pid(),
        attempts = d.attempts + 1
    FROM next WHERE d.id = next.id
    RETURNING d.id, d.relay_id, d.message, d.address, d.payload, d.attempts, d.due_at, d.created_at)
SELECT l.id, l.relay_id, l.message, coalesce(nullif(l.address, ''), lane.address), l.payload, l.attempts
FROM leased l, lane ORDER BY l.due_at, l.created_at
"""  # noqa: S608

CLAIM_LOCK: Final = 0x0CE8  # the advisory lock's class; its second number is the lane


@transaction.atomic
def claim(system_id: int, limit: int) -> list[Claim]:
    """Leases up to `limit` due deliveries of a lane, oldest first; within a relay only the first unsettled one.

    Never more than the agency takes at once, whoever claims; while its breaker is half open, one. A lane that
    is disabled, paused, in maintenance or behind an open breaker yields nothing: its relays wait, in front of
    an operator.
    """
    with connection.cursor() as cursor:
        # Two who count what is leased at the same moment would both find room for it.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [CLAIM_LOCK, system_id])
        cursor.execute(_CLAIM, [system_id, limit, LEASE_SECONDS])
        rows = cursor.fetchall()
    return [Claim(UUID(str(row[0])), UUID(str(row[1])), row[2], row[3], _decoded(row[4]), row[5]) for row in rows]


def _decoded(payload: Any) -> dict[str, Any]:
    return Delivery._meta.get_field("payload").from_db_value(payload, None, connection)


_OVERDUE: Final = f"""
SELECT s.id FROM linkage_linkedsystem s WHERE {_OPEN_LANE} AND EXISTS (
    SELECT 1 FROM linkage_delivery d WHERE d.system_id = s.id AND d.state = 'pending'
    AND (d.lease_until IS NULL OR d.lease_until < statement_timestamp())
    AND d.due_at <= statement_timestamp() - CASE WHEN d.attempts = 0 THEN make_interval(secs => %s) ELSE interval '0' END)
ORDER BY s.id
"""  # noqa: S608


def overdue_lanes(grace_seconds: float) -> list[int]:
    """The open lanes with due deliveries that nobody has claimed: new ones for longer than `grace_seconds`,
    in which the worker takes them, and at once those to be tried again, which nobody else looks for."""
    with connection.cursor() as cursor:
        cursor.execute(_OVERDUE, [grace_seconds])
        return [row[0] for row in cursor.fetchall()]


_RELEASE: Final = """
UPDATE linkage_delivery SET lease_until = NULL
WHERE state = 'pending' AND lease_until >= statement_timestamp()
  AND lease_pid NOT IN (SELECT pid FROM pg_stat_activity WHERE pid IS NOT NULL)
"""


def release_orphans() -> int:
    """Ends the leases of sessions that are no more; returns how many. A process that died with as many messages
    on the wire as an agency takes at once would otherwise hold up everything new for a whole lease.

    Who lost only its connection may still be sending: then the agency gets the message twice, under one key.
    The sweeper calls it every second; safe to repeat.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE)
        return cursor.rowcount


def settle(claimed: Claim, outcome: Outcome) -> None:
    """Settles one; see `settle_all`."""
    settle_all([(claimed, outcome)])


@transaction.atomic
def settle_all(ended: Sequence[tuple[Claim, Outcome]]) -> None:
    """Writes the attempts of one lane and what follows from them. A delivery that is already settled gets only
    its attempt: the lease may have ended meanwhile and another process may have sent it too; the agency's own
    idempotency makes both answers the same.
    """
    locked = {one.pk: one for one in relays.lock_relays({claimed.relay_id for claimed, _ in ended})}
    rows = Delivery.objects.select_for_update(no_key=True).filter(pk__in=[claimed.id for claimed, _ in ended])
    deliveries = {one.pk: one for one in rows.order_by("pk").defer("payload")}
    _write_attempts(ended)
    changes, untold = [], {}
    for claimed, outcome in ended:
        relay = locked[claimed.relay_id]
        relay.attempts += 1
        change = _settled(relay, deliveries[claimed.id], claimed, outcome)
        changes.append(change)
        if change is None:
            untold[relay.pk] = relay
    bulk.update(Delivery, [{name: getattr(one, name) for name in _SETTLED} for one in deliveries.values()])
    bulk.update(Relay, [{"id": pk, "attempts": one.attempts} for pk, one in untold.items()])
    relays.save_and_tell(changes)
    _learn(next(iter(locked.values())).system, ended)


_SETTLED: Final = ("id", "state", "settled_at", "due_at", "lease_until")


def _settled(relay: Relay, delivery: Delivery, claimed: Claim, outcome: Outcome) -> relays.RelayChange | None:
    if delivery.state != Delivery.State.PENDING:
        return None
    if not outcome.error:
        _end(delivery, Delivery.State.DELIVERED)
        if claimed.message == Delivery.Message.STATUS:
            return cases.status_taken(relay, claimed.payload)
        return relays.relay_sent(relay, claimed.message, outcome.receipt)
    if outcome.permanent:
        _end(delivery, Delivery.State.FAILED)
        return relays.relay_failed(relay, outcome.error)
    _retry_later(delivery, relay.system, claimed, outcome)
    return None


def _learn(known: LinkedSystem, ended: Sequence[tuple[Claim, Outcome]]) -> None:
    """What the lane learns: when the agency last answered, what went wrong, whether to go on and which way.

    The same news again is written only every few seconds: it is one row for all of the agency's relays, and
    whoever writes it makes the others wait; so it is locked last.
    """
    if not _is_news(known, ended):
        return
    system = LinkedSystem.objects.select_for_update(no_key=True).get(pk=known.pk)
    now = timezone.now()
    # An address that an agency gave with a case of its own says nothing about the agency's endpoints.
    sent = [(claimed, one) for claimed, one in ended if claimed.message != Delivery.Message.STATUS and not one.outdated]
    tries = [breaker.Try(_answered(one), claimed.address) for claimed, one in sent]
    if breaker.learn(system, tries, now):
        waiting = Delivery.objects.filter(system=system, state=Delivery.State.PENDING, lease_until=None, due_at__gt=now)
        waiting.update(due_at=now)
        transaction.on_commit(lambda: nudge.lane(system.pk))
    last = ended[-1][1]
    system.last_error = last.error[:200]
    if last.error:
        system.last_error_at = now
    if any(one.answered for one in tries):
        system.last_contact_at = now
    system.save(update_fields=_LEARNED)


def _answered(outcome: Outcome) -> bool:
    """Whether the agency is there: it took the message, refused it, or said itself when to come again."""
    return not outcome.error or outcome.permanent or outcome.retry_after_s is not None


_LEARNED: Final = (
    "last_error", "last_error_at", "last_contact_at", "breaker_failures", "breaker_until", "secondary_until",
)  # fmt: skip


def _is_news(system: LinkedSystem, ended: Sequence[tuple[Claim, Outcome]]) -> bool:
    if system.breaker_failures or any(outcome.error for _, outcome in ended) or system.last_error:
        return True
    return system.last_contact_at is None or timezone.now() - system.last_contact_at >= CONTACT_EVERY


def retry_delay_s(attempt: int, asked_s: float | None = None) -> float:
    """Seconds until the next try after attempt number `attempt`; never sooner than the agency asked."""
    steps = RETRY_SECONDS
    base = steps[attempt - 1] if attempt <= len(steps) else RETRY_LATER_SECONDS
    jitter = 1 + random.uniform(-RETRY_JITTER, RETRY_JITTER)
    return max(base * jitter, min(asked_s or 0, 300))


def _write_attempts(ended: Sequence[tuple[Claim, Outcome]]) -> None:
    Attempt.objects.bulk_create(
        Attempt(
            delivery_id=claimed.id,
            number=claimed.attempt,
            endpoint=claimed.address,
            started_at=outcome.started_at,
            duration_ms=outcome.duration_ms,
            status=outcome.status,
            error=outcome.error[:300],
            response=outcome.response[:RESPONSE_KEPT].replace("\x00", "�"),
        )
        for claimed, outcome in ended
    )


def _end(delivery: Delivery, state: str) -> None:
    delivery.state, delivery.settled_at, delivery.lease_until = state, timezone.now(), None


def _retry_later(delivery: Delivery, system: LinkedSystem, claimed: Claim, outcome: Outcome) -> None:
    other_way = system.secondary_endpoint and claimed.address == system.endpoint and not outcome.retry_after_s
    delay = 0.0 if other_way else retry_delay_s(claimed.attempt, outcome.retry_after_s)
    delivery.due_at, delivery.lease_until = timezone.now() + timedelta(seconds=delay), None
    log.info("delivery.retry", delivery_id=str(delivery.pk), attempt=claimed.attempt, in_s=round(delay, 1), error=outcome.error)
