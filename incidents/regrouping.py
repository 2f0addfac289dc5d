"""Putting incidents together, taking them apart, and undoing either: an operator's word over correlation's.

Each is one transaction with both incidents locked in the order they were opened, a ledger row and an audit entry for
each of them, and a `Regrouping` that says which events went where. Whether something is possible is said by one
function each (`merge_refusal`, …), asked by the page before and by the operation when it counts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from incidents import shelf
from incidents.codes import ACK_TARGET
from incidents.models import Event, Incident, Regrouping
from incidents.opening import new_incident, next_numbers
from incidents.payloads import incident_payload, iso
from incidents.relaying import open_relays
from incidents.reports import Report
from incidents.states import ACTIVE, JOINABLE, STEADY, UNACKNOWLEDGED, Status
from incidents.work import Invalid, NotAllowedNow, Result, Work, finish_all, lock_incident
from ocenter.accounts.principal import Principal

# What a part gets back when its merge is undone; moments are kept as text.
RESTORED: Final = ("status", "holder_id", "acknowledged_at", "closed_at", "reason", "result_code", "event_count")
MOMENTS: Final = frozenset({"acknowledged_at", "closed_at"})


@transaction.atomic
def incident_merge(*, number: str, by: Principal, into: str) -> Result:
    """Makes `number` a part of `into`: its events move there. Its open relays must have ended. Returns the whole."""
    part, whole = _lock_both(number, into, by)
    if number == into or part.incident.municipality_id != whole.incident.municipality_id:
        raise Invalid("into", _("An incident cannot be merged into itself.") if number == into else _("No such incident."))
    if refusal := merge_refusal(part.incident, whole.incident):
        raise NotAllowedNow(part.incident, refusal)
    events = list(Event.objects.filter(incident=part.incident).values_list("pk", flat=True))
    made = _note_regrouping(Regrouping.Kind.MERGE, part, whole, events, by)
    made.before = _state_of(part.incident)
    made.save()
    _merge(part, whole, events, "merge", "incident.joined")
    return _finish(part, whole)


def merge_refusal(part: Incident, whole: Incident) -> str:
    """Why `part` cannot be merged into `whole` now, or "". Both are of one municipality."""
    if part.status not in JOINABLE:
        return _("Not possible from its present state.")
    if whole.status not in ACTIVE:
        return _("The other incident has ended.")
    if part.grade < whole.grade:
        return _("A more urgent incident is not merged into a lesser one; do it the other way round.")
    if open_relays(part.number):
        return _("An agency is at work on it; close or cancel that first.")
    return ""


@transaction.atomic
def incident_split(*, number: str, by: Principal, events: list[str]) -> Result:
    """Takes events (by the sources' ids) out into an incident of their own; returns the new one. One must stay."""
    whole = Work(lock_incident(number), by.actor, by)
    if whole.incident.status not in STEADY["split"]:
        raise NotAllowedNow(whole.incident, _("Not possible from its present state."))
    moving = list(Event.objects.filter(incident=whole.incident, source_id__in=events).order_by("occurred_at"))
    if not moving or len(moving) != len(set(events)):
        raise Invalid("events", _("Name events of this incident by their ids."))
    if len(moving) >= whole.incident.event_count:
        raise Invalid("events", _("At least one event must stay."))
    part = Work(_part_of(whole.incident, moving), by.actor, by)
    part.incident.save()
    ids = [one.pk for one in moving]
    _note_regrouping(Regrouping.Kind.SPLIT, part, whole, ids, by)
    Event.objects.filter(pk__in=ids).update(incident=part.incident)
    whole.incident.event_count -= len(moving)
    whole.note("incident.split", {"into": part.incident.number, "events": events})
    part.note("incident.opened", {"split_from": number, "events": [{"id": one.source_id} for one in moving]})
    return _finish(whole, part)


def _part_of(whole: Incident, events: list[Event]) -> Incident:
    first = events[0]
    report = Report(
        first.source_id, first.code, min(one.grade for one in events), first.occurred_at, first.lat, first.lon,
        first.summary, first.address, first.device_id, {},
    )  # fmt: skip
    (number,) = next_numbers(whole.municipality, 1)
    part = new_incident(whole.municipality, number, report, first.system, timezone.now())
    part.event_count, part.last_event_at = len(events), events[-1].occurred_at
    return part


@transaction.atomic
def incident_unmerge(*, number: str, by: Principal) -> Result:
    """Undoes the merge of `number`: it comes back with its events and its former state, and returns it.

    Repeating is refused: it is no longer merged.
    """
    made, part, whole = _lock_last(number, Regrouping.Kind.MERGE, by)
    if refusal := unmerge_refusal(made, part.incident, whole.incident):
        raise NotAllowedNow(part.incident, refusal)
    events = list(made.events.values_list("pk", flat=True))
    former = _restore(part.incident, made.before)
    part.move("unmerge", {"from_incident": whole.incident.number, "events": len(events)}, target=former)
    Event.objects.filter(pk__in=events).update(incident=part.incident)
    whole.incident.event_count -= len(events)
    whole.incident.last_event_at = _last_event_at(whole.incident)
    whole.note("incident.unmerged", {"part": number, "events": len(events)})
    _mark_undone(made, by)
    return _finish(whole, part)


def unmerge_refusal(made: Regrouping, part: Incident, whole: Incident) -> str:
    """Why this merge cannot be undone now, or ""."""
    if made.undone_at or part.status != Status.MERGED:
        return _("It is not merged.")
    if whole.status == Status.MERGED:
        return _("%s has itself been merged since; undo that first.") % whole.number
    if whole.status not in ACTIVE:
        return _("%s has ended since; reopen it first.") % whole.number
    if made.events.exclude(incident_id=whole.pk).exists():
        return _("Some of its events have been split off since; undo that first.")
    if _came_later(made, whole):
        return _("The same sources have reported again since; split their events off instead.")
    return ""


def _came_later(made: Regrouping, whole: Incident) -> bool:
    """Whether a source of the moved events has put another into the whole since: nobody could say where that belongs."""
    sources = set(made.events.values_list("system_id", "device_id"))
    later = Event.objects.filter(incident=whole, received_at__gt=made.made_at)
    return not sources.isdisjoint(later.values_list("system_id", "device_id"))


@transaction.atomic
def incident_unsplit(*, number: str, by: Principal) -> Result:
    """Undoes the split that made `number`: its events go back and it becomes merged. Returns the whole."""
    made, part, whole = _lock_last(number, Regrouping.Kind.SPLIT, by)
    if refusal := unsplit_refusal(made, part.incident, whole.incident):
        raise NotAllowedNow(part.incident, refusal)
    _merge(part, whole, list(made.events.values_list("pk", flat=True)), "unsplit", "incident.unsplit")
    _mark_undone(made, by)
    return _finish(part, whole)


def unsplit_refusal(made: Regrouping, part: Incident, whole: Incident) -> str:
    """Why this split cannot be undone now, or ""."""
    if made.undone_at:
        return _("That split has been undone already.")
    if part.status == Status.MERGED:
        return _("%s has itself been merged since; undo that first.") % part.number
    if whole.status == Status.MERGED:
        return _("%s has itself been merged since; undo that first.") % whole.number
    if part.status not in JOINABLE:
        return _("%s has ended since; reopen it first.") % part.number
    if whole.status not in ACTIVE:
        return _("%s has ended since; reopen it first.") % whole.number
    if made.events.exclude(incident_id=part.pk).exists() or part.events.count() != made.events.count():
        return _("Its events are no longer those that were split off; merge it instead.")
    return merge_refusal(part, whole)


def _lock_both(first: str, second: str, by: Principal) -> tuple[Work, Work]:
    # In the order they were opened, as the intake locks them: a day's 10,000th comes after its 9,999th.
    locked = {one: lock_incident(one) for one in sorted({first, second}, key=lambda one: (len(one), one))}
    return Work(locked[first], by.actor, by), Work(locked[second], by.actor, by)


def _lock_last(number: str, kind: str, by: Principal) -> tuple[Regrouping, Work, Work]:
    """The last merge of the part (or the split that made it) with both incidents locked. Read again once they are:
    whoever was faster has undone it. Raises NotAllowedNow where there is none."""
    rows = Regrouping.objects.select_related("whole").filter(part__number=number, kind=kind).order_by("-id")
    found = rows.first()
    if found is None:
        part = lock_incident(number)
        is_merge = kind == Regrouping.Kind.MERGE
        raise NotAllowedNow(
            part, _("There is no merge of it to undo.") if is_merge else _("It was not split off another incident.")
        )
    part_work, whole_work = _lock_both(number, found.whole.number, by)
    fresh = rows.get(pk=found.pk)
    return fresh, part_work, whole_work


def _note_regrouping(kind: str, part: Work, whole: Work, events: Sequence[int], by: Principal) -> Regrouping:
    made = Regrouping.objects.create(
        municipality_id=whole.incident.municipality_id, kind=kind, part=part.incident, whole=whole.incident,
        made_by=by.actor["name"],
    )  # fmt: skip
    made.events.add(*events)
    return made


def _merge(part: Work, whole: Work, events: Collection[int], action: str, kind: str) -> None:
    part.move(action, {"into": whole.incident.number})
    part.incident.merged_into, part.incident.closed_at = whole.incident, timezone.now()
    Event.objects.filter(pk__in=events).update(incident=whole.incident)
    whole.incident.event_count += len(events)
    whole.incident.last_event_at = max(whole.incident.last_event_at, part.incident.last_event_at)
    # What changes comes back from the shelf (DOMAIN.md §4).
    shelf.take_back(whole.incident)
    whole.note(kind, {"merged": part.incident.number, "events": len(events)})


def _state_of(part: Incident) -> dict[str, Any]:
    # As ISO text: the database's JSON would cut a moment to milliseconds.
    return {name: iso(getattr(part, name)) if name in MOMENTS else getattr(part, name) for name in RESTORED}


def _restore(part: Incident, before: dict[str, Any]) -> str:
    """Gives a part back what it was; returns its former status. One that nobody had acknowledged is given its time
    anew: while it was merged, nobody could."""
    for name in set(RESTORED) - {"status"}:
        setattr(part, name, parse_datetime(before[name]) if name in MOMENTS and before[name] else before[name])
    part.merged_into = None
    former, target = str(before["status"]), ACK_TARGET.get(part.grade)
    if former in UNACKNOWLEDGED:
        part.ack_due_at = timezone.now() + target if target else None
    return former


def _last_event_at(incident: Incident) -> datetime:
    newest = incident.events.aggregate(newest=Max("occurred_at"))["newest"]
    return max(incident.occurred_at, newest) if newest else incident.occurred_at


def _mark_undone(made: Regrouping, by: Principal) -> None:
    made.undone_at, made.undone_by = timezone.now(), by.actor["name"]
    made.save(update_fields=["undone_at", "undone_by"])


def _finish(first: Work, last: Work) -> Result:
    """Writes both; returns the last."""
    seq = finish_all([first, last])
    return Result(incident_payload(last.incident, last.relays), seq)
