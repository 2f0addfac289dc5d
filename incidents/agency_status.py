"""What agencies that opened a case here hear of it: RECEIVED, DISPATCHED, ARRIVED, and one end.

A case is one `source_event_no` of one agency: a subject of its events. Several may be in one incident, each with
an address of its own; the agency's relay about the incident carries the statuses of them all. Subjects are
locked by the caller.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from incidents.models import Event
from linkage import cases, relays
from linkage.models import Delivery, Relay
from linkage.states import ENDED, RelayState
from ocenter.accounts.principal import SYSTEM_ACTOR

# What another agency's unit does, in the words of a case.
STATUS_OF: Final[dict[str, str]] = {RelayState.DISPATCHED: "DISPATCHED", RelayState.ARRIVED: "ARRIVED"}


class Case(NamedTuple):
    """One case of one agency: its number there, where it wants to hear, and whether the agency itself has ended it."""

    reference: str
    address: str
    is_over: bool


def cases_of(relay: Relay) -> list[Case]:
    """The agency's cases in the relay's incident, in the order it opened them."""
    found: dict[str, Case] = {}
    events = Event.objects.filter(system_id=relay.system_id, incident__number=relay.subject).exclude(subject="")
    for subject, action, attributes in events.order_by("id").values_list("subject", "action", "attributes"):
        known = found.get(subject)
        address = attributes.get("callback_url") or (known.address if known else "")
        over = action != Event.Action.REPORT or (known is not None and known.is_over)
        found[subject] = Case(subject, address, over)
    return list(found.values())


def opened_relays(number: str) -> list[Relay]:
    """The relays whose agencies opened a case in the incident themselves and have not ended it."""
    return list(relays.whole_relays().filter(subject=number).exclude(reference="").exclude(state__in=ENDED))


def is_told_by_us(relay: Relay) -> bool:
    """Whether we relayed the incident to the agency; one that only opened a case here gets no messages of ours."""
    return not relay.reference or relay.deliveries.filter(message=Delivery.Message.CREATE).exists()


def unit_tell(moved: Relay) -> None:
    """Tells the other agencies' cases that a unit of this relay's agency is on its way or has arrived."""
    for relay in opened_relays(moved.subject):
        if relay.system_id != moved.system_id:
            tell(relay, STATUS_OF[moved.state])


def tell(relay: Relay, status: str, *, result_code: str = "", only: str = "") -> None:
    """Queues a status for the agency's cases, or the `only` one named, where it is news to them."""
    for case in cases_of(relay):
        if not only or case.reference == only:
            cases.status_queue(
                relay=relay, reference=case.reference, address=case.address, status=status, result_code=result_code
            )


def end(relay: Relay, status: str, *, result_code: str = "") -> None:
    """The centre has closed or cancelled: tells the agency's cases. The relay ends once they have all heard; at once
    where none of them gave an address."""
    tell(relay, status, result_code=result_code)
    if not any(case.address for case in cases_of(relay)):
        cases.case_end(relay=relay, state=cases.RELAY_END[status], result_code=result_code, actor=SYSTEM_ACTOR)
