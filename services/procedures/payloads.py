"""How a checklist looks from outside."""

from __future__ import annotations

from typing import Any, TypedDict

from django.utils.translation import get_language

from incidents.models import Incident
from incidents.payloads import iso
from services.procedures.definition import Pair
from services.procedures.progress import OPEN, StepStanding
from services.procedures.selectors import Followed, is_followable


class OptionPayload(TypedDict):
    """One branch of a choice."""

    id: str
    text: Pair


class StepPayload(TypedDict):
    """One step whose branch was taken. `state`: open, done, skipped; `hand`: a person marked it, else the ledger did;
    `since`, `ready_at` (of a timer) and `due_at` are those of the current step."""

    id: str
    text: Pair
    kind: str
    required: bool
    owner: str
    state: str
    by: str | None
    at: str | None
    hand: bool
    reason: str | None
    options: list[OptionPayload]
    choice: str | None
    minutes: int | None
    action: str | None
    automatic: bool
    since: str | None
    ready_at: str | None
    due_at: str | None


class WaiverPayload(TypedDict):
    """Who let the rest go, when and why."""

    by: str
    at: str
    reason: str


class ChecklistPayload(TypedDict):
    """An incident's procedure. `state`: none (nothing is asked), waiting (for the acknowledgement), open, complete
    (nothing keeps it from closing), waived. `settled` of `total` steps are done or skipped; `blocking` are the required
    ones still open; `hidden` counts steps on branches not taken."""

    incident: str
    state: str
    applies_to: str | None
    version: int | None
    title: Pair | None
    began_at: str | None
    waived: WaiverPayload | None
    settled: int
    total: int
    hidden: int
    current: str | None
    blocking: list[str]
    steps: list[StepPayload]


def local(text: Pair) -> str:
    """The text in the reader's language."""
    return text["en"] if (get_language() or "ko").startswith("en") else text["ko"]


def checklist_payload(incident: Incident, found: Followed | None) -> ChecklistPayload:
    """The incident's checklist from outside; None says that nothing is asked."""
    if found is None:
        return {
            "incident": incident.number, "state": "none", "applies_to": None, "version": None, "title": None,
            "began_at": None, "waived": None, "settled": 0, "total": 0, "hidden": 0, "current": None, "blocking": [], "steps": [],
        }  # fmt: skip
    standing, definition = found.standing, found.definition
    waived = standing.waived
    begun = found.checklist.pk is not None or is_followable(incident)
    return {
        "incident": incident.number,
        "state": "waived" if waived else "waiting" if not begun else "open" if standing.blocking else "complete",
        "applies_to": definition["applies_to"],
        "version": definition["version"],
        "title": definition["title"],
        "began_at": iso(found.checklist.began_at) if begun else None,
        "waived": {"by": waived.by, "at": waived.at.isoformat(), "reason": waived.reason} if waived else None,
        "settled": standing.settled,
        "total": len(standing.shown),
        "hidden": len(standing.steps) - len(standing.shown),
        "current": standing.current.id if standing.current and begun else None,
        "blocking": [one.id for one in standing.blocking],
        "steps": [_step(one) for one in standing.shown],
    }


def _step(one: StepStanding) -> StepPayload:
    step = one.step
    options = step.get("options", [])
    return {
        "id": one.id,
        "text": step["text"],
        "kind": step["kind"],
        "required": one.required,
        "owner": one.owner,
        "state": one.state,
        "by": one.by or None,
        "at": iso(one.at),
        "hand": one.hand,
        "reason": one.reason or None,
        "options": [{"id": option["id"], "text": option["text"]} for option in options],
        "choice": one.choice or None,
        "minutes": step.get("minutes"),
        "action": step.get("action"),
        "automatic": bool(step.get("auto") or any(option.get("auto") for option in options)),
        "since": iso(one.since) if one.state == OPEN else None,
        "ready_at": iso(one.ready_at),
        "due_at": iso(one.due_at),
    }


def step_detail(found: Followed, one: StepStanding, **more: Any) -> dict[str, Any]:
    """What the ledger and the audit chain say of a change to a step."""
    checklist = found.checklist
    return {
        "procedure": checklist.applies_to, "version": checklist.version, "step": one.id, "step_text": one.step["text"],
        "required": one.required, "owner": one.owner, **more,
    }  # fmt: skip
