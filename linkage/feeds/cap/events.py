"""A CAP message as an event of the public contract.

Identity is sender, identifier and sent together, as the standard has it. An Alert opens a subject of its own;
Updates and Cancels belong to the oldest message they refer to, and name all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from linkage.cap import divisions, event_codes
from linkage.cap.geometry import centre_of, geojson, geometry_of
from linkage.cap.model import SEVERITIES, Alert, Area, Info, Named, Position, Reference
from linkage.feeds.base import EventDocument, Link, NotUsable, stable_id

ID_LENGTH: Final = 200
SUMMARY_LENGTH: Final = 500
ADDRESS_LENGTH: Final = 300
REFERENCES_AT_MOST: Final = 50
ATTRIBUTES_BYTES: Final = 15_000  # of the 16 KiB an event may carry
DESCRIPTION_LENGTH: Final = 1_500
TEXT_LENGTH: Final = 500
LISTED: Final = 40

GRADES: Final[Mapping[str, str]] = {"Extreme": "G1", "Severe": "G2", "Moderate": "G3", "Minor": "G4"}
# A message that does not say how grave it is: what is still to come or going on is looked at first.
GRADES_OF_UNKNOWN: Final[Mapping[str, str]] = {"Immediate": "G3", "Expected": "G3"}
GRADE_OTHERWISE: Final = "G4"
EVENTFUL: Final = ("Alert", "Update", "Cancel")


def is_real(alert: Alert) -> bool:
    """Whether the message is about something real. A test, an exercise, a draft, a message between systems, an
    acknowledgement or an error never is; nor is what its event code calls a test or a demonstration (I10)."""
    trial = bool(alert.infos) and all(event_codes.is_trial(info) for info in alert.infos)
    return alert.status == "Actual" and alert.message_type in EVENTFUL and not trial


def home_of(link: Link | None) -> BaseGeometry | None:
    """The region the link asks for, by administrative division codes (행정구역코드) in `options.areas`; None for all.

    Raises NotUsable where it names none: what a mistake there would let through, or hold back, waits in quarantine.
    """
    codes = link.options.get("areas") if link else None
    if codes is None:
        return None
    if not isinstance(codes, list) or not codes:
        raise NotUsable("options.areas is a list of 행정구역코드, such as [\"3000000000\"]")
    found = [divisions.area_of(str(one)) for one in codes]
    if None in found:
        raise NotUsable(f"options.areas: {codes[found.index(None)]!r} is no 행정구역코드 anybody knows")
    return shapely.union_all(found)


def is_elsewhere(alert: Alert, home: BaseGeometry) -> bool:
    """Whether an Alert names a place, and none in the region. What refers to earlier messages may end one of ours
    and is never elsewhere."""
    whole = geometry_of(area for info in alert.infos for area in info.areas)
    return alert.message_type == "Alert" and whole is not None and not whole.intersects(home)


def event_of(alert: Alert, home: BaseGeometry | None = None) -> EventDocument:
    """The event; times keep their offsets. With a `home` region it is shown where it touches that; an Update that
    has moved out of it ends there."""
    infos = _in_one_language(alert.infos)
    lead = min(infos, key=lambda info: SEVERITIES.index(info.severity), default=None)
    areas = [area for info in infos for area in info.areas]
    whole = geometry_of(areas)
    has_left = home is not None and whole is not None and not whole.intersects(home)
    centre = centre_of(areas, whole)
    if home is not None and whole is not None and not has_left and not _holds(home, centre):
        centre = centre_of([], whole.intersection(home))
    thread = sorted({_id(one): one.sent for one in alert.references}.items(), key=lambda pair: pair[1])
    event: EventDocument = {
        "id": _id(alert.identity),
        "subject": thread[0][0] if thread and alert.message_type != "Alert" else _id(alert.identity),
        "refers_to": [name for name, _ in thread[-REFERENCES_AT_MOST:]],
        "action": "end" if has_left and alert.message_type == "Update" else _action(alert, infos),
        "code": event_codes.code_of(lead) if lead else event_codes.OTHER,
        "occurred_at": _occurred_at(alert, lead).isoformat(),
        "lat": centre.lat if centre else None,
        "lon": centre.lon if centre else None,
        "summary": _summary(alert, lead),
        "address": "; ".join(dict.fromkeys(area.description for area in areas))[:ADDRESS_LENGTH],
        "attributes": _attributes(alert, infos, lead, areas),
    }  # type: ignore[typeddict-item]
    if lead:
        event["grade"] = GRADES.get(lead.severity) or GRADES_OF_UNKNOWN.get(lead.urgency, GRADE_OTHERWISE)
    if area := geojson(whole):
        event["area"] = area
    if expires := _expires_at(infos):
        event["expires_at"] = expires.isoformat()
    return event


def _holds(region: BaseGeometry, position: Position | None) -> bool:
    return position is not None and region.contains(shapely.Point(position.lon, position.lat))


def _id(message: Reference) -> str:
    """The identity as one text; the same moment written with another offset is the same message."""
    parts = (message.sender, message.identifier, message.sent.astimezone(UTC).isoformat())
    name = ",".join(parts)
    return name if len(name) <= ID_LENGTH else stable_id("cap", parts)


def _in_one_language(infos: Iterable[Info]) -> list[Info]:
    """All that is told in Korean, else all in the first language there is."""
    told = list(infos)
    languages = [info.language.lower() for info in told]
    chosen = next((one for one in languages if one.split("-")[0] == "ko"), languages[0] if languages else "")
    return [info for info, language in zip(told, languages, strict=True) if language == chosen]


def _action(alert: Alert, infos: list[Info]) -> str:
    """Cancel withdraws; an Update whose every word is that all is clear ends."""
    if alert.message_type == "Cancel":
        return "cancel"
    is_over = alert.message_type == "Update" and bool(infos) and all("AllClear" in info.responses for info in infos)
    return "end" if is_over else "report"


def _occurred_at(alert: Alert, lead: Info | None) -> datetime:
    """When it began, where that is past; a later message stands at its own time, which is what orders a thread."""
    if lead and alert.message_type == "Alert":
        for begun in (lead.onset, lead.effective):
            if begun and begun <= alert.sent:
                return begun
    return alert.sent


def _expires_at(infos: list[Info]) -> datetime | None:
    """When the last of what is told is over; None where some of it has no end."""
    ends = [info.expires for info in infos]
    return max(one for one in ends if one) if ends and all(ends) else None


def _summary(alert: Alert, lead: Info | None) -> str:
    if lead is None:
        return (alert.note or alert.identifier)[:SUMMARY_LENGTH]
    return (lead.headline or ": ".join(filter(None, (lead.event, lead.description))))[:SUMMARY_LENGTH]


def _attributes(alert: Alert, infos: list[Info], lead: Info | None, areas: list[Area]) -> dict[str, Any]:
    """What the message says beside the event, the most useful first, as far as there is room."""
    said: dict[str, Any] = {
        "identifier": alert.identifier, "sender": alert.sender, "sent": alert.sent.isoformat(),
        "msg_type": alert.message_type, "scope": alert.scope, "restriction": alert.restriction,
        "addresses": alert.addresses, "cap_version": alert.version,
    }  # fmt: skip
    if lead:
        said |= {
            "event": lead.event, "severity": lead.severity, "urgency": lead.urgency, "certainty": lead.certainty,
            "categories": list(lead.categories), "response_types": list(lead.responses), "sender_name": lead.sender_name,
            "onset": _iso(lead.onset), "effective": _iso(lead.effective), "language": lead.language,
            "headlines": {info.language: info.headline or info.event for info in alert.infos if info not in infos},
            "instruction": lead.instruction, "description": lead.description, "web": lead.web, "contact": lead.contact,
            "event_codes": _lists(lead.event_codes), "audience": lead.audience,
        }  # fmt: skip
    said |= {"note": alert.note, "source": alert.source, "codes": list(alert.codes), "incidents": alert.incidents}
    said["geocodes"] = _lists(one for area in areas for one in area.geocodes)
    said["resources"] = [f"{one.name} {one.value}" for info in infos for one in info.resources]
    said["parameters"] = _lists(one for info in infos for one in info.parameters)
    return _fitting(said)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _lists(pairs: Iterable[Named]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in pairs:
        values = found.setdefault(one.name[:TEXT_LENGTH], [])
        if one.value and one.value not in values:
            values.append(one.value)
    return found


def _fitting(said: Mapping[str, Any]) -> dict[str, Any]:
    """What is not empty, shortened, until the room is used up."""
    kept: dict[str, Any] = {}
    left = ATTRIBUTES_BYTES
    for name, value in said.items():
        short = _short(value, DESCRIPTION_LENGTH if name == "description" else TEXT_LENGTH)
        size = len(orjson.dumps({name: short}))
        if short and size <= left:
            kept[name] = short
            left -= size
    return kept


def _short(value: Any, length: int) -> Any:
    if isinstance(value, str):
        return value[:length]
    if isinstance(value, dict):
        return {key: _short(one, length) for key, one in list(value.items())[:LISTED]}
    if isinstance(value, list):
        return [_short(one, length) for one in value[:LISTED]]
    return value
