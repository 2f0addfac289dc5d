"""Cases an agency has opened here: a relay without a create message, and the statuses it wants to hear.

The agency knows the subject already, so nothing is relayed to it; it is told how its case goes, at the
address it gave (`{"source_event_no", "status", "result_code", "at"}`), through the outbox like everything.
Every function here expects the subject to be locked (`relays.lock_subject`).
"""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from linkage import nudge
from linkage.models import Delivery, LinkedSystem, Relay
from linkage.relays import relay_of
from linkage.signals import relay_changed
from linkage.states import RelayState, leads_forward
from ocenter.accounts.principal import Actor

# How far a case has come, in the agencies' words (DOMAIN.md §2); the last two are ends, and final.
STATUS_RANK: Final[dict[str, int]] = {"RECEIVED": 1, "DISPATCHED": 2, "ARRIVED": 3, "CLOSED": 4, "CANCELLED": 4}
FINAL: Final = 4


def case_open(
    *, system: LinkedSystem, subject: str, reference: str, status_url: str, actor: Actor, detail: dict[str, Any]
) -> Relay:
    """The agency's relay about the subject, opened by the agency itself; repeating returns the same.

    Where the agency had been told by us already, that relay stays as it is and takes the agency's number.
    """
    relay = relay_of(system, subject)
    if relay is None:
        relay = Relay.objects.create(
            system=system, subject=subject, municipality_id=system.municipality_id, state=RelayState.ACCEPTED,
            reference=reference, status_url=status_url,
        )  # fmt: skip
        _tell(relay, "relay.opened", actor, {**detail, "reference": reference})
    elif not relay.reference:
        relay.reference, relay.status_url = reference, status_url
        if leads_forward(relay.state, RelayState.ACCEPTED):
            relay.state, relay.state_at = RelayState.ACCEPTED, timezone.now()
        relay.save()
        _tell(relay, "relay.opened", actor, {**detail, "reference": reference})
    return relay


def case_end(*, relay: Relay, state: str, result_code: str, actor: Actor) -> bool:
    """Ends the relay by the agency's own word; whether that changed anything."""
    if not leads_forward(relay.state, state):
        return False
    relay.state, relay.state_at = state, timezone.now()
    relay.result_code = result_code or relay.result_code
    relay.attention_reason, relay.attention_at = "", None
    relay.save()
    _tell(relay, f"relay.{state}", actor, {"result_code": result_code} if result_code else {})
    return True


def status_queue(*, relay: Relay, reference: str, address: str, status: str, result_code: str = "") -> bool:
    """Queues a status of one case behind the earlier ones; whether it was news.

    A case is told each status once, moves forward only, and hears nothing after an end. Where the agency gave
    no address, nobody is waiting.
    """
    if not address or STATUS_RANK[status] <= _told(relay, reference):
        return False
    last = relay.deliveries.aggregate(last=Max("position"))["last"] or 0
    Delivery.objects.create(
        relay=relay,
        system_id=relay.system_id,
        position=last + 1,
        message=Delivery.Message.STATUS,
        address=address,
        payload={
            "source_event_no": reference,
            "status": status,
            "result_code": result_code or None,
            "at": timezone.now().isoformat(),
        },
    )
    transaction.on_commit(lambda: nudge.lane(relay.system_id))
    return True


def _told(relay: Relay, reference: str) -> int:
    """The rank of the last status queued for a case; 0 before the first."""
    said = relay.deliveries.filter(message=Delivery.Message.STATUS, payload__source_event_no=reference)
    return max((STATUS_RANK[status] for status in said.values_list("payload__status", flat=True)), default=0)


def _tell(relay: Relay, kind: str, actor: Actor, detail: dict[str, Any]) -> None:
    relay_changed.send(
        sender=Relay, relay=relay, kind=kind, actor=actor,
        detail={"relay": str(relay.pk), "agency": relay.system.slug, **detail},
    )  # fmt: skip
