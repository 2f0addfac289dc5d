"""How an incident and a relay look from outside: the same in REST, socket, ledger and relay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from incidents.codes import CODES
from incidents.models import Incident
from incidents.states import moves_from
from linkage.models import Relay
from ocenter.accounts.models import User

Names = dict[str, str]


class RelayPayload(TypedDict):
    """One relay to one agency; positions are the unit's, WGS84."""

    id: str
    incident: str
    municipality: str
    agency: str
    agency_name: Names
    phone: str
    state: str
    attention: dict[str, str] | None
    receipt: str | None
    unit: str | None
    eta_s: int | None
    lat: float | None
    lon: float | None
    result_code: str | None
    note: str
    created_at: str
    sent_at: str | None
    state_at: str
    called_by: str | None
    attempts: int


class Offer(TypedDict):
    """A hand-over that waits for consent: `to` would hold it, `asked` is who must say yes."""

    to: Names
    by: Names
    asked: str
    until: str


class Shelf(TypedDict):
    """Why an incident is put aside, by whom; `suppression` is the id of the suppressed source it came from."""

    by: Names | None
    reason: str
    suppression: int | None


class IncidentPayload(TypedDict):
    """One incident, whole. Times are ISO 8601 with offset, positions WGS84 or null where unknown."""

    number: str
    municipality: str
    code: str
    family: str
    service: str
    title: Names
    grade: str
    status: str
    summary: str
    address: str
    place: str
    lat: float | None
    lon: float | None
    area: dict[str, Any] | None
    expires_at: str | None
    occurred_at: str
    received_at: str
    last_event_at: str
    acknowledged_at: str | None
    closed_at: str | None
    ack_due_at: str | None
    escalation: int
    escalated_at: str | None
    event_count: int
    source: dict[str, Any]
    holder: dict[str, str] | None
    offer: Offer | None
    shelved_until: str | None
    shelf: Shelf | None
    result_code: str | None
    reason: str | None
    merged_into: str | None
    relays: list[RelayPayload]
    moves: list[str]
    version: int


def iso(at: datetime | None) -> str | None:
    """ISO 8601 with offset, or None."""
    return at.isoformat() if at else None


def relay_payload(relay: Relay) -> RelayPayload:
    """The relay from outside; `relay.system` and `relay.municipality` should be loaded."""
    attention = None
    if relay.attention_at:
        attention = {"reason": relay.attention_reason, "since": relay.attention_at.isoformat()}
    return {
        "id": str(relay.id),
        "incident": relay.subject,
        "municipality": relay.municipality.code,
        "agency": relay.system.slug,
        "agency_name": relay.system.name,
        "phone": relay.system.phone,
        "state": relay.state,
        "attention": attention,
        "receipt": relay.receipt or None,
        "unit": relay.unit or None,
        "eta_s": relay.eta_s,
        "lat": relay.lat,
        "lon": relay.lon,
        "result_code": relay.result_code or None,
        "note": relay.note,
        "created_at": relay.created_at.isoformat(),
        "sent_at": iso(relay.sent_at),
        "state_at": relay.state_at.isoformat(),
        "called_by": relay.called_by or None,
        "attempts": relay.attempts,
    }


def person(user: User) -> Names:
    """How a payload names somebody who works here."""
    return {"username": user.username, "name": user.label}


def _offer(incident: Incident) -> Offer | None:
    to, by = incident.offered_to, incident.offered_by
    if incident.offer_until is None or to is None or by is None:
        return None
    asked = asked_of(incident)
    return {
        "to": person(to), "by": person(by), "asked": asked.username if asked else "", "until": incident.offer_until.isoformat(),
    }  # fmt: skip


def asked_of(incident: Incident) -> User | None:
    """Whose consent the pending offer wants: the one it goes to, or the holder where somebody asks for it."""
    asks_for_it = incident.offered_to_id == incident.offered_by_id
    return incident.holder if asks_for_it else incident.offered_to


def _shelf(incident: Incident) -> Shelf | None:
    if incident.shelved_until is None:
        return None
    by = incident.shelved_by
    return {"by": person(by) if by else None, "reason": incident.shelf_reason, "suppression": incident.suppression_id}


def incident_payload(incident: Incident, relays: Iterable[Relay] = ()) -> IncidentPayload:
    """The incident from outside; related rows should be loaded, or each costs a query."""
    code = CODES[incident.code]
    system, holder = incident.system, incident.holder
    return {
        "number": incident.number,
        "municipality": incident.municipality.code,
        "code": incident.code,
        "family": incident.family,
        "service": code.service,
        "title": code.name,
        "grade": incident.grade,
        "status": incident.status,
        "summary": incident.summary,
        "address": incident.address,
        "place": incident.place,
        "lat": incident.lat,
        "lon": incident.lon,
        "area": incident.area,
        "expires_at": iso(incident.expires_at),
        "occurred_at": incident.occurred_at.isoformat(),
        "received_at": incident.received_at.isoformat(),
        "last_event_at": incident.last_event_at.isoformat(),
        "acknowledged_at": iso(incident.acknowledged_at),
        "closed_at": iso(incident.closed_at),
        "ack_due_at": iso(incident.ack_due_at),
        "escalation": incident.escalation,
        "escalated_at": iso(incident.escalated_at),
        "event_count": incident.event_count,
        "source": {
            "system": system.slug if system else None,
            "name": system.name if system else None,
            "device_id": incident.device_id or None,
        },
        "holder": person(holder) if holder else None,
        "offer": _offer(incident),
        "shelved_until": iso(incident.shelved_until),
        "shelf": _shelf(incident),
        "result_code": incident.result_code or None,
        "reason": incident.reason or None,
        "merged_into": incident.merged_into.number if incident.merged_into else None,
        "relays": [relay_payload(relay) for relay in relays],
        "moves": moves_from(incident.status),
        "version": incident.version,
    }


def incident_payloads(
    incidents: Sequence[Incident], relays: Mapping[str, Sequence[Relay]]
) -> list[IncidentPayload]:
    """Several incidents; `relays` is keyed by incident number (see `selectors.relays_by_subject`)."""
    return [incident_payload(one, relays.get(one.number, ())) for one in incidents]
