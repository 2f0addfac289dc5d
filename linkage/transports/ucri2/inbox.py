"""What a partner's messages do here, in PostgreSQL: each in one transaction, each safe to repeat.

A mailbox gives a message again until it is committed, and a partner may send one twice: a relay moves forward
only, a text is noted once, and an operator is called once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from linkage import quarantine, relays
from linkage.models import Attempt, Delivery, LinkedSystem, Relay
from linkage.quarantine import Misunderstood
from linkage.relays import AgencyReport
from linkage.states import ENDED, RANK, RelayState
from linkage.transports.base import Target
from linkage.transports.ucri2 import messages
from linkage.transports.ucri2.envelope import NotUnderstood, Received
from linkage.transports.ucri2.options import BadOptions, Settings
from ocenter.accounts.principal import Actor

FORMAT: Final = "ucri2"
DELIVERED: Final = 200
# The module gave up handing a message over: the partner was away. It has thrown the message away.
TIMED_OUT: Final = 504
ANSWERS: Final = {"accepted": RelayState.ACCEPTED, "rejected": RelayState.DECLINED}
ENDS: Final = {"completed_sucessfully": RelayState.CLOSED, "aborted": RelayState.CANCELLED}
ERROR_LENGTH: Final = 200


@dataclass(frozen=True)
class Partner:
    """A linked system we share a mailbox with."""

    system: LinkedSystem
    settings: Settings

    def target(self, deadline_s: float) -> Target:
        """How to reach the module that serves it."""
        one = self.system
        return Target(
            one.pk, one.slug, one.transport, tuple(one.secrets), one.allowed_network, deadline_s, one.options
        )  # fmt: skip


@dataclass(frozen=True)
class Again:
    """A delivery the module has thrown away: to be handed to it once more, under the same key."""

    delivery_id: UUID
    system_id: int
    message: str
    payload: dict[str, Any]


def partners(endpoint: str, own_oid: str) -> dict[str, Partner]:
    """The partners whose messages come into one mailbox, by OID: enabled systems at the same module that know us
    by the same OID. Systems whose settings cannot be used are left out."""
    systems = LinkedSystem.objects.filter(transport=LinkedSystem.Transport.UCRI2, enabled=True).order_by("pk")
    found: dict[str, Partner] = {}
    for system in systems.select_related("municipality").defer("municipality__boundary"):
        try:
            settings = Settings.of(system.options)
        except BadOptions:
            continue
        if system.endpoint.rstrip("/") == endpoint.rstrip("/") and settings.own_oid == own_oid:
            found.setdefault(settings.partner_oid, Partner(system, settings))
    return found


def hear(partner: Partner, received: Received) -> None:
    """Applies an answer, an end or a text about one of our relays. Raises NotUnderstood."""
    name = (received.message.app, received.message.schema)
    if name not in _HEARD:
        raise NotUnderstood(f"we do not take the message {name[1]:.60} of the app {name[0]:.60}")
    _HEARD[name](partner, received.message.data)


def _acknowledged(partner: Partner, data: Mapping[str, Any]) -> None:
    status = messages.one_of(data, "status", ANSWERS)
    at = messages.moment_in(data, "acknowledgedByDispatcherAt")
    _report(partner, data, AgencyReport(status, at, note=messages.text_in(data, "cause")))


def _completed(partner: Partner, data: Mapping[str, Any]) -> None:
    """An aborted mission resolves nothing here: the relay ends as cancelled, and the operator decides."""
    status = messages.one_of(data, "status", ENDS)
    at = messages.moment_in(data, "completedAt")
    result = partner.settings.result_code if status == RelayState.CLOSED else ""
    note = messages.text_in(data, "additionalInformation")
    _report(partner, data, AgencyReport(status, at, result_code=result, note=note))


def _report(partner: Partner, data: Mapping[str, Any], report: AgencyReport) -> None:
    relays.relay_hear(relay_id=_own_relay(partner, data), report=report)


@transaction.atomic
def _told(partner: Partner, data: Mapping[str, Any]) -> None:
    """Notes the partner's texts with the relay; what is noted already is left alone."""
    notes = data.get("notifications")
    if not isinstance(notes, list) or not all(isinstance(one, dict) for one in notes):
        raise NotUnderstood("notifications is no list of objects")
    relay = relays.lock_relay(_relay_spoken_of(partner, data))
    for text in (messages.text_in(one, "message") for one in notes):
        if text and text not in relay.note:
            relay.note = f"{relay.note}\n{text}".strip()
            relay.save(update_fields=["note"])
            actor: Actor = {"kind": "agency", "name": relay.system.slug}
            relays.tell([relays.change(relay, "relay.note", actor, {"note": text})])


_HEARD: Final[dict[tuple[str, str], Callable[[Partner, Mapping[str, Any]], None]]] = {
    (messages.TRANSFER, "acknowledgement"): _acknowledged,
    (messages.TRANSFER, "completion"): _completed,
    (messages.TEXT, "notification"): _told,
}


def _own_relay(partner: Partner, data: Mapping[str, Any]) -> UUID:
    """The relay a message is about: ours to this very partner, so that nobody speaks of another's."""
    relay_id = messages.shared_id(data)
    if not Relay.objects.filter(pk=relay_id, system=partner.system).exists():
        raise NotUnderstood(f"{relay_id} is no relay of ours to this partner")
    return relay_id


def _relay_spoken_of(partner: Partner, data: Mapping[str, Any]) -> UUID:
    """The relay a text is about: ours to the partner, or the one of a case the partner opened here."""
    opened = Relay.objects.filter(system=partner.system, reference=str(messages.shared_id(data)))
    return opened.values_list("pk", flat=True).first() or _own_relay(partner, data)


@transaction.atomic
def delivery_reported(system_ids: Collection[int], data: Mapping[str, Any]) -> Again | None:
    """Applies the module's report on an envelope of ours; returns what must be handed to it again.

    A message it could not hand over is put before an operator at once; that ends when the module reports success,
    or when the partner speaks of the relay. Raises NotUnderstood.
    """
    code = data.get("statusCode")
    if type(code) is not int:
        raise NotUnderstood("statusCode is no number")
    delivery_id = messages.uuid_in(data, "refMessageId")
    delivery = Delivery.objects.filter(pk=delivery_id, system_id__in=system_ids).first()
    if delivery is None:
        return None  # about an answer of ours, which the partner's next message makes again
    relay = relays.lock_relay(delivery.relay_id)
    if code == DELIVERED:
        if relay.attention_reason.startswith(_not_handed_over(delivery)):
            relays.save_and_tell([relays.relay_sent(relay, delivery.message, str(delivery.pk))])
        return None
    if relay.state in ENDED or (delivery.position == 1 and RANK[relay.state] > RANK[RelayState.SENT]):
        return None  # whatever the module says, the partner has it
    if not relay.attention_reason.startswith(_not_handed_over(delivery)):
        relays.save_and_tell([relays.raise_attention(relay, f"{_not_handed_over(delivery)} {_cause(code, data)}")])
    if code == TIMED_OUT and delivery.state == Delivery.State.DELIVERED:
        return Again(delivery.pk, delivery.system_id, delivery.message, delivery.payload)
    return None


def _not_handed_over(delivery: Delivery) -> str:
    return f"UCRI2: {delivery.message} not handed over:"


def _cause(code: int, data: Mapping[str, Any]) -> str:
    cause = data.get("cause")
    said = messages.text_in(cause, "reason") if isinstance(cause, dict) else ""
    return f"{said or messages.text_in(data, 'statusMessage') or 'no reason given'} ({code})"


def again_noted(again: Again, *, endpoint: str, started_at: datetime, duration_ms: int, status: int | None) -> None:
    """Keeps the attempt of handing a delivery over once more."""
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update(no_key=True).get(pk=again.delivery_id)
        delivery.attempts += 1
        delivery.save(update_fields=["attempts"])
        Attempt.objects.create(
            delivery=delivery, number=delivery.attempts, started_at=started_at, duration_ms=duration_ms,
            endpoint=endpoint, status=status,
        )  # fmt: skip


def set_aside(system: LinkedSystem, raw: Mapping[str, Any], reason: str) -> None:
    """Keeps what could not be applied in quarantine, with the reason."""
    found = Misunderstood(dict(raw), [{"field": "", "message": reason}])
    quarantine.keep(system=system, format_name=FORMAT, found=[found])


def heard(system_ids: Collection[int], error: str | None = None) -> None:
    """Notes that the module answered, or `error`; "" ends an earlier one."""
    now = timezone.now()
    changes: dict[str, Any] = {"last_error_at": now} if error else {"last_contact_at": now}
    if error is not None:
        changes["last_error"] = error[:ERROR_LENGTH]
    LinkedSystem.objects.filter(pk__in=system_ids).update(**changes)
