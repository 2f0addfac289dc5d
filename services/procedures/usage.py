"""How procedures are followed: per step how often done and skipped, how long it took; and what a supervisor must know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median
from typing import Final, TypedDict

from django.utils import timezone

from incidents.codes import CODES
from services.procedures.definition import Pair
from services.procedures.models import Checklist, StepMark
from services.procedures.progress import DONE, SKIPPED
from services.procedures.selectors import Followed, standings

CHECKLISTS_AT_MOST: Final = 5_000
NOTICES_AT_MOST: Final = 100
NOTICES_WITHIN: Final = timedelta(hours=24)
NOTICED: Final = (StepMark.Kind.SKIPPED, StepMark.Kind.WAIVED, StepMark.Kind.OVERDUE)


class StepUsage(TypedDict):
    """One step over many incidents: `shown` on how many checklists, and of those how it went. `minutes` is the median
    from the checklist's beginning to its being done, null where it never was."""

    id: str
    text: Pair
    required: bool
    shown: int
    done: int
    automatic: int
    skipped: int
    minutes: float | None


class ProcedureUsage(TypedDict):
    """One version of one procedure. `own`: the centre's, else one that all centres share."""

    applies_to: str
    version: int
    own: bool
    title: Pair
    checklists: int
    waived: int
    steps: list[StepUsage]


class Usage(TypedDict):
    """All that began in a time; `complete` is false where it was cut off at 5,000 checklists."""

    procedures: list[ProcedureUsage]
    complete: bool


class Notice(TypedDict):
    """A step left out, waived or overdue, for the supervisor."""

    id: int
    at: str
    kind: str
    incident: str
    title: Pair
    place: str
    step: str | None
    step_text: Pair | None
    by: str
    reason: str | None


def usage(municipalities: Iterable[int], since: datetime, until: datetime) -> Usage:
    """How the checklists begun from `since` to before `until` went, by procedure and version."""
    rows = Checklist.objects.filter(municipality_id__in=list(municipalities), began_at__gte=since, began_at__lt=until)
    found = list(rows.select_related("procedure").order_by("began_at")[: CHECKLISTS_AT_MOST + 1])
    groups: dict[tuple[str, int, int], list[Followed]] = defaultdict(list)
    for one in standings(found[:CHECKLISTS_AT_MOST]):
        checklist = one.checklist
        groups[checklist.applies_to, checklist.procedure_id or 0, checklist.version].append(one)
    return {"procedures": [_procedure(group) for _, group in sorted(groups.items())], "complete": len(found) <= CHECKLISTS_AT_MOST}


def _procedure(group: list[Followed]) -> ProcedureUsage:
    checklist, definition = group[0].checklist, group[0].definition
    return {
        "applies_to": checklist.applies_to,
        "version": checklist.version,
        "own": checklist.procedure is not None and checklist.procedure.municipality_id is not None,
        "title": definition["title"],
        "checklists": len(group),
        "waived": sum(one.standing.waived is not None for one in group),
        "steps": [_step(at, group) for at in range(len(definition["steps"]))],
    }


def _step(at: int, group: list[Followed]) -> StepUsage:
    pairs = [(one.standing.steps[at], one.checklist.began_at) for one in group]
    done = [(step, began) for step, began in pairs if step.shown and step.state == DONE]
    minutes = [max(0.0, (step.at - began).total_seconds()) / 60 for step, began in done if step.at]
    step = pairs[0][0]
    return {
        "id": step.id,
        "text": step.step["text"],
        "required": step.required,
        "shown": sum(one.shown for one, _ in pairs),
        "done": len(done),
        "automatic": sum(not one.hand for one, _ in done),
        "skipped": sum(one.shown and one.state == SKIPPED for one, _ in pairs),
        "minutes": round(median(minutes), 2) if minutes else None,
    }


def notices(municipalities: Iterable[int], after: int = 0) -> list[Notice]:
    """What was skipped, waived or overdue in the last 24 hours and numbered after `after`, the newest first."""
    rows = StepMark.objects.filter(
        checklist__municipality_id__in=list(municipalities), kind__in=NOTICED, at__gte=timezone.now() - NOTICES_WITHIN, id__gt=after
    )
    return [_notice(one) for one in rows.select_related("checklist__incident").order_by("-id")[:NOTICES_AT_MOST]]


def _notice(mark: StepMark) -> Notice:
    checklist = mark.checklist
    step = next((one for one in checklist.definition["steps"] if one["id"] == mark.step), None)
    return {
        "id": mark.pk,
        "at": mark.at.isoformat(),
        "kind": mark.kind,
        "incident": checklist.incident.number,
        "title": CODES[checklist.incident.code].name,
        "place": checklist.incident.place,
        "step": mark.step or None,
        "step_text": step["text"] if step else None,
        "by": mark.by,
        "reason": mark.reason or None,
    }
