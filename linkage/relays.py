"""Writes to a relay: opening one, telling the agency more, hearing from it, settling it by hand.

All lock in one order, so that nothing can deadlock: the subject (`lock_subject`), then the relay, then
whatever the receivers of `relays_changed` lock above. Each sends that signal inside its transaction, once for all
the relays it changes: an agency that answers fifty messages costs one round, not fifty.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from linkage import nudge
from linkage.models import Delivery, LinkedSystem, Relay
from linkage.signals import relays_changed
from linkage.states import ENDED, RelayState, leads_forward
from ocenter.accounts import bulk
from ocenter.accounts.principal import SYSTEM_ACTOR, Actor

# Undelivered for this long, a relay is put before the operator (invariant I6 allows 15 s).
ATTENTION_AFTER: Final = timedelta(seconds=10)
RAISED_AT_ONCE: Final = 200
SENDING_CHANGES: Final = ("id", "state", "state_at", "attention_reason", "attention_at", "receipt", "sent_at", "attempts")


@dataclass(frozen=True)
class AgencyReport:
    """What an agency says of a relay; `at` is the agency's clock, positions WGS84."""

    status: str
    at: datetime
    unit: str = ""
    eta_s: int | None = None
    lat: float | None = None
    lon: float | None = None
    result_code: str = ""
    note: str = ""


@dataclass(frozen=True)
class RelayChange:
    """One ledger row to be: the relay as it is now, the ledger's name of what happened, who did it, and more."""

    relay: Relay
    kind: str
    actor: Actor
    detail: dict[str, Any]


def tell(changes: Sequence[RelayChange]) -> None:
    """Tells the app above of changes to relays of one municipality, whose subjects are locked."""
    if changes:
        relays_changed.send(sender=Relay, changes=changes)


def change(relay: Relay, kind: str, actor: Actor, detail: dict[str, Any]) -> RelayChange:
    """The change with what every row says: which relay, which agency."""
    return RelayChange(relay, kind, actor, {"relay": str(relay.pk), "agency": relay.system.slug, **detail})


def lock_subject(subject: str) -> None:
    """Waits for the subject's turn; held until the transaction ends."""
    lock_subjects([subject])


def lock_subjects(subjects: Iterable[str]) -> None:
    """Waits for the turn of each; in one order, the one in which they were opened, so that nobody waits in a ring."""
    ordered = sorted(set(subjects), key=lambda one: (len(one), one))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(s, 0)) FROM unnest(%s::text[]) AS s", [ordered])


def whole_relays() -> QuerySet[Relay]:
    """Relays with what their payload shows; a municipality's boundary (100 kB) is no part of that."""
    return Relay.objects.select_related("system", "municipality").defer("municipality__boundary")


def relay_of(system: LinkedSystem, subject: str) -> Relay | None:
    """The last relay to this agency about this subject, or None; the subject should be locked."""
    return whole_relays().filter(system=system, subject=subject).order_by("-created_at").first()


def relay_open(
    *, system: LinkedSystem, subject: str, payload: dict[str, Any], actor: Actor, detail: dict[str, Any], anew: bool = False
) -> Relay:
    """Opens the relay and queues its create message; repeating returns the same relay and sends nothing.

    `anew` opens another where the last one has ended: a new case with an id and keys of its own, which names the one
    before (`follows`). While one is open, `anew` is a repeat like any other.
    Repeated with another `text`, the agency gets an update. A relay that failed for good is tried again: the
    same message under the same key. `payload` is the message without `relay` and `callback_url`, which are
    filled in here.
    """
    lock_subject(subject)
    relay = relay_of(system, subject)
    if relay is None:
        relay = _open(system, subject, payload, actor, detail)
    elif anew and relay.state in ENDED:
        relay = _open(system, subject, {**payload, "follows": str(relay.pk)}, actor, {**detail, "anew": True})
    elif relay.state == RelayState.FAILED:
        _rearm(relay)
        _tell(relay, "relay.requested", actor, {**detail, "again": True})
    elif relay.state not in ENDED and payload.get("text") and payload["text"] != _last_text(relay):
        message_queue(relay=relay, message=Delivery.Message.UPDATE, payload=payload)
        _tell(relay, "relay.requested", actor, {**detail, "message": Delivery.Message.UPDATE})
    return relay


def _open(system: LinkedSystem, subject: str, payload: dict[str, Any], actor: Actor, detail: dict[str, Any]) -> Relay:
    relay = Relay.objects.create(system=system, subject=subject, municipality_id=system.municipality_id)
    message_queue(relay=relay, message=Delivery.Message.CREATE, payload=payload)
    _tell(relay, "relay.requested", actor, detail)
    return relay


@dataclass(frozen=True)
class Opening:
    """A relay to be opened: to whom, about what, with which message (see `relay_open`)."""

    system: LinkedSystem
    subject: str
    payload: dict[str, Any]
    detail: dict[str, Any]


def relays_open(*, openings: Sequence[Opening], actor: Actor) -> None:
    """Opens relays about subjects that nobody else has seen yet, all at once: of a storm of fires each costs little."""
    lock_subjects(one.subject for one in openings)
    made = Relay.objects.bulk_create(
        Relay(system=one.system, subject=one.subject, municipality_id=one.system.municipality_id) for one in openings
    )
    create = Delivery.Message.CREATE
    Delivery.objects.bulk_create(
        Delivery(relay=relay, system=one.system, position=1, message=create, payload=_whole(relay, create, one.payload))
        for relay, one in zip(made, openings, strict=True)
    )
    for system_id in {one.system.pk for one in openings}:
        transaction.on_commit(partial(nudge.lane, system_id))
    tell([change(relay, "relay.requested", actor, one.detail) for relay, one in zip(made, openings, strict=True)])


def _last_text(relay: Relay) -> str:
    """What the agency was last told in an operator's own words."""
    told = relay.deliveries.filter(payload__has_key="text").order_by("-position")
    return told.values_list("payload__text", flat=True).first() or ""


def message_queue(*, relay: Relay, message: str, payload: dict[str, Any]) -> Delivery:
    """Queues one message behind the relay's earlier ones; sent after commit. Call it with the subject locked."""
    return queue_behind(relay, message, _whole(relay, message, payload))


def queue_behind(relay: Relay, message: str, payload: dict[str, Any], *, address: str = "") -> Delivery:
    """Queues `payload` as it is behind the relay's earlier messages, to `address` or else to the agency's endpoint;
    sent after commit. Call it with the subject locked."""
    last = relay.deliveries.aggregate(last=Max("position"))["last"] or 0
    delivery = Delivery.objects.create(
        relay=relay, system_id=relay.system_id, position=last + 1, message=message, address=address, payload=payload
    )
    transaction.on_commit(lambda: nudge.lane(relay.system_id))
    return delivery


def _whole(relay: Relay, message: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The message as it goes out. `at` and `opened_at`, when it was written and the relay opened, are the same at
    every attempt."""
    return {
        "relay": str(relay.pk), "message": message, **payload, "callback_url": callback_url(relay),
        "at": timezone.now().isoformat(), "opened_at": relay.created_at.isoformat(),
    }  # fmt: skip


def callback_url(relay: Relay) -> str:
    """Where the agency reports on this relay."""
    return f"{relay.system.callback_base_url.rstrip('/')}/api/v1/relays/{relay.pk}/status"


@transaction.atomic
def relay_hear(*, relay_id: UUID, report: AgencyReport) -> Relay:
    """Applies an agency's report; whatever does not lead forward changes nothing (invariant I3).

    A later position of the same unit is news even where the state stays. Raises Relay.DoesNotExist.
    """
    relay = lock_relay(relay_id)
    actor: Actor = {"kind": "agency", "name": relay.system.slug}
    if leads_forward(relay.state, report.status):
        _advance(relay, report)
        _tell(relay, f"relay.{report.status}", actor, _detail(report))
    elif _is_newer_position(relay, report):
        _move_unit(relay, report)
        _tell(relay, "relay.unit", actor, _detail(report))
    return relay


@transaction.atomic
def relay_call_by_hand(
    *, relay_id: UUID, actor: Actor, called_by: str, note: str, called_at: datetime | None = None
) -> Relay:
    """Records that the agency was told by telephone (at `called_at`, where that was earlier): settles what could not
    be delivered.

    Messages still on their way are dropped, so that the agency is not told twice. Repeating changes
    nothing. Raises Relay.DoesNotExist.
    """
    relay = lock_relay(relay_id)
    if relay.state in ENDED:
        return relay
    now = timezone.now()
    relay.deliveries.filter(state__in=[Delivery.State.PENDING, Delivery.State.FAILED]).update(
        state=Delivery.State.DROPPED, settled_at=now
    )
    relay.state, relay.state_at, relay.called_by, relay.note = RelayState.BY_HAND, now, called_by, note or relay.note
    _settle_attention(relay)
    relay.save()
    at = {"called_at": called_at.isoformat()} if called_at else {}
    _tell(relay, "relay.by_hand", actor, {"called_by": called_by, "note": note, **at})
    return relay


def relays_raise_attention() -> int:
    """Puts every relay that has been undelivered for too long before an operator; returns how many.

    The sweeper calls it every second. Safe to repeat: a relay already raised is left alone.
    """
    late = Q(deliveries__state=Delivery.State.PENDING, deliveries__created_at__lt=timezone.now() - ATTENTION_AFTER)
    waiting = Relay.objects.filter(late, attention_at__isnull=True).exclude(state__in=ENDED).order_by("municipality_id")
    rows = list(waiting.values_list("municipality_id", "pk").distinct()[:RAISED_AT_ONCE])
    return sum(_raise_late([pk for _, pk in group]) for _, group in groupby(rows, key=lambda row: row[0]))


@transaction.atomic
def _raise_late(relay_ids: Collection[UUID]) -> int:
    pending = Delivery.objects.filter(relay=OuterRef("pk"), state=Delivery.State.PENDING)
    late = [one for one in lock_relays(relay_ids) if one.attention_at is None]
    still = set(Relay.objects.filter(Exists(pending), pk__in=[one.pk for one in late]).values_list("pk", flat=True))
    changes = [raise_attention(one, waiting_because(one.system)) for one in late if one.pk in still]
    save_and_tell(changes)
    return len(changes)


def waiting_because(system: LinkedSystem) -> str:
    """Why what is meant for the agency waits, as the operator reads it."""
    if not system.enabled:
        return "disabled"
    if system.paused_at:
        return f"paused by {system.paused_by}"
    if window := system.windows.filter(starts_at__lte=timezone.now(), ends_at__gt=timezone.now()).first():
        return f"maintenance until {window.ends_at.isoformat(timespec='minutes')}: {window.reason}"
    return system.last_error


def raise_attention(relay: Relay, reason: str) -> RelayChange:
    """Marks the relay as needing an operator; for `save_and_tell`. It must be locked."""
    relay.attention_reason = (reason or "no answer")[:200]
    relay.attention_at = timezone.now()
    return change(relay, "relay.attention", SYSTEM_ACTOR, {"reason": relay.attention_reason})


def relay_sent(relay: Relay, message: str, receipt: str) -> RelayChange:
    """Notes that the agency has taken a message; for `save_and_tell`. The relay must be locked."""
    _settle_attention(relay)
    relay.receipt = relay.receipt or receipt[:120]
    relay.sent_at = relay.sent_at or timezone.now()
    if leads_forward(relay.state, RelayState.SENT):
        relay.state, relay.state_at = RelayState.SENT, timezone.now()
    kind = "relay.sent" if message == Delivery.Message.CREATE else "relay.updated"
    return change(relay, kind, SYSTEM_ACTOR, {"receipt": receipt[:120], "message": message})


def relay_failed(relay: Relay, reason: str) -> RelayChange | None:
    """Notes that the agency will not take a message; an operator must act, unless the case has ended: an agency
    that refuses the close of what it has closed itself needs nobody. For `save_and_tell`; the relay must be locked."""
    if relay.state in ENDED:
        return None
    if leads_forward(relay.state, RelayState.FAILED):
        relay.state, relay.state_at = RelayState.FAILED, timezone.now()
    return raise_attention(relay, reason)


def lock_relay(relay_id: UUID) -> Relay:
    """The relay with its subject and its row locked. Raises Relay.DoesNotExist."""
    found = lock_relays([relay_id])
    if not found:
        raise Relay.DoesNotExist
    return found[0]


def lock_relays(relay_ids: Collection[UUID]) -> list[Relay]:
    """The relays with their subjects and their rows locked; those that do not exist are missing."""
    rows = Relay.objects.filter(pk__in=relay_ids)
    lock_subjects(rows.values_list("subject", flat=True))
    locked = whole_relays().filter(pk__in=relay_ids).order_by("pk")
    return list(locked.select_for_update(no_key=True, of=("self",)))


def save_and_tell(changes: Iterable[RelayChange | None]) -> None:
    """Writes what sending changes in relays, and tells of it."""
    made = [one for one in changes if one]
    bulk.update(Relay, [{name: getattr(one.relay, name) for name in SENDING_CHANGES} for one in made])
    tell(made)


def _rearm(relay: Relay) -> None:
    """The operator asks again: the one move back, made by a person and written in the ledger."""
    relay.deliveries.filter(state=Delivery.State.FAILED).update(
        state=Delivery.State.PENDING, due_at=timezone.now(), created_at=timezone.now(), settled_at=None
    )
    relay.state, relay.state_at = RelayState.QUEUED, timezone.now()
    _settle_attention(relay)
    relay.save()
    transaction.on_commit(lambda: nudge.lane(relay.system_id))


def _advance(relay: Relay, report: AgencyReport) -> None:
    relay.state, relay.state_at = report.status, timezone.now()
    relay.unit = report.unit or relay.unit
    relay.result_code = report.result_code or relay.result_code
    relay.note = report.note or relay.note
    _take_as_arrived(relay)
    if report.lat is not None or report.eta_s is not None:
        _place_unit(relay, report)
    relay.save()


def _take_as_arrived(relay: Relay) -> None:
    """An agency that speaks of a relay has its create message, whatever it answered then. Attention ends with
    that, unless a later message (a cancel) still hangs."""
    relay.deliveries.filter(position=1, state=Delivery.State.FAILED).update(
        state=Delivery.State.DELIVERED, settled_at=timezone.now()
    )
    hanging = relay.deliveries.filter(position__gt=1, state__in=[Delivery.State.PENDING, Delivery.State.FAILED])
    if relay.state in ENDED or not hanging.exists():
        _settle_attention(relay)


def _is_newer_position(relay: Relay, report: AgencyReport) -> bool:
    same_leg = report.status == relay.state == RelayState.DISPATCHED
    return same_leg and report.lat is not None and (relay.unit_at is None or report.at > relay.unit_at)


def _move_unit(relay: Relay, report: AgencyReport) -> None:
    relay.unit = report.unit or relay.unit
    _place_unit(relay, report)
    relay.save()


def _place_unit(relay: Relay, report: AgencyReport) -> None:
    relay.eta_s, relay.unit_at = report.eta_s, report.at
    if report.lat is not None and report.lon is not None:
        relay.lat, relay.lon = report.lat, report.lon


def _settle_attention(relay: Relay) -> None:
    relay.attention_reason, relay.attention_at = "", None


def _detail(report: AgencyReport) -> dict[str, Any]:
    said = {
        "at": report.at.isoformat(),
        "unit": report.unit,
        "eta_s": report.eta_s,
        "result_code": report.result_code,
        "note": report.note,
    }
    return {name: value for name, value in said.items() if value not in ("", None)}


def _tell(relay: Relay, kind: str, actor: Actor, detail: dict[str, Any]) -> None:
    tell([change(relay, kind, actor, detail)])
