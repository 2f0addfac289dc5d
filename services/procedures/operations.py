"""What people do to a checklist, and what administrators do to procedures: one function an action, each one transaction.

A step's change is a row of the incident's ledger, so that every console sees it live, and an audit entry. The
incident is locked first, as by every change to it: closing and marking a step never pass each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from incidents.operations import REASON_LENGTH
from incidents.reports import storable
from incidents.states import ACTIVE, UNACKNOWLEDGED
from incidents.work import Invalid, NotAllowedNow, Result, Work, lock_incident
from ocenter.accounts import audit
from ocenter.accounts.models import Municipality
from ocenter.accounts.principal import Principal
from services.procedures.definition import Definition, faults_of
from services.procedures.following import checklist_begin, next_look
from services.procedures.models import Checklist, Procedure, StepMark
from services.procedures.payloads import step_detail
from services.procedures.progress import DONE, OPEN, SKIPPED, StepStanding
from services.procedures.selectors import Followed, standings

SAVING_LOCK: Final = 0x0CE7_50B5
Kind = StepMark.Kind
NOTED: Final = {
    Kind.DONE: "procedure.step_done", Kind.CHOSEN: "procedure.step_chosen", Kind.SKIPPED: "procedure.step_skipped",
    Kind.UNDONE: "procedure.step_undone", Kind.WAIVED: "procedure.waived",
}  # fmt: skip


class NoSuchStep(ObjectDoesNotExist):
    """The incident's procedure has no step of that id, or asks for nothing at all."""


@dataclass
class Marking:
    """One checklist being marked: the incident's work, and how it stood when it was locked."""

    work: Work
    by: Principal
    found: Followed

    def step(self, name: str) -> StepStanding:
        """The step, which this caller may mark. Raises NoSuchStep, NotAllowedNow."""
        one = self.found.standing.step(name)
        if one is None:
            raise NoSuchStep
        if not one.shown:
            self.refuse(_("This step is on a branch that was not taken."))
        if one.owner == "supervisor" and not self.by.may("override"):
            self.refuse(_("This step is the supervisor's."))
        return one

    def refuse(self, why: str) -> None:
        """Raises NotAllowedNow."""
        raise NotAllowedNow(self.work.incident, why)

    def mark(self, kind: str, one: StepStanding | None, *, detail: Mapping[str, Any], choice: str = "", reason: str = "") -> Result:
        """Writes the mark, the ledger's row and the audit entry."""
        checklist = self.found.checklist
        StepMark.objects.create(
            checklist=checklist, step=one.id if one else "", kind=kind, choice=choice, reason=reason,
            by=self.work.actor["name"], owner=one.owner if one else "", at=timezone.now(),
        )  # fmt: skip
        (now_found,) = standings([checklist])
        look_at = next_look(self.work.incident, now_found.standing, timezone.now()) if checklist.timed else None
        Checklist.objects.filter(pk=checklist.pk).update(look_at=look_at)
        progress = {"settled": now_found.standing.settled, "total": len(now_found.standing.shown)}
        self.work.note(NOTED[kind], {**detail, **progress})
        return self.work.finish()


def _begin(number: str, by: Principal) -> Marking:
    work = Work(lock_incident(number), by.actor, by)
    if work.incident.status not in ACTIVE:
        raise NotAllowedNow(work.incident, _("It has ended."))
    if work.incident.status in UNACKNOWLEDGED:
        raise NotAllowedNow(work.incident, _("Acknowledge it first."))
    checklist = checklist_begin(incident=work.incident)
    if checklist is None:
        raise NoSuchStep
    return Marking(work, by, standings([checklist])[0])


def _require_open(marking: Marking, one: StepStanding, *, also: frozenset[str] = frozenset()) -> None:
    if one.state == OPEN or one.state in also:
        return
    what = _("%(by)s has skipped this step.") if one.state == SKIPPED else _("%(by)s has done this step.")
    marking.refuse(what % {"by": one.by})


def _reason(text: str) -> str:
    if not text.strip():
        raise Invalid("reason", _("Say why."))
    if len(text) > REASON_LENGTH or not storable(text):
        raise Invalid("reason", _("At most 300 characters, without NUL."))
    return text.strip()


@transaction.atomic
def step_do(*, number: str, step: str, by: Principal) -> Result:
    """Marks a step as done, also one that was skipped. A timer only once its minutes have passed; a choice is chosen
    instead. Repeating is refused, naming who has done it."""
    marking = _begin(number, by)
    one = marking.step(step)
    _require_open(marking, one, also=frozenset({SKIPPED}))
    if one.step["kind"] == "choice":
        marking.refuse(_("Choose one of its branches."))
    if one.step["kind"] == "timer":
        _require_ready(marking, one)
    return marking.mark(Kind.DONE, one, detail=step_detail(marking.found, one))


def _require_ready(marking: Marking, one: StepStanding) -> None:
    if one.ready_at is None:
        marking.refuse(_("Its time begins once the steps before it are settled; skip it with a reason if it is not needed."))
    elif one.ready_at > timezone.now():
        at = timezone.localtime(one.ready_at).strftime("%H:%M:%S")
        marking.refuse(_("Its time is over at %s; skip it with a reason if it is not needed.") % at)


@transaction.atomic
def step_choose(*, number: str, step: str, choice: str, by: Principal) -> Result:
    """Takes a branch; steps that depend on it appear or vanish. Choosing another branch is allowed until the ledger
    itself has settled it; the same one again is refused."""
    marking = _begin(number, by)
    one = marking.step(step)
    if one.step["kind"] != "choice":
        marking.refuse(_("This step has no branches."))
    option = next((option for option in one.step.get("options", []) if option["id"] == choice), None)
    if option is None:
        raise Invalid("choice", _("One of: %s.") % ", ".join(option["id"] for option in one.step.get("options", [])))
    if one.state == DONE and (not one.hand or one.choice == choice):
        _require_open(marking, one)
    detail = step_detail(marking.found, one, choice=choice, choice_text=option["text"])
    return marking.mark(Kind.CHOSEN, one, detail=detail, choice=choice)


@transaction.atomic
def step_skip(*, number: str, step: str, reason: str, by: Principal) -> Result:
    """Leaves a step out, with a reason; the supervisor is told. What is done cannot be skipped."""
    marking = _begin(number, by)
    reason = _reason(reason)
    one = marking.step(step)
    _require_open(marking, one)
    return marking.mark(Kind.SKIPPED, one, detail=step_detail(marking.found, one, reason=reason), reason=reason)


@transaction.atomic
def step_undo(*, number: str, step: str, by: Principal) -> Result:
    """Takes a mark back, so that the step is open again; what the ledger itself settled stays."""
    marking = _begin(number, by)
    one = marking.step(step)
    if one.state == OPEN:
        marking.refuse(_("This step is open."))
    if not one.hand:
        marking.refuse(_("The ledger has settled this step; it cannot be taken back."))
    return marking.mark(Kind.UNDONE, one, detail=step_detail(marking.found, one))


@transaction.atomic
def procedure_waive(*, number: str, reason: str, by: Principal) -> Result:
    """Lets the rest of the procedure go, with a reason: closing waits for no more steps. A supervisor's, which the
    caller checks (`override`). Refused where nothing required is open."""
    marking = _begin(number, by)
    reason = _reason(reason)
    blocking = marking.found.standing.blocking
    if not blocking:
        marking.refuse(_("Nothing required is open."))
    checklist = marking.found.checklist
    detail = {
        "procedure": checklist.applies_to, "version": checklist.version, "reason": reason,
        "open_steps": [{"id": one.id, "text": one.step["text"]} for one in blocking],
    }  # fmt: skip
    return marking.mark(Kind.WAIVED, None, detail=detail, reason=reason)


@transaction.atomic
def procedure_save(*, municipality: Municipality | None, definition: Definition, active: bool, by: str) -> Procedure:
    """Writes the next version of a centre's procedure (None: of every centre's) and, where `active`, makes it the one
    that new checklists follow. Running ones keep theirs. Raises Invalid for the first thing that is wrong with it.

    The caller writes the audit entry: the admin's frame does for its pages.
    """
    for where, message in faults_of(definition):
        raise Invalid(where, str(message))
    target = definition["applies_to"]
    with connection.cursor() as cursor:
        # Two who save the first version at once have no row to lock.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SAVING_LOCK])
    versions = Procedure.objects.filter(municipality=municipality, applies_to=target).order_by("-version")
    newest = versions.first()
    if active:
        versions.filter(active=True).update(active=False)
    return Procedure.objects.create(
        municipality=municipality, applies_to=target, version=newest.version + 1 if newest else 1, active=active,
        title_ko=definition["title"]["ko"].strip(), title_en=definition["title"]["en"].strip(),
        steps=definition["steps"], created_by=by,
    )  # fmt: skip


@transaction.atomic
def procedures_load(*, municipality: Municipality | None, definitions: Sequence[Definition], by: str) -> list[Procedure]:
    """Saves those that differ from what is active, each as the active version, with audit entries; returns them.

    Repeating it changes nothing. Raises Invalid for the first that is wrong; then none is saved.
    """
    saved = []
    for definition in definitions:
        active = Procedure.objects.filter(municipality=municipality, applies_to=definition["applies_to"], active=True).first()
        if active and (active.definition["title"], active.steps) == (definition["title"], definition["steps"]):
            continue
        saved.append(procedure_save(municipality=municipality, definition=definition, active=True, by=by))
    audit.record_many(
        audit.Entry(by, "procedure.loaded", f"procedure:{one.pk}", {"procedure": str(one)}, municipality.pk if municipality else None)
        for one in saved
    )
    return saved


@transaction.atomic
def procedure_activate(*, procedure: Procedure, active: bool) -> None:
    """Makes this version the one that new checklists follow (again), or lets its place be empty: then they follow what
    comes next. The caller writes the audit entry."""
    if active:
        Procedure.objects.filter(municipality=procedure.municipality, applies_to=procedure.applies_to, active=True).update(active=False)
    Procedure.objects.filter(pk=procedure.pk).update(active=active)
