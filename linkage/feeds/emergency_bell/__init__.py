"""What emergency bells (비상벨) say: pressed, cancelled, tested, out of order, in order again.

`{"bells": [{"bell_no", "kind", "at", "event_no"?, "fault"?, "battery_pct"?, "note"?}]}`, a list of such, or one of
them; `SFTY_EMRGNCBLL_MNG_NO`, the registry's name, is taken for `bell_no` too. The wire format is our own
proposal: makers' formats differ, and one that differs is mapped to this (see docs/feeds/emergency_bell.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from linkage.feeds.base import EventDocument, Feed, Link, NotADocument, NotUsable, Record, Reporter, degrees, stable_id
from linkage.feeds.digits import digits_time

NUMBERS: Final = ("bell_no", "SFTY_EMRGNCBLL_MNG_NO", "안전비상벨관리번호")
TIMES: Final = ("at", "pressed_at", "occurred_at")
KINDS: Final = {
    "press": "press", "호출": "press", "cancel": "cancel", "취소": "cancel", "test": "test", "시험": "test", "점검": "test",
    "fault": "fault", "장애": "fault", "restored": "restored", "복구": "restored",
}  # fmt: skip


class Fault(NamedTuple):
    """Our code and grade for a fault, and what the operator reads."""

    code: str
    grade: str
    ko: str


# A bell that is being opened may be an attack on it; one that runs dry or hears nothing is a dead bell.
FAULTS: Final[dict[str, Fault]] = {
    "battery": Fault("SYS-02", "G4", "배터리 부족"),
    "power": Fault("SYS-02", "G4", "전원 이상"),
    "link": Fault("SYS-02", "G4", "통신 두절"),
    "tamper": Fault("SYS-05", "G3", "함체 개방·훼손"),
}
UNKNOWN_FAULT: Final = Fault("SYS-02", "G4", "고장")
KEPT: Final = ("event_no", "fault", "battery_pct", "note")


class EmergencyBell(Feed):
    """Reads presses. A press without a position gets the registered bell's in the intake."""

    name = "emergency_bell"
    title = {"ko": "비상벨 호출", "en": "Emergency bells"}
    unit = "item"
    reporter = Reporter("bells", "비상벨", "Emergency bells")

    def recognises(self, document: bytes) -> bool:
        """An object or list that names a bell."""
        start = document.lstrip()[:300]
        return start[:1] in b"[{" and any(f'"{name}"'.encode() in start for name in (*NUMBERS, "bells"))

    def records(self, document: bytes) -> Iterator[Record]:
        """The messages. Raises NotADocument."""
        try:
            found = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise NotADocument(f"No JSON: {error}") from error
        if isinstance(found, dict):
            found = found.get("bells", [found])
        if not isinstance(found, list):
            raise NotADocument('"bells" is no list')
        for position, raw in enumerate(found, 1):
            yield Record(position, raw)

    def normalise(self, raw: Any, link: Link | None = None) -> EventDocument:
        """One message as an event. Raises NotUsable."""
        if not isinstance(raw, dict):
            raise NotUsable("not an object")
        number = _first(raw, NUMBERS)
        if not number:
            raise NotUsable("no bell_no")
        kind = KINDS.get(str(raw.get("kind", "press")).strip().lower())
        if kind is None:
            raise NotUsable(f"kind is {str(raw['kind'])[:60]!r}, none of {', '.join(sorted(set(KINDS.values())))}")
        at = digits_time(_first(raw, TIMES), TIMES[0])
        lat, lon = _position(raw)
        event: EventDocument = {
            "id": stable_id("bell", (number, kind, at.isoformat(), *(str(raw.get(name, "")) for name in ("event_no", "fault")))),
            "code": "BEL-01", "occurred_at": at.isoformat(), "lat": lat, "lon": lon, "device_id": number,
            "attributes": {"kind": kind, **{name: raw[name] for name in KEPT if raw.get(name) is not None}},
        }  # fmt: skip
        return _SPEAKS[kind](event, raw)


def _press(event: EventDocument, raw: dict[str, Any]) -> EventDocument:
    return {**event, "grade": "G2", "summary": f"비상벨 호출 {event['device_id']}", "subject": _call(event, raw)}


def _cancel(event: EventDocument, raw: dict[str, Any]) -> EventDocument:
    return {**event, "grade": "G2", "summary": "비상벨 호출 취소", "subject": _call(event, raw), "action": "cancel"}


def _test(event: EventDocument, raw: dict[str, Any]) -> EventDocument:
    """A test is kept as the end of something that never began: on record, and no incident, alarm or relay."""
    subject = f"test/{event['id']}"
    return {**event, "grade": "G5", "summary": "비상벨 시험", "subject": subject, "action": "end"}


def _fault(event: EventDocument, raw: dict[str, Any]) -> EventDocument:
    fault = FAULTS.get(str(raw.get("fault", "")), UNKNOWN_FAULT)
    summary = f"비상벨 장애 {event['device_id']}: {fault.ko}"
    return {**event, "code": fault.code, "grade": fault.grade, "summary": summary, "subject": _ailment(event, raw)}


def _restored(event: EventDocument, raw: dict[str, Any]) -> EventDocument:
    fault = FAULTS.get(str(raw.get("fault", "")), UNKNOWN_FAULT)
    return {
        **event, "code": fault.code, "grade": fault.grade, "summary": f"비상벨 복구: {fault.ko}",
        "subject": _ailment(event, raw), "action": "end",
    }  # fmt: skip


_SPEAKS: Final = {"press": _press, "cancel": _cancel, "test": _test, "fault": _fault, "restored": _restored}


def _call(event: EventDocument, raw: dict[str, Any]) -> str:
    """What press and cancel share: the maker's number of the call, else the time of the press."""
    pressed = raw.get("event_no") or digits_time(raw.get("pressed_at") or event["occurred_at"], "pressed_at").isoformat()
    return f"call/{event['device_id']}/{pressed}"


def _ailment(event: EventDocument, raw: dict[str, Any]) -> str:
    return f"fault/{event['device_id']}/{raw.get('fault') or 'other'}"


def _first(raw: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((str(raw[name]).strip() for name in names if raw.get(name) not in (None, "")), "")


def _position(raw: dict[str, Any]) -> tuple[float | None, float | None]:
    """The position the bell gives itself (a wearable one moves); most give none."""
    if raw.get("lat") in (None, "") or raw.get("lon") in (None, ""):
        return None, None
    return degrees(str(raw["lat"]), "lat"), degrees(str(raw["lon"]), "lon")
