"""Our messages to agencies as messages of UCRI2's apps, and the partner's messages read.

`incident_transfer` 1.0 knows three messages: the giving side sends `incident`, the taking side answers
`acknowledgement` and may end with `completion`. A case that changes or is withdrawn has no message of its own; it
goes as a text of the app `notification_text`, which exists for what the others cannot say. `sharedIncidentId` is
our relay's id, so that whatever is said of it names the relay; of a partner's case it is the partner's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from linkage.transports.ucri2.envelope import AppMessage, NotUnderstood

TRANSFER: Final = "incident_transfer"
TEXT: Final = "notification_text"
TRANSPORT_LAYER: Final = "transport_layer_messages"
# The specification warns that receivers cut free text beyond this.
TEXT_AT_MOST: Final = 2_000
# A service on its way to these uses lights and sirens.
URGENT: Final = frozenset({"G1", "G2"})
NO_PLACE: Final = {"ko": "위치 미상", "en": "Location unknown", "de": "Einsatzort unbekannt"}
CAMERAS: Final = {"ko": "주변 카메라", "en": "Cameras nearby", "de": "Kameras in der Nähe"}
NOTICES: Final[dict[str, dict[str, str]]] = {
    "update": {"ko": "변경", "en": "Changed", "de": "Änderung"},
    "cancel": {"ko": "취소", "en": "Withdrawn", "de": "Zurückgezogen"},
    "close": {"ko": "종료", "en": "Closed by the sender", "de": "Vom Absender beendet"},
    "DISPATCHED": {"ko": "출동", "en": "Unit dispatched", "de": "Kräfte alarmiert"},
    "ARRIVED": {"ko": "현장 도착", "en": "Unit on scene", "de": "Kräfte vor Ort"},
}
CLOSED: Final = "CLOSED"
CANCELLED: Final = "CANCELLED"
RECEIVED: Final = "RECEIVED"


class NotSayable(ValueError):
    """The protocol has no words for this message; the text says which."""


def outgoing(message: str, payload: Mapping[str, Any], *, language: str, country: str, now: datetime) -> AppMessage:
    """One of our messages (`linkage.models.Delivery.Message`) in the protocol's words; `now` stands for the moment
    of handing over. Raises NotSayable."""
    if message == "create":
        return AppMessage(TRANSFER, "incident", _incident(payload, language, country, now))
    if message == "status":
        return _status(payload, language)
    if message in NOTICES:
        return _notice(message, payload, language, now)
    raise NotSayable(f"UCRI2 has no message for {message!r}")


def rejection(shared_id: UUID, cause: str, now: datetime) -> AppMessage:
    """Our answer to a partner's incident that we do not take: it stays the partner's."""
    return _acknowledgement(str(shared_id), "rejected", now, cause=cause[:TEXT_AT_MOST])


def _status(payload: Mapping[str, Any], language: str) -> AppMessage:
    """How a partner's case goes here (`linkage.cases`): taken over, its course as a text, its end."""
    shared, status, at = payload["source_event_no"], payload["status"], datetime.fromisoformat(payload["at"])
    if status == RECEIVED:
        return _acknowledgement(shared, "accepted", at)
    if status in (CLOSED, CANCELLED):
        # The spelling is the schema's own.
        end = "completed_sucessfully" if status == CLOSED else "aborted"
        said = {"sharedIncidentId": shared, "completedAt": utc(at), "status": end}
        note = payload.get("result_code")
        return AppMessage(TRANSFER, "completion", {**said, "additionalInformation": note} if note else said)
    if status in NOTICES:
        return _text(shared, NOTICES[status][language], status.lower(), at)
    raise NotSayable(f"UCRI2 has no message for the status {status!r}")


def _acknowledgement(shared: str, status: str, at: datetime, **more: str) -> AppMessage:
    said = {"sharedIncidentId": shared, "acknowledgedByDispatcherAt": utc(at), "status": status, **more}
    return AppMessage(TRANSFER, "acknowledgement", said)


def _text(shared: str, text: str, category: str, at: datetime) -> AppMessage:
    # `silent` is left out: its title and its description contradict each other.
    note = {"timestamp": utc(at), "message": text[:TEXT_AT_MOST], "category": category}
    return AppMessage(TEXT, "notification", {"sharedIncidentId": shared, "notifications": [note]})


def utc(at: datetime) -> str:
    """A moment as the apps write it: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _incident(payload: Mapping[str, Any], language: str, country: str, now: datetime) -> dict[str, Any]:
    incident = payload["incident"]
    said: dict[str, Any] = {
        "sharedIncidentId": payload["relay"],
        "internalId": incident["number"],
        "sentByDispatcherAt": utc(now),
        "missionLocation": _location(incident, language, country),
    }
    if marks := [incident[name] for name in ("code", "grade") if incident.get(name)]:
        said["classifications"] = marks
    if issue := " · ".join(_headline(incident, language)):
        said["issue"] = issue[:TEXT_AT_MOST]
    if incident.get("grade"):
        said["flashingLights"] = incident["grade"] in URGENT
    if incident.get("occurred_at"):
        said["startTimestamp"] = utc(datetime.fromisoformat(incident["occurred_at"]))
    if cameras := _cameras(payload, language):
        said["additionalInformation"] = cameras[:TEXT_AT_MOST]
    if payload.get("text"):
        said["protocolRemarks"] = [{"timestamp": utc(now), "message": payload["text"][:TEXT_AT_MOST]}]
    return said


def _headline(incident: Mapping[str, Any], language: str) -> Iterator[str]:
    title = incident.get("title") or {}
    yield from (text for text in (title.get("ko" if language == "ko" else "en"), incident.get("summary")) if text)


def _location(incident: Mapping[str, Any], language: str, country: str) -> dict[str, Any]:
    """A coordinate or an address at least; a case without either is sent all the same, and says so."""
    lat, lon, street = incident.get("lat"), incident.get("lon"), incident.get("address") or incident.get("place")
    said: dict[str, Any] = {}
    if lat is not None and lon is not None:
        said["coordinate"] = {"lat": lat, "lon": lon}
    if street or not said:
        # Korean addresses come as one line; the schema's only obligatory part takes it.
        said["address"] = {"street": street or NO_PLACE[language], "country": country}
    if incident.get("place"):
        said["additionalInformation"] = incident["place"]
    return said


def _cameras(payload: Mapping[str, Any], language: str) -> str:
    named = [f"{one['name']} ({one['distance_m']} m)" for one in payload.get("cameras") or []]
    return f"{CAMERAS[language]}: {', '.join(named)}" if named else ""


def _notice(message: str, payload: Mapping[str, Any], language: str, now: datetime) -> AppMessage:
    incident = payload["incident"]
    marks = [incident[name] for name in ("code", "grade") if incident.get(name)]
    rest = [incident[name] for name in ("address", "reason", "result_code", "note") if incident.get(name)]
    word = NOTICES[message][language]
    own = [payload["text"]] if payload.get("text") else []  # the operator's words first: they are the news
    text = " · ".join([f"{word}: {incident['number']}", *own, *marks, *_headline(incident, language), *rest])
    return _text(payload["relay"], text, message, now)


def shared_id(data: Mapping[str, Any]) -> UUID:
    """The incident a partner's message is about. Raises NotUnderstood."""
    return uuid_in(data, "sharedIncidentId")


def uuid_in(data: Mapping[str, Any], name: str) -> UUID:
    """A UUID a message must hold. Raises NotUnderstood."""
    try:
        return UUID(data[name])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise NotUnderstood(f"{name} is no UUID") from error


def moment_in(data: Mapping[str, Any], name: str) -> datetime:
    """A moment a message must hold, aware; one without an offset is UTC, as the apps say. Raises NotUnderstood."""
    try:
        at = datetime.fromisoformat(data[name])
    except (KeyError, ValueError, TypeError) as error:
        raise NotUnderstood(f"{name} is no moment in ISO 8601") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def one_of(data: Mapping[str, Any], name: str, choices: Mapping[Any, Any]) -> Any:
    """What the message's choice stands for. Raises NotUnderstood."""
    found = data.get(name)
    if not isinstance(found, str | int) or found not in choices:
        raise NotUnderstood(f"{name} is none of {', '.join(map(str, choices))}")
    return choices[found]


def text_in(data: Mapping[str, Any], name: str) -> str:
    """A free text a message may hold, or "": cut, and without the NUL that PostgreSQL cannot hold."""
    found = data.get(name)
    return found.replace("\x00", "�")[:TEXT_AT_MOST] if isinstance(found, str) else ""
