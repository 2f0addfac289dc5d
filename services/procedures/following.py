"""What the incidents tell the procedures: an acknowledgement begins a checklist, open steps refuse a closing, and the
sweeper says once when a step's time is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from incidents.models import Incident
from incidents.states import ACTIVE
from incidents.work import NotAllowedNow, Work, lock_incident
from ocenter.accounts.principal import SYSTEM_ACTOR
from services.procedures.models import Checklist, StepMark
from services.procedures.payloads import local, step_detail
from services.procedures.progress import Standing
from services.procedures.selectors import FACT_KINDS, Followed, begin, followed, last_reopening, standings

ACKNOWLEDGED: Final = "incident.acknowledged"
OVERDUE: Final = "procedure.overdue"
LOOKED_AT_ONCE: Final = 200
LOOK_EVERY: Final = timedelta(seconds=60)


def checklists_follow(*, works: Sequence[Work], **_signal: Any) -> None:
    """Receiver of `incidents_changing`: begins the checklist of what is acknowledged, and has the sweeper look again
    at those whose timed steps the ledger may have moved on."""
    moved = [work for work in works if work.kinds & FACT_KINDS]
    if not moved:
        return
    for work in moved:
        if ACKNOWLEDGED in work.kinds:
            checklist_begin(incident=work.incident)
    Checklist.objects.filter(incident__in=[work.incident for work in moved], timed=True).update(look_at=timezone.now())


def checklist_begin(*, incident: Incident) -> Checklist | None:
    """The incident's checklist of this round, begun now where there was none; inside the caller's transaction, with the
    incident locked. None where its procedure asks for nothing. Safe to repeat."""
    since = last_reopening(incident)
    if found := Checklist.objects.filter(incident_id=incident.pk, since_seq=since).first():
        return found
    checklist = begin(incident, since_seq=since)
    if checklist is not None:
        checklist.timed = any(step.get("due_s") or step["kind"] == "timer" for step in checklist.definition["steps"])
        checklist.look_at = timezone.now() if checklist.timed else None
        checklist.save(force_insert=True)
    return checklist


def require_steps_done(incident: Incident) -> None:
    """Guard of closing: raises NotAllowedNow that names the required steps still open, of whoever never opened the
    checklist too."""
    found = followed(incident)
    if found is None or not (blocking := found.standing.blocking):
        return
    names = ", ".join(local(one.step["text"]) for one in blocking)
    text = ngettext("A required step is open: %s", "Required steps are open: %s", len(blocking)) % names
    steps = [{"id": one.id, "text": one.step["text"], "owner": one.owner} for one in blocking]
    raise NotAllowedNow(incident, _("%s. Do it, skip it with a reason, or let a supervisor waive it.") % text, open_steps=steps)


def checklists_raise_overdue() -> int:
    """Says of every step whose time is over that it is, once; returns how many. The sweeper's duty."""
    now = timezone.now()
    due = Checklist.objects.filter(look_at__lte=now).select_related("incident").order_by("look_at")[:LOOKED_AT_ONCE]
    return sum(_look(one, now) for one in standings(list(due)))


def _look(found: Followed, now: datetime) -> bool:
    """Without a lock first: only what is overdue is locked, and looked at again."""
    if _says_overdue(found.checklist.incident, found.standing, now):
        return _raise(found.checklist.incident.number, found.checklist.pk)
    # Only where nobody has asked for another look meanwhile.
    unchanged = Checklist.objects.filter(pk=found.checklist.pk, look_at=found.checklist.look_at)
    unchanged.update(look_at=next_look(found.checklist.incident, found.standing, now))
    return False


def _says_overdue(incident: Incident, standing: Standing, now: datetime) -> bool:
    current = standing.current
    if incident.status not in ACTIVE or (incident.shelved_until and incident.shelved_until > now):
        return False
    return current is not None and current.is_overdue(now) and not current.raised


def next_look(incident: Incident, standing: Standing, now: datetime) -> datetime | None:
    """When the sweeper looks again: when the current step's time is over, and each minute in case the ledger has moved
    it on without telling; never once the incident has ended or nothing is left to do."""
    current = standing.current
    if incident.status not in ACTIVE or current is None:
        return None
    if current.due_at is None or current.due_at <= now:
        return now + LOOK_EVERY
    return min(current.due_at, now + LOOK_EVERY)


@transaction.atomic
def _raise(number: str, pk: int) -> bool:
    work = Work(lock_incident(number), SYSTEM_ACTOR)
    now = timezone.now()
    checklist = Checklist.objects.select_related("incident").get(pk=pk)
    (found,) = standings([checklist])
    overdue = _says_overdue(work.incident, found.standing, now)
    if overdue and (current := found.standing.current):
        StepMark.objects.create(
            checklist=checklist, step=current.id, kind=StepMark.Kind.OVERDUE, by=SYSTEM_ACTOR["name"], owner=current.owner, at=now
        )
        current.raised = True
        work.note(OVERDUE, step_detail(found, current))
    Checklist.objects.filter(pk=pk).update(look_at=next_look(work.incident, found.standing, now))
    if overdue:
        work.finish()
    return overdue
