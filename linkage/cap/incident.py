"""An incident of ours as a CAP message, from the payload everybody else gets, too.

It is told in Korean and in English. It is never Public: what an operations centre tells an agency names people
and places, and no receiver may take it for a warning to the population. In a demonstration it is an Exercise,
so that it can be taken for nothing real (invariant I10).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from linkage.cap import event_codes
from linkage.cap.divisions import GEOCODE, code_of
from linkage.cap.model import Alert, Area, Circle, Info, Named, Position, Reference

LANGUAGES: Final[Mapping[str, str]] = {"ko": "ko-KR", "en": "en-US"}
# Events within this distance are taken for one happening: as exactly as an incident's place is known.
RADIUS_KM: Final = 0.15
HEADLINE_LENGTH: Final = 160  # what CAP 1.2 advises

SEVERITY: Final[Mapping[str, str]] = {"G1": "Extreme", "G2": "Severe", "G3": "Moderate", "G4": "Minor", "G5": "Minor"}
URGENCY: Final[Mapping[str, str]] = {"G1": "Immediate", "G2": "Immediate", "G3": "Expected", "G4": "Expected", "G5": "Unknown"}
OBSERVED: Final = frozenset({"confirmed", "notified", "responding", "resolved", "closed"})
OVER: Final = frozenset({"resolved", "closed", "cancelled", "false_alarm", "test", "merged"})
# Most of what bells and cameras report turns out to be nothing (DOMAIN.md §1).
DOUBTFUL: Final = frozenset({"BEL", "VCA"})

_CATEGORIES: Final[Mapping[str, str]] = {
    "CRM": "Security", "ORD": "Security", "FIR": "Fire", "RES": "Rescue", "EMS": "Health", "DIS": "Met", "CWD": "Safety",
    "VUL": "Safety", "JUS": "Security", "VEH": "Security", "BEL": "Safety", "VCA": "Security", "TRF": "Transport",
    "SEC": "Security", "SYS": "Infra",
}  # fmt: skip
_CATEGORIES_OF_CODES: Final[Mapping[str, str]] = {"DIS-07": "Geo", "DIS-08": "Geo", "DIS-10": "CBRNE", "DIS-99": "Other"}
_NOWHERE: Final[Mapping[str, str]] = {"ko": "위치 미상", "en": "place unknown"}
_SENDER_NAMES: Final[Mapping[str, str]] = {"ko": "도시통합운영센터", "en": "Integrated operations centre"}
_EXERCISE: Final = "시연·훈련용이며 실제 상황이 아님 / Demonstration, not a real event"


@dataclass(frozen=True)
class Frame:
    """What a message is besides its incident: its identity, the earlier ones it is about, whom it is for.

    `addresses` names the recipients of a Private message; without any it is Restricted to official use.
    """

    identity: Reference
    message_type: str
    references: tuple[Reference, ...] = ()
    sender_name: str = ""
    addresses: str = ""
    note: str = ""
    is_exercise: bool = False


def sender_of(number: str) -> str:
    """Who speaks in messages about the incident of this number: the centre, by its municipality's code."""
    return f"ocenter.{number.partition('-')[0]}"


def alert_of(incident: Mapping[str, Any], frame: Frame) -> Alert:
    """The message. Of an incident that is known by its number alone (a cancel's), it holds no info."""
    notes = (frame.note, _EXERCISE if frame.is_exercise else "")
    return Alert(
        identifier=frame.identity.identifier, sender=frame.identity.sender, sent=frame.identity.sent,
        status="Exercise" if frame.is_exercise else "Actual", message_type=frame.message_type, source="ocenter",
        scope="Private" if frame.addresses else "Restricted", addresses=frame.addresses,
        restriction="" if frame.addresses else "공무용 / official use only", codes=(event_codes.KOREAN_PROFILE,),
        note=" · ".join(filter(None, notes)), references=frame.references, incidents=incident["number"],
        infos=tuple(_info(incident, frame, one) for one in LANGUAGES) if "code" in incident else (),
    )  # fmt: skip


def _info(incident: Mapping[str, Any], frame: Frame, language: str) -> Info:
    code, grade, family = incident["code"], incident["grade"], incident["family"]
    title, over = incident["title"][language], incident["status"] in OVER
    certainty = "Observed" if incident["status"] in OBSERVED else "Possible" if family in DOUBTFUL else "Likely"
    place = incident["address"] or incident["place"] or _NOWHERE[language]
    expires = incident.get("expires_at")
    return Info(
        language=LANGUAGES[language], categories=(_CATEGORIES_OF_CODES.get(code) or _CATEGORIES.get(family, "Other"),),
        event=title, responses=("AllClear",) if over else (), urgency="Past" if over else URGENCY.get(grade, "Unknown"),
        severity=SEVERITY.get(grade, "Unknown"), certainty=certainty, event_codes=tuple(_event_codes(code, grade)),
        onset=datetime.fromisoformat(incident["occurred_at"]), expires=datetime.fromisoformat(expires) if expires else None,
        sender_name=frame.sender_name or _SENDER_NAMES[language], headline=f"{title} – {place}"[:HEADLINE_LENGTH],
        description=incident["summary"] or title, areas=(_area(incident, place),),
        parameters=tuple(
            Named(name, str(incident[name])) for name in ("number", "grade", "status", "service") if incident.get(name)
        ),
    )  # fmt: skip


def _event_codes(code: str, grade: str) -> Iterable[Named]:
    yield Named(event_codes.OURS, code)
    if korean := event_codes.korean_code(code, grade):
        yield Named(event_codes.KOREA, korean)


def _area(incident: Mapping[str, Any], place: str) -> Area:
    geocodes = (Named(GEOCODE, code_of(incident["municipality"])),)
    if polygons := tuple(_outlines(incident.get("area"))):
        return Area(place, polygons=polygons, geocodes=geocodes)
    if incident["lat"] is None:
        return Area(place, geocodes=geocodes)
    return Area(place, circles=(Circle(Position(incident["lat"], incident["lon"]), RADIUS_KM),), geocodes=geocodes)


def _outlines(area: Mapping[str, Any] | None) -> Iterable[tuple[Position, ...]]:
    """The outer rings of a GeoJSON Polygon or MultiPolygon: CAP knows no holes."""
    if not area:
        return
    for rings in [area["coordinates"]] if area["type"] == "Polygon" else area["coordinates"]:
        yield tuple(Position(lat=corner[1], lon=corner[0]) for corner in rings[0])
