"""Cases an agency has opened here: a relay without a create message, and the statuses it wants to hear.

The agency knows the subject already, so nothing is relayed to it; it is told how its case goes, at the
address it gave (`{"source_event_no", "status", "result_code", "at"}`), through the outbox like everything.
Every function here expects the subject to be locked (`relays.lock_subject`).
"""

from __future__ import annotations

from typing import Any, Final

from django.utils import timezone

from linkage import relays
from linkage.models import Delivery, LinkedSystem, Relay
from linkage.relays import relay_of
from linkage.states import RelayState, leads_forward
from ocenter.accounts.principal import SYSTEM_ACTOR, Actor

# How far a case has come, in the agencies' words (DOMAIN.md §2); the last two are ends, and final.
STATUS_RANK: Final[dict[str, int]] = {"RECEIVED": 1, "DISPATCHED": 2, "ARRIVED": 3, "CLOSED": 4, "CANCELLED": 4}
FINAL: Final = 4
# The relay's own end, by the status that ends a case.
RELAY_END: Final[dict[str, str]] = {"CLOSED": RelayState.CLOSED, "CANCELLED": RelayState.CANCELLED}


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


def case_relay(system: LinkedSystem, subject: str) -> Relay | None:
    """The last relay that carries a case the agency opened itself: not one that we opened there since."""
    opened = relays.whole_relays().filter(system=system, subject=subject).exclude(reference="")
    return opened.order_by("-created_at").first()


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
    payload = {
        "source_event_no": reference,
        "status": status,
        "result_code": result_code or None,
        "at": timezone.now().isoformat(),
    }
    relays.queue_behind(relay, Delivery.Message.STATUS, payload, address=address)
    return True


def status_taken(relay: Relay, payload: dict[str, Any]) -> relays.RelayChange | None:
    """Notes that the agency has taken a status, for `relays.save_and_tell`: once all its cases about the subject
    have heard an end, the relay ends with them. The relay must be locked; its delivery is not yet settled."""
    changed = relay.attention_at is not None
    relay.attention_reason, relay.attention_at = "", None
    status = payload["status"]
    if status not in RELAY_END or not _all_ended(relay, but=payload["source_event_no"]):
        return relays.change(relay, "relay.updated", SYSTEM_ACTOR, {"status": status}) if changed else None
    if not leads_forward(relay.state, RELAY_END[status]):
        return None
    relay.state, relay.state_at = RELAY_END[status], timezone.now()
    relay.result_code = payload["result_code"] or relay.result_code
    relay.save(update_fields=["result_code"])
    return relays.change(relay, f"relay.{relay.state}", SYSTEM_ACTOR, {"status": status})


def _all_ended(relay: Relay, *, but: str) -> bool:
    """Whether every case that was told anything, beside the one named, has taken an end."""
    said = relay.deliveries.filter(message=Delivery.Message.STATUS).exclude(payload__source_event_no=but)
    begun = set(said.values_list("payload__source_event_no", flat=True))
    ended = said.filter(state=Delivery.State.DELIVERED, payload__status__in=list(RELAY_END))
    return begun == set(ended.values_list("payload__source_event_no", flat=True))


def _told(relay: Relay, reference: str) -> int:
    """The rank of the last status queued for a case; 0 before the first."""
    said = relay.deliveries.filter(message=Delivery.Message.STATUS, payload__source_event_no=reference)
    return max((STATUS_RANK[status] for status in said.values_list("payload__status", flat=True)), default=0)


def _tell(relay: Relay, kind: str, actor: Actor, detail: dict[str, Any]) -> None:
    relays.tell([relays.change(relay, kind, actor, detail)])
