"""Escalation by timer (DOMAIN.md §4): a missed target to acknowledge goes to the supervisor, missed twice to the room.

A duty of the sweeper. Each step happens once: the incident is locked and looked at again before it is moved on, so
that an acknowledgement a moment earlier wins. What lies on the shelf is silent and is not escalated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from incidents.codes import ACK_TARGET
from incidents.models import Incident
from incidents.selectors import relays_by_subject, whole_incidents
from incidents.states import UNACKNOWLEDGED
from incidents.work import Work, finish_all
from linkage import relays
from ocenter.accounts.principal import SYSTEM_ACTOR

SUPERVISOR: Final = 1
ROOM: Final = 2
TOLD: Final = {SUPERVISOR: "supervisor", ROOM: "room"}
KIND: Final = "incident.escalated"
# A sweep takes no more than this at once, the most urgent first: deliveries wait for it.
PER_SWEEP: Final = 60


def level_of(incident: Incident, now: datetime) -> int:
    """How far the incident's missed target has gone at `now`: 0, SUPERVISOR or ROOM."""
    target = ACK_TARGET.get(incident.grade)
    shelved = incident.shelved_until is not None and incident.shelved_until > now
    if incident.status not in UNACKNOWLEDGED or incident.ack_due_at is None or target is None or shelved:
        return 0
    late = now - incident.ack_due_at
    return ROOM if late >= target else SUPERVISOR if late.total_seconds() >= 0 else 0


def incidents_escalate() -> int:
    """Moves on whatever has missed its target; returns how many steps were made. The sweeper's duty; safe to repeat."""
    by_town: dict[int, list[str]] = defaultdict(list)
    for number, town in _due(timezone.now()).values_list("number", "municipality_id")[:PER_SWEEP]:
        by_town[town].append(number)
    return sum(_escalate(numbers) for numbers in by_town.values())


def _due(now: datetime) -> QuerySet[Incident]:
    first = Q(escalation=0, ack_due_at__lte=now)
    again = Q()
    for grade, target in ACK_TARGET.items():
        again |= Q(escalation__lt=ROOM, grade=grade, ack_due_at__lte=now - target)
    waiting = Incident.objects.filter(first | again, status__in=UNACKNOWLEDGED, escalation__lt=ROOM)
    return waiting.filter(Q(shelved_until=None) | Q(shelved_until__lte=now)).order_by("grade", "ack_due_at")


@transaction.atomic
def _escalate(numbers: Sequence[str]) -> int:
    relays.lock_subjects(numbers)
    carried = relays_by_subject(numbers)
    rows = whole_incidents().filter(number__in=numbers).order_by("pk").select_for_update(no_key=True, of=("self",))
    works = [work for incident in rows if (work := _step(incident))]
    for work in works:
        work.relays = carried[work.incident.number]
    if works:
        finish_all(works)
    return len(works)


def _step(incident: Incident) -> Work | None:
    now = timezone.now()
    level = level_of(incident, now)
    if level <= incident.escalation or incident.ack_due_at is None:
        return None
    work = Work(incident, SYSTEM_ACTOR)
    # One row a step, also where the sweeper was away so long that two are due.
    for step in range(incident.escalation + 1, level + 1):
        late = round((now - incident.ack_due_at).total_seconds())
        work.note(KIND, {"level": step, "to": TOLD[step], "overdue_s": late})
    incident.escalation, incident.escalated_at = level, now
    return work
