"""Intake: reports of feeds become events, events become incidents, in one transaction with the ledger.

For one municipality intake is serialised by an advisory lock, so that two events of one happening can
never open two incidents; a batch pays for the lock once. (system, source id) is an event's identity:
sending it again changes nothing and gets the same incident. Messages that carry a subject act on the
incident of their thread (`threads`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from incidents import apart, ledger, shelf, suppression, threads
from incidents.correlate import Candidate, Index, Match, Rules
from incidents.geo import box_around
from incidents.locks import lock_intake
from incidents.models import Event, Incident
from incidents.opening import new_incident, next_numbers
from incidents.relaying import tell_agencies
from incidents.reports import Report
from incidents.selectors import INCIDENT_RELATED, relays_by_subject
from incidents.signals import incidents_opened, subjects_reported
from incidents.states import JOINABLE, MOVES
from incidents.threads import Place, Thread
from incidents.whereabouts import Sighting, reports_place
from linkage import relays as wires
from linkage.models import Delivery, LinkedSystem, Relay
from linkage.states import ENDED
from ocenter.accounts import audit, bulk
from ocenter.accounts.models import Municipality
from ocenter.accounts.principal import Actor


class Arrival(NamedTuple):
    """A report and the feed it came from."""

    system: LinkedSystem
    report: Report


class Receipt(NamedTuple):
    """What became of an arrival: the incident it is part of, if any, and whether it had been here before."""

    incident: str | None
    duplicate: bool


@dataclass
class _Target:
    """An incident touched by this batch, and the events it takes."""

    incident: Incident
    is_new: bool
    joined: list[tuple[Arrival, Match | None]] = field(default_factory=list)
    followed: list[Arrival] = field(default_factory=list)
    rows: list[tuple[str, Actor, dict[str, Any]]] = field(default_factory=list)

    @property
    def number(self) -> str:
        """The incident's number."""
        return self.incident.number


@dataclass
class _Sorted:
    """A batch by what becomes of its arrivals."""

    plain: list[Arrival] = field(default_factory=list)
    follows: list[tuple[Arrival, Thread]] = field(default_factory=list)
    quiet: list[tuple[Arrival, Thread | None]] = field(default_factory=list)


@transaction.atomic
def events_receive(*, municipality: Municipality, arrivals: Sequence[Arrival]) -> list[Receipt]:
    """Takes in a batch for one municipality; the receipts stand in the order of the arrivals.

    Repeating is safe. Raises only what the database raises; then nothing has happened.
    """
    lock_intake(municipality.pk)
    known: dict[tuple[int, str], str | None] = {**_known_events(arrivals)}
    fresh = _located(municipality, _first_of_each(arrivals, known))
    sorted_ = _sort(fresh)
    targets, placed = _correlate(municipality, sorted_)
    _store(municipality, targets, sorted_.quiet)
    known |= {key: target.number for key, target in placed.items()}
    known |= {_key(arrival): thread.number or None if thread else None for arrival, thread in sorted_.quiet}
    _announce(fresh, placed)
    new = {_key(arrival) for arrival in fresh}
    return [Receipt(known[_key(one)], not _spend(new, _key(one))) for one in arrivals]


def in_waves(arrivals: Sequence[Arrival]) -> list[list[int]]:
    """The places of a batch, in the rounds in which `events_receive` is to take them: one message of a thread each."""
    keys = [threads.keys_of(one.system.pk, one.report) for one in arrivals]
    if not any(keys):
        return [list(range(len(arrivals)))]
    return threads.waves([{*own, _key(one)} for own, one in zip(keys, arrivals, strict=True)])


def _key(arrival: Arrival) -> tuple[int, str]:
    return arrival.system.pk, arrival.report.source_id


def _spend(keys: set[tuple[int, str]], key: tuple[int, str]) -> bool:
    """Whether `key` was in `keys`; it no longer is (the same event twice in a batch is new once)."""
    present = key in keys
    keys.discard(key)
    return present


def _known_events(arrivals: Sequence[Arrival]) -> dict[tuple[int, str], str | None]:
    keys = [_key(one) for one in arrivals]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.system_id, e.source_id, i.number FROM unnest(%s::bigint[], %s::text[]) AS k(system_id, source_id) "
            "JOIN incidents_event e USING (system_id, source_id) LEFT JOIN incidents_incident i ON i.id = e.incident_id",
            [[system for system, _ in keys], [source for _, source in keys]],
        )
        return {(system, source): number for system, source, number in cursor.fetchall()}


def _first_of_each(arrivals: Sequence[Arrival], known: Collection[tuple[int, str]]) -> list[Arrival]:
    fresh: dict[tuple[int, str], Arrival] = {}
    for arrival in arrivals:
        if _key(arrival) not in known:
            fresh.setdefault(_key(arrival), arrival)
    return list(fresh.values())


def _located(municipality: Municipality, fresh: Sequence[Arrival]) -> Sequence[Arrival]:
    """Gives events that name a registered device or camera but no position its position."""
    if all(one.report.lat is not None or not one.report.device_id for one in fresh):
        return fresh
    reports = reports_place(municipality.pk, [Sighting(one.system.pk, one.report) for one in fresh])
    return [one._replace(report=report) for one, report in zip(fresh, reports, strict=True)]


def _sort(fresh: Sequence[Arrival]) -> _Sorted:
    """What becomes of each arrival. The incidents of their threads are locked first and looked at again: from
    there on no operator moves them."""
    done = _Sorted()
    keys = [threads.keys_of(one.system.pk, one.report) for one in fresh]
    found = threads.find(key for own in keys for key in own)
    numbers = {thread.number for thread in found.values() if thread.number}
    if numbers:
        wires.lock_subjects(numbers)
        found = threads.find(found)
    for arrival, own in zip(fresh, keys, strict=True):
        thread = next((found[key] for key in own if key in found), None)
        if own:
            subject = thread.subject if thread else threads.name_of(arrival.report)
            arrival = arrival._replace(report=replace(arrival.report, subject=subject))
        place = threads.place(arrival.report, thread) if own else Place.PLAIN
        if place is Place.PLAIN:
            done.plain.append(arrival)
        elif place is Place.FOLLOWS and thread:
            done.follows.append((arrival, thread))
        else:
            done.quiet.append((arrival, thread))
    return done


def _correlate(
    municipality: Municipality, batch: _Sorted
) -> tuple[list[_Target], dict[tuple[int, str], _Target]]:
    """Decides for each event which incident takes it. Chosen open incidents are locked; if one was closed
    meanwhile by an operator, everything is decided anew without it."""
    fresh = batch.plain
    rules = Rules.load(municipality.pk) if fresh else Rules({})
    candidates = _candidates(municipality.pk, fresh, rules)
    followed = {thread.incident_id for _, thread in batch.follows if thread.incident_id}
    barred: set[tuple[int, int]] = set()
    while True:
        plan = _plan(fresh, rules, candidates, barred)
        if more := _barred(plan, fresh):
            barred |= more
            continue
        chosen = {match.key for match in plan if match is not None and match.key >= 0}
        _lock_subjects(match.key for match, one in zip(plan, fresh, strict=True) if match and one.report.subject)
        locked = _lock(municipality, chosen | followed)
        gone = {pk for pk in chosen if pk not in locked or locked[pk].status not in JOINABLE}
        # Asked again now that no operator can take anything apart.
        more = _barred(plan, fresh)
        if not gone and not more:
            return _targets(municipality, batch, plan, locked)
        barred |= more
        candidates = [one for one in candidates if one[0] not in gone]


def _barred(plan: Sequence[Match | None], fresh: Sequence[Arrival]) -> set[tuple[int, int]]:
    pairs = zip(plan, fresh, strict=True)
    return apart.barred(
        apart.Joining(n, match.key, one.system.pk, one.report.device_id)
        for n, (match, one) in enumerate(pairs) if match and match.key >= 0
    )  # fmt: skip


CandidateRow = tuple[int, str, str, float, float, datetime, datetime]

# OFFSET 0 keeps the subquery whole: one look into the index an event, where the planner would rather read the table.
_CANDIDATES: Final = """
SELECT DISTINCT near.* FROM
  unnest(%s::text[], %s::float8[], %s::float8[], %s::float8[], %s::float8[]) AS box(family, south, west, north, east),
  LATERAL (
    SELECT id, family, grade, lat, lon, occurred_at, last_event_at FROM incidents_incident
    WHERE municipality_id = %s AND family = box.family
      AND lat BETWEEN box.south AND box.north AND lon BETWEEN box.west AND box.east
      AND NOT status IN ('merged', 'false_alarm', 'test', 'closed', 'cancelled', 'resolved') AND area IS NULL
      AND last_event_at >= %s AND occurred_at <= %s
    OFFSET 0) AS near
"""


def _candidates(municipality_id: int, fresh: Sequence[Arrival], rules: Rules) -> list[CandidateRow]:
    """Every incident some event of the batch might join: near one of them, and near all of them in time."""
    located = [one.report for one in fresh if _is_point(one.report)]
    if not located:
        return []
    window = timedelta(seconds=rules.widest_window_s)
    boxes = {(one.family, *box_around(one.lat, one.lon, rules.widest_radius_m)) for one in located}
    times = [one.occurred_at for one in located]
    with connection.cursor() as cursor:
        columns = map(list, zip(*boxes, strict=True))
        cursor.execute(_CANDIDATES, [*columns, municipality_id, min(times) - window, max(times) + window])
        return cursor.fetchall()


def _plan(
    fresh: Sequence[Arrival], rules: Rules, candidates: Iterable[CandidateRow], barred: Collection[tuple[int, int]]
) -> list[Match | None]:
    """One match per event; a negative key -n-1 means "the incident opened by event n of this batch"."""
    index = Index(rules, (Candidate(*row) for row in candidates))
    plan: list[Match | None] = []
    for n, (_, report) in enumerate(fresh):
        plan.append(None)
        if not _is_point(report):
            continue
        plan[n] = index.match(
            code=report.code, family=report.family, grade=report.grade,
            lat=report.lat, lon=report.lon, at=report.occurred_at, barred={pk for place, pk in barred if place == n},
        )  # fmt: skip
        if plan[n] is None:
            at = report.occurred_at
            index.add(Candidate(-n - 1, report.family, report.grade, report.lat, report.lon, at, at))
    return plan


def _is_point(report: Report) -> bool:
    """Whether it can be near anything: what concerns a whole area is no neighbour of what happens inside it."""
    return report.lat is not None and report.lon is not None and report.area is None


def _lock_subjects(ids: Iterable[int]) -> None:
    """Locks what messages with a subject join, before any row: an agency's relay is opened there in this transaction."""
    joined = [pk for pk in ids if pk >= 0]
    if joined:
        wires.lock_subjects(Incident.objects.filter(pk__in=joined).values_list("number", flat=True))


def _lock(municipality: Municipality, ids: Collection[int]) -> dict[int, Incident]:
    if not ids:
        return {}
    rows = Incident.objects.filter(pk__in=ids).select_related(
        *(name for name in INCIDENT_RELATED if name != "municipality")
    ).order_by("pk")
    locked = {one.pk: one for one in rows.select_for_update(no_key=True, of=("self",))}
    for incident in locked.values():
        incident.municipality = municipality
    return locked


def _targets(
    municipality: Municipality, batch: _Sorted, plan: Sequence[Match | None], locked: dict[int, Incident]
) -> tuple[list[_Target], dict[tuple[int, str], _Target]]:
    numbers = iter(next_numbers(municipality, plan.count(None)) if None in plan else [])
    by_key = {pk: _Target(incident, is_new=False) for pk, incident in locked.items()}
    placed: dict[tuple[int, str], _Target] = {}
    now = timezone.now()
    suppressed = suppression.running(municipality.pk)
    for n, (arrival, match) in enumerate(zip(batch.plain, plan, strict=True)):
        if match is None:
            incident = new_incident(municipality, next(numbers), arrival.report, arrival.system, now)
            suppression.put_aside(suppressed, incident)
            by_key[-n - 1] = target = _Target(incident, is_new=True)
        else:
            target = by_key[match.key]
            _join(target.incident, arrival.report)
            _leave_shelf(target.incident, arrival, suppressed)
        target.joined.append((arrival, match))
        placed[_key(arrival)] = target
    at_work = _at_work(by_key[thread.incident_id or 0].number for _, thread in batch.follows)
    for arrival, thread in batch.follows:
        target = by_key[thread.incident_id or 0]
        _follow(target, arrival, thread, at_work[target.number])
        _leave_shelf(target.incident, arrival, suppressed)
        placed[_key(arrival)] = target
    return list(by_key.values()), placed


def _at_work(numbers: Iterable[str]) -> dict[str, list[Relay]]:
    """The relays of these incidents, whose subjects are locked, that their agencies have not ended."""
    found = dict.fromkeys(numbers)
    known = relays_by_subject(found) if found else {}
    return {number: [relay for relay in known.get(number, []) if relay.state not in ENDED] for number in found}


def _follow(target: _Target, arrival: Arrival, thread: Thread, at_work: list[Relay]) -> None:
    """Lets the thread's incident do what the message says, and tells the agencies at work on it. One that has been told
    of a cancel is at work no longer, whatever else the batch says."""
    incident, report = target.incident, arrival.report
    actor = _actor(arrival.system)
    detail: dict[str, Any] = {"events": [_event_detail(arrival, None)]}
    target.followed.append(arrival)
    if report.action == Event.Action.REPORT:
        change = threads.follow(incident, thread, report)
        target.rows.append((change.kind, actor, {**detail, "changed": change.fields}))
        if change.fields:
            tell_agencies(incident, Delivery.Message.UPDATE, but=arrival.system.pk, at_work=at_work)
        return
    others = any(relay.system_id != arrival.system.pk for relay in at_work)
    move = threads.ending(incident, report.action, at_work=others) if thread.others_over else ""
    if not move:
        target.rows.append(("incident.updated", actor, {**detail, "over": thread.subject}))
        return
    said = threads.end(incident, move, report.action)
    target.rows.append((MOVES[move].kind, actor, {**detail, **said}))
    if move == "cancel":
        tell_agencies(incident, Delivery.Message.CANCEL, {"reason": incident.reason}, but=arrival.system.pk, at_work=at_work)
        at_work.clear()


def _join(incident: Incident, report: Report) -> None:
    incident.event_count += 1
    incident.last_event_at = max(incident.last_event_at, report.occurred_at)


def _leave_shelf(incident: Incident, arrival: Arrival, suppressed: suppression.Running) -> None:
    """A shelved incident comes back when something new happens (DOMAIN.md §4): more of what is suppressed is not new."""
    same = suppression.of(suppressed, incident, arrival.system.pk, arrival.report.device_id)
    if same is None or incident.suppression_id != same.pk:
        shelf.take_back(incident)


def _store(municipality: Municipality, targets: Sequence[_Target], quiet: Sequence[tuple[Arrival, Thread | None]]) -> None:
    new = [one.incident for one in targets if one.is_new]
    old = [one.incident for one in targets if not one.is_new]
    relays = relays_by_subject([one.number for one in old]) if old else {}
    for pk, incident in zip(bulk.take_ids(Incident, len(new)), new, strict=True):
        incident.pk = pk
    drafts = [draft for one in targets for draft in _drafts(one, relays.get(one.number, []))]
    first = ledger.reserve(municipality, [draft.incident for draft in drafts]) if drafts else 0
    bulk.insert(Incident, [bulk.row_of(one) for one in new])
    _update(targets)
    bulk.insert(Event, [_event(one.incident, *pair) for one in targets for pair in one.joined])
    bulk.insert(Event, [_event(one.incident, arrival, None) for one in targets for arrival in one.followed])
    bulk.insert(Event, [_quiet_event(municipality, *pair) for pair in quiet])
    if drafts:
        ledger.write(municipality, first, drafts)
    if new:
        incidents_opened.send(sender=None, incidents=new)
    audit.record_many(_audited(one, *row) for one in targets for row in one.rows if row[0] in _AUDITED)


# What moves an incident by the source's word alone; a storm's openings and joinings stay out of the one audit chain.
_AUDITED: Final = frozenset({"incident.cancelled", "incident.resolved", "incident.raised"})


def _audited(target: _Target, kind: str, actor: Actor, detail: dict[str, Any]) -> audit.Entry:
    return audit.Entry(
        actor=f"{actor['kind']}:{actor['name']}", action=kind, subject=target.number, detail=detail,
        municipality_id=target.incident.municipality_id,
    )  # fmt: skip


def _actor(system: LinkedSystem) -> Actor:
    return {"kind": "feed" if system.kind == LinkedSystem.Kind.FEED else "agency", "name": system.slug}


def _update(targets: Sequence[_Target]) -> None:
    joined = [one.incident for one in targets if not one.is_new and not one.followed]
    bulk.update(Incident, [{name: getattr(one, name) for name in _CHANGED_BY_JOINING} for one in joined])
    bulk.update(Incident, [bulk.row_of(one.incident) for one in targets if not one.is_new and one.followed])


_CHANGED_BY_JOINING: Final = (
    "id", "event_count", "last_event_at", "shelved_until", "shelved_by_id", "shelf_reason", "suppression_id",
    "ack_due_at", "escalation", "escalated_at", "version",
)  # fmt: skip


def _announce(fresh: Sequence[Arrival], placed: dict[tuple[int, str], _Target]) -> None:
    reported = [
        (one, placed[_key(one)].incident if _key(one) in placed else None)
        for one in fresh if threads.keys_of(one.system.pk, one.report)
    ]  # fmt: skip
    if reported:
        subjects_reported.send(sender=None, reported=reported)


def _quiet_event(municipality: Municipality, arrival: Arrival, thread: Thread | None) -> bulk.Row:
    row = _event(None, arrival, None)
    return {**row, "municipality_id": municipality.pk, "incident_id": thread.incident_id if thread else None}


def _event(incident: Incident | None, arrival: Arrival, match: Match | None) -> bulk.Row:
    report = arrival.report
    return {
        "municipality_id": incident.municipality_id if incident else None,
        "system_id": arrival.system.pk,
        "source_id": report.source_id,
        "subject": report.subject,
        "action": report.action,
        "incident_id": incident.pk if incident else None,
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
        "rule_radius_m": match.rule.radius_m if match else None,
        "rule_window_s": match.rule.window_s if match else None,
    }


def _drafts(target: _Target, relays: Sequence[Any]) -> list[ledger.Draft]:
    rows = list(target.rows)
    if target.joined:
        actor = _actor(target.joined[0][0].system)
        detail = {"events": [_event_detail(*pair) for pair in target.joined]}
        rows.insert(0, ("incident.opened" if target.is_new else "incident.joined", actor, detail))
    return [ledger.Draft(kind, target.incident, actor, detail, relays) for kind, actor, detail in rows]


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
