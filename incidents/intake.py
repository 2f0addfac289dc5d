"""Intake: reports of feeds become events, events become incidents, in one transaction with the ledger.

For one municipality intake is serialised by an advisory lock, so that two events of one happening can
never open two incidents; a batch pays for the lock once. (system, source id) is an event's identity:
sending it again changes nothing and gets the same incident.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from incidents import bulk, ledger
from incidents.correlate import Candidate, Index, Match, Rules
from incidents.geo import box_around
from incidents.models import Device, Event, Incident
from incidents.opening import new_incident, next_numbers
from incidents.reports import Report
from incidents.selectors import relays_by_subject
from incidents.signals import incidents_opened
from incidents.states import JOINABLE
from linkage.models import LinkedSystem
from ocenter.accounts.models import Municipality
from ocenter.accounts.principal import Actor

INTAKE_LOCK: Final = 0x0CE7  # the advisory lock's class; its second number is the municipality


class Arrival(NamedTuple):
    """A report and the feed it came from."""

    system: LinkedSystem
    report: Report


class Receipt(NamedTuple):
    """What became of an arrival: the incident it is part of, and whether it had been here before."""

    incident: str
    duplicate: bool


@dataclass
class _Target:
    """An incident touched by this batch, and the events it takes."""

    incident: Incident
    is_new: bool
    joined: list[tuple[Arrival, Match | None]] = field(default_factory=list)


@transaction.atomic
def events_receive(*, municipality: Municipality, arrivals: Sequence[Arrival]) -> list[Receipt]:
    """Takes in a batch for one municipality; the receipts stand in the order of the arrivals.

    Repeating is safe. Raises only what the database raises; then nothing has happened.
    """
    lock_intake(municipality.pk)
    known = _known_events(arrivals)
    fresh = _located(municipality, _first_of_each(arrivals, known))
    targets, placed = _correlate(municipality, fresh)
    _store(municipality, targets)
    known |= {key: target.incident.number for key, target in placed.items()}
    new = {_key(arrival) for arrival in fresh}
    return [Receipt(known[_key(one)], not _spend(new, _key(one))) for one in arrivals]


def lock_intake(municipality_id: int) -> None:
    """Waits for the municipality's turn; held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [INTAKE_LOCK, municipality_id])


def _key(arrival: Arrival) -> tuple[int, str]:
    return arrival.system.pk, arrival.report.source_id


def _spend(keys: set[tuple[int, str]], key: tuple[int, str]) -> bool:
    """Whether `key` was in `keys`; it no longer is (the same event twice in a batch is new once)."""
    present = key in keys
    keys.discard(key)
    return present


def _known_events(arrivals: Sequence[Arrival]) -> dict[tuple[int, str], str]:
    keys = [_key(one) for one in arrivals]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.system_id, e.source_id, i.number FROM unnest(%s::bigint[], %s::text[]) AS k(system_id, source_id) "
            "JOIN incidents_event e USING (system_id, source_id) JOIN incidents_incident i ON i.id = e.incident_id",
            [[system for system, _ in keys], [source for _, source in keys]],
        )
        return {(system, source): number for system, source, number in cursor.fetchall()}


def _first_of_each(arrivals: Sequence[Arrival], known: dict[tuple[int, str], str]) -> list[Arrival]:
    fresh: dict[tuple[int, str], Arrival] = {}
    for arrival in arrivals:
        if _key(arrival) not in known:
            fresh.setdefault(_key(arrival), arrival)
    return list(fresh.values())


def _located(municipality: Municipality, fresh: Sequence[Arrival]) -> Sequence[Arrival]:
    """Gives events that name a registered device but no position the device's position."""
    wanted = {one.report.device_id for one in fresh if one.report.lat is None and one.report.device_id}
    if not wanted:
        return fresh
    devices = Device.objects.filter(municipality=municipality, device_id__in=wanted)
    places = {device_id: (lat, lon) for device_id, lat, lon in devices.values_list("device_id", "lat", "lon")}
    return [_placed(one, places.get(one.report.device_id)) for one in fresh]


def _placed(arrival: Arrival, place: tuple[float, float] | None) -> Arrival:
    if arrival.report.lat is not None or place is None:
        return arrival
    return arrival._replace(report=replace(arrival.report, lat=place[0], lon=place[1]))


def _correlate(
    municipality: Municipality, fresh: Sequence[Arrival]
) -> tuple[list[_Target], dict[tuple[int, str], _Target]]:
    """Decides for each event which incident takes it. Chosen open incidents are locked; if one was closed
    meanwhile by an operator, everything is decided anew without it."""
    rules = Rules.load(municipality.pk) if fresh else Rules({})
    candidates = _candidates(municipality.pk, fresh, rules)
    while True:
        plan = _plan(fresh, rules, candidates)
        chosen = {match.key for match in plan if match is not None and match.key >= 0}
        locked = _lock_joinable(municipality, chosen)
        if len(locked) == len(chosen):
            return _targets(municipality, fresh, plan, locked)
        candidates = [one for one in candidates if one[0] not in chosen or one[0] in locked]


CandidateRow = tuple[int, str, str, float, float, datetime, datetime]

# OFFSET 0 keeps the subquery whole: one look into the index an event, where the planner would rather read the table.
_CANDIDATES: Final = """
SELECT DISTINCT near.* FROM
  unnest(%s::text[], %s::float8[], %s::float8[], %s::float8[], %s::float8[]) AS box(family, south, west, north, east),
  LATERAL (
    SELECT id, family, grade, lat, lon, occurred_at, last_event_at FROM incidents_incident
    WHERE municipality_id = %s AND family = box.family
      AND lat BETWEEN box.south AND box.north AND lon BETWEEN box.west AND box.east
      AND NOT status IN ('merged', 'false_alarm', 'test', 'closed', 'cancelled', 'resolved')
      AND last_event_at >= %s AND occurred_at <= %s
    OFFSET 0) AS near
"""


def _candidates(municipality_id: int, fresh: Sequence[Arrival], rules: Rules) -> list[CandidateRow]:
    """Every incident some event of the batch might join: near one of them, and near all of them in time."""
    located = [one.report for one in fresh if one.report.lat is not None]
    if not located:
        return []
    window = timedelta(seconds=rules.widest_window_s)
    boxes = {(one.family, *box_around(one.lat, one.lon, rules.widest_radius_m)) for one in located}
    times = [one.occurred_at for one in located]
    with connection.cursor() as cursor:
        columns = map(list, zip(*boxes, strict=True))
        cursor.execute(_CANDIDATES, [*columns, municipality_id, min(times) - window, max(times) + window])
        return cursor.fetchall()


def _plan(fresh: Sequence[Arrival], rules: Rules, candidates: Iterable[CandidateRow]) -> list[Match | None]:
    """One match per event; a negative key -n-1 means "the incident opened by event n of this batch"."""
    index = Index(rules, (Candidate(*row) for row in candidates))
    plan: list[Match | None] = []
    for n, (_, report) in enumerate(fresh):
        plan.append(None)
        if report.lat is None or report.lon is None:
            continue
        plan[n] = index.match(
            code=report.code, family=report.family, grade=report.grade,
            lat=report.lat, lon=report.lon, at=report.occurred_at,
        )  # fmt: skip
        if plan[n] is None:
            at = report.occurred_at
            index.add(Candidate(-n - 1, report.family, report.grade, report.lat, report.lon, at, at))
    return plan


def _lock_joinable(municipality: Municipality, ids: Collection[int]) -> dict[int, Incident]:
    if not ids:
        return {}
    rows = Incident.objects.filter(pk__in=ids, status__in=JOINABLE).select_related("system", "holder").order_by("pk")
    locked = {one.pk: one for one in rows.select_for_update(no_key=True, of=("self",))}
    for incident in locked.values():
        incident.municipality = municipality
    return locked


def _targets(
    municipality: Municipality, fresh: Sequence[Arrival], plan: Sequence[Match | None], locked: dict[int, Incident]
) -> tuple[list[_Target], dict[tuple[int, str], _Target]]:
    numbers = iter(next_numbers(municipality, plan.count(None)) if None in plan else [])
    by_key = {pk: _Target(incident, is_new=False) for pk, incident in locked.items()}
    placed: dict[tuple[int, str], _Target] = {}
    now = timezone.now()
    for n, (arrival, match) in enumerate(zip(fresh, plan, strict=True)):
        if match is None:
            incident = new_incident(municipality, next(numbers), arrival.report, arrival.system, now)
            by_key[-n - 1] = target = _Target(incident, is_new=True)
        else:
            target = by_key[match.key]
            _join(target.incident, arrival.report)
        target.joined.append((arrival, match))
        placed[_key(arrival)] = target
    return list(by_key.values()), placed


def _join(incident: Incident, report: Report) -> None:
    incident.event_count += 1
    incident.last_event_at = max(incident.last_event_at, report.occurred_at)
    # A shelved incident comes back when something new happens (DOMAIN.md §4).
    incident.shelved_until = None


def _store(municipality: Municipality, targets: Sequence[_Target]) -> None:
    if not targets:
        return
    new = [one.incident for one in targets if one.is_new]
    old = [one.incident for one in targets if not one.is_new]
    relays = relays_by_subject([one.number for one in old]) if old else {}
    for pk, incident in zip(bulk.take_ids(Incident, len(new)), new, strict=True):
        incident.pk = pk
    first = ledger.reserve(municipality, [one.incident for one in targets])
    bulk.insert(Incident, [bulk.row_of(one) for one in new])
    bulk.update(Incident, [{name: getattr(one, name) for name in _CHANGED_BY_JOINING} for one in old])
    bulk.insert(Event, [_event(target, *pair) for target in targets for pair in target.joined])
    ledger.write(municipality, first, [_draft(one, relays.get(one.incident.number, [])) for one in targets])
    if new:
        incidents_opened.send(sender=None, incidents=new)


_CHANGED_BY_JOINING: Final = ("id", "event_count", "last_event_at", "shelved_until", "version")


def _event(target: _Target, arrival: Arrival, match: Match | None) -> bulk.Row:
    report = arrival.report
    return {
        "municipality_id": target.incident.municipality_id,
        "system_id": arrival.system.pk,
        "source_id": report.source_id,
        "subject": report.subject,
        "action": report.action,
        "incident_id": target.incident.pk,
        "code": report.code,
        "grade": report.grade,
        "occurred_at": report.occurred_at,
        "received_at": timezone.now(),
        "lat": report.lat,
        "lon": report.lon,
        "summary": report.summary,
        "address": report.address,
        "device_id": report.device_id,
        "attributes": report.attributes,
        "distance_m": match.distance_m if match else None,
        "gap_s": match.gap_s if match else None,
    }


def _draft(target: _Target, relays: Sequence[Any]) -> ledger.Draft:
    kind = "incident.opened" if target.is_new else "incident.joined"
    first = target.joined[0][0]
    actor: Actor = {"kind": "feed", "name": first.system.slug}
    detail = {"events": [_event_detail(*pair) for pair in target.joined]}
    return ledger.Draft(kind, target.incident, actor, detail, relays)


def _event_detail(arrival: Arrival, match: Match | None) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "id": arrival.report.source_id,
        "system": arrival.system.slug,
        "code": arrival.report.code,
        "occurred_at": arrival.report.occurred_at.isoformat(),
        "summary": arrival.report.summary,
    }
    if match:
        detail["joined_by"] = {
            "radius_m": match.rule.radius_m,
            "window_s": match.rule.window_s,
            "distance_m": round(match.distance_m, 1),
            "gap_s": round(match.gap_s, 1),
        }
    return detail
