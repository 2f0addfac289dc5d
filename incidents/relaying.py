"""What an agency is told: the message of the contract, composed once for preview, operator and rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from incidents import agency_status
from incidents.codes import CODES
from incidents.models import Camera, Incident
from incidents.payloads import incident_payload
from incidents.selectors import NearCamera, by_distance, cameras_near
from linkage import relays
from linkage.models import Delivery, LinkedSystem, Relay
from linkage.states import ENDED

CASE_ENDS: Final[dict[str, str]] = {Delivery.Message.CANCEL: "CANCELLED", Delivery.Message.CLOSE: "CLOSED"}

# Who works on it here, and how, is nobody's business outside (DOMAIN.md §6): no agency hears of it.
ROOM_ONLY: Final = ("relays", "moves", "holder", "offer", "shelf", "escalation", "escalated_at")


@dataclass(frozen=True)
class RelayRequest:
    """To whom, with what; `detail` is what the ledger says of the request."""

    system: LinkedSystem
    payload: dict[str, Any]
    detail: dict[str, Any] = field(default_factory=dict)


def compose(incident: Incident, system: LinkedSystem, *, text: str = "", cameras: Iterable[int] | None = None) -> RelayRequest:
    """The create message for this agency: the incident, the nearest five cameras within 500 m (or those
    named, of the same municipality), and the operator's own words."""
    near = _cameras(incident, cameras)
    body = {**incident_payload(incident)}
    for internal in ROOM_ONLY:
        body.pop(internal)
    payload: dict[str, Any] = {
        "incident": body,
        "service": CODES[incident.code].service,
        "cameras": [camera_payload(one) for one in near],
    }
    if text:
        payload["text"] = text
    detail = {"text": text, "cameras": [one.camera.pk for one in near]}
    return RelayRequest(system, payload, {name: value for name, value in detail.items() if value})


def tell_agencies(
    incident: Incident,
    message: str,
    detail: Mapping[str, Any] | None = None,
    *,
    but: int | None = None,
    at_work: Iterable[Relay] | None = None,
) -> None:
    """Queues a message for every agency still at work on the incident, whose subject must be locked: an update
    carries the incident anew, a cancel or close its number, status and `detail`. An agency that opened a case
    here itself hears of an end as its case's status. `but` is the system the news came from; `at_work` the open relays
    where they are known."""
    for relay in open_relays(incident.number) if at_work is None else at_work:
        if relay.system_id == but:
            continue
        if relay.reference and message in CASE_ENDS:
            agency_status.end(relay, CASE_ENDS[message], result_code=(detail or {}).get("result_code", ""))
        if not agency_status.is_told_by_us(relay):
            continue
        if message == Delivery.Message.UPDATE:
            payload = compose(incident, relay.system).payload
        else:
            payload = {"incident": {"number": incident.number, "status": incident.status, **(detail or {})}}
        relays.message_queue(relay=relay, message=message, payload=payload)


def open_relays(number: str) -> list[Relay]:
    """The relays of an incident whose agencies have not ended their case."""
    return list(relays.whole_relays().filter(subject=number).exclude(state__in=ENDED))


def camera_payload(near: NearCamera) -> dict[str, Any]:
    """A camera as agencies get it: where it is and how far from the incident, never its stream's address."""
    camera = near.camera
    return {
        "id": camera.pk,
        "name": camera.name,
        "lat": camera.lat,
        "lon": camera.lon,
        "distance_m": round(near.distance_m),
        "bearing_deg": round(near.bearing_deg),
        "ptz": camera.ptz,
    }


def _cameras(incident: Incident, wanted: Iterable[int] | None) -> list[NearCamera]:
    if incident.lat is None or incident.lon is None:
        return []
    if wanted is None:
        return cameras_near([incident.municipality_id], incident.lat, incident.lon)
    named = Camera.objects.filter(municipality_id=incident.municipality_id, pk__in=list(wanted))
    return by_distance(named, incident.lat, incident.lon)
