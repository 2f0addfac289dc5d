"""What an incident is made of and why, what could be put together with it, and which merges and splits could be undone.

Only reads. Every function takes rows the caller may see.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypedDict

from django.db.models import Q, QuerySet

from incidents.codes import CODES
from incidents.geo import box_around, distance_m
from incidents.models import Event, Incident, Regrouping
from incidents.payloads import IncidentPayload, Names, incident_payload
from incidents.regrouping import merge_refusal, unmerge_refusal, unsplit_refusal
from incidents.selectors import relays_by_subject
from incidents.states import ACTIVE

# Wider than correlation looks: what it would have joined by itself is no suggestion.
NEAR_METRES: Final = 1_000
NEAR_SECONDS: Final = 3_600
SUGGESTIONS: Final = 12


class Why(TypedDict):
    """How an event came where it is: "opened" the incident, joined by a "rule", continued the "same_subject", or was
    moved by a person's "merge" or "split" or the "undo" of one. Metres and seconds; what is unknown is null."""

    how: str
    distance_m: float | None
    gap_s: float | None
    radius_m: int | None
    window_s: int | None
    by: str | None
    at: str | None
    other: str | None


class EventPayload(TypedDict):
    """One event of an incident. Times are ISO 8601, positions WGS84."""

    id: str
    system: str
    system_name: Names
    device_id: str | None
    code: str
    title: Names
    grade: str
    action: str
    subject: str | None
    occurred_at: str
    received_at: str
    lat: float | None
    lon: float | None
    summary: str
    address: str
    why: Why


class RegroupingPayload(TypedDict):
    """A merge or split that has not been undone: `undo` is the action on `part`, `refusal` why it cannot be done now."""

    kind: str
    part: str
    whole: str
    events: list[str]
    at: str
    by: str
    undo: str
    refusal: str | None


class NeighbourPayload(TypedDict):
    """An incident that might be the same happening: how far in metres and seconds, and why merging this one into it
    (`refusal`) or it into this one (`refusal_other_way`) is not possible now."""

    incident: IncidentPayload
    distance_m: float | None
    gap_s: float
    same_family: bool
    refusal: str | None
    refusal_other_way: str | None


def events_of(incident: Incident) -> QuerySet[Event]:
    """The incident's events in the order they came."""
    return Event.objects.filter(incident=incident).select_related("system").order_by("id")


def event_payloads(incident: Incident, events: Sequence[Event]) -> list[EventPayload]:
    """Events of one incident as they look from outside; what a source added for itself (`attributes`) stays inside."""
    moved = _moved(incident, events)
    first = incident.events.order_by("id").values_list("pk", flat=True).first()
    return [_event(one, _why(one, moved.get(one.pk), is_first=one.pk == first)) for one in events]


def _event(one: Event, why: Why) -> EventPayload:
    return {
        "id": one.source_id,
        "system": one.system.slug,
        "system_name": one.system.name,
        "device_id": one.device_id or None,
        "code": one.code,
        "title": CODES[one.code].name,
        "grade": one.grade,
        "action": one.action,
        "subject": one.subject or None,
        "occurred_at": one.occurred_at.isoformat(),
        "received_at": one.received_at.isoformat(),
        "lat": one.lat,
        "lon": one.lon,
        "summary": one.summary,
        "address": one.address,
        "why": why,
    }


class _Hand(NamedTuple):
    how: str
    by: str
    at: datetime
    other: str


def _moved(incident: Incident, events: Sequence[Event]) -> dict[int, _Hand]:
    """The last person's move of each event that was moved, by the event's key."""
    rows = Regrouping.events.through.objects.filter(event__in=[one.pk for one in events])
    found: dict[int, _Hand] = {}
    for row in rows.select_related("regrouping__part", "regrouping__whole").order_by("regrouping_id"):
        hand = _hand(row.regrouping, incident)
        if row.event_id not in found or hand.at >= found[row.event_id].at:
            found[row.event_id] = hand
    return found


def _hand(made: Regrouping, incident: Incident) -> _Hand:
    other = made.whole.number if made.part_id == incident.pk else made.part.number
    if made.undone_at:
        return _Hand("undo", made.undone_by, made.undone_at, other)
    return _Hand(made.kind, made.made_by, made.made_at, other)


def _why(one: Event, hand: _Hand | None, *, is_first: bool) -> Why:
    by_rule = one.distance_m is not None
    how = hand.how if hand else "rule" if by_rule else "opened" if is_first or not one.subject else "same_subject"
    return {
        "how": how,
        "distance_m": round(one.distance_m, 1) if one.distance_m is not None else None,
        "gap_s": round(one.gap_s, 1) if one.gap_s is not None else None,
        "radius_m": one.rule_radius_m,
        "window_s": one.rule_window_s,
        "by": hand.by if hand else None,
        "at": hand.at.isoformat() if hand else None,
        "other": hand.other if hand else None,
    }


def regroupings_of(incident: Incident) -> list[RegroupingPayload]:
    """The merges and splits the incident was part in and that stand, newest first."""
    rows = Regrouping.objects.filter(Q(part=incident) | Q(whole=incident), undone_at=None)
    related = rows.select_related("part__municipality", "whole__municipality").prefetch_related("events")
    return [_regrouping(one) for one in related.order_by("-id")]


def _regrouping(one: Regrouping) -> RegroupingPayload:
    is_merge = one.kind == Regrouping.Kind.MERGE
    refusal = (unmerge_refusal if is_merge else unsplit_refusal)(one, one.part, one.whole)
    return {
        "kind": one.kind,
        "part": one.part.number,
        "whole": one.whole.number,
        "events": [event.source_id for event in one.events.all()],
        "at": one.made_at.isoformat(),
        "by": one.made_by,
        "undo": "unmerge" if is_merge else "unsplit",
        "refusal": refusal or None,
    }


def neighbours_of(incident: Incident, visible: QuerySet[Incident]) -> list[NeighbourPayload]:
    """Active incidents near in space and time, the likeliest first: the same family, then the nearest."""
    rows = visible.filter(municipality_id=incident.municipality_id, status__in=ACTIVE).exclude(pk=incident.pk)
    if incident.lat is not None and incident.lon is not None:
        south, west, north, east = box_around(incident.lat, incident.lon, NEAR_METRES)
        rows = rows.filter(lat__range=(south, north), lon__range=(west, east))
    else:
        rows = rows.filter(family=incident.family)
    found = [one for one in _neighbours(incident, rows.order_by("-id")[:200]) if _is_near(one)]
    return sorted(found, key=_likeliest)[:SUGGESTIONS]


def _is_near(one: NeighbourPayload) -> bool:
    return (one["distance_m"] or 0) <= NEAR_METRES and one["gap_s"] <= NEAR_SECONDS


def _likeliest(one: NeighbourPayload) -> tuple[bool, float, float]:
    return not one["same_family"], one["distance_m"] if one["distance_m"] is not None else NEAR_METRES, one["gap_s"]


def neighbours_named(incident: Incident, others: QuerySet[Incident]) -> list[NeighbourPayload]:
    """The same of incidents the caller names, wherever they are."""
    rows = others.filter(municipality_id=incident.municipality_id).exclude(pk=incident.pk)
    return _neighbours(incident, rows)


def _neighbours(incident: Incident, others: Iterable[Incident]) -> list[NeighbourPayload]:
    rows = list(others)
    relays = relays_by_subject([one.number for one in rows])
    return [
        {
            "incident": incident_payload(one, relays.get(one.number, ())),
            "distance_m": _distance(incident, one),
            "gap_s": _gap(incident, one),
            "same_family": one.family == incident.family,
            "refusal": merge_refusal(incident, one) or None,
            "refusal_other_way": merge_refusal(one, incident) or None,
        }
        for one in rows
    ]


def _distance(one: Incident, other: Incident) -> float | None:
    if one.lat is None or one.lon is None or other.lat is None or other.lon is None:
        return None
    return round(distance_m(one.lat, one.lon, other.lat, other.lon), 1)


def _gap(one: Incident, other: Incident) -> float:
    """Seconds between their spans of time; 0 where they overlap."""
    apart = max(one.occurred_at - other.last_event_at, other.occurred_at - one.last_event_at)
    return max(0.0, round(apart.total_seconds(), 1))
