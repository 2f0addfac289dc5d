"""How a checklist stands: worked out from its definition, what people marked, and what the ledger knows. No database.

Nothing of it is stored: the same marks and facts always give the same standing, also for a moment of the past.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from services.procedures.definition import Definition, Step

OPEN: Final = "open"
DONE: Final = "done"
SKIPPED: Final = "skipped"
# How long after its minutes a timer without a `due_s` of its own counts as overdue.
TIMER_GRACE: Final = timedelta(seconds=60)


class Mark(NamedTuple):
    """What somebody did to a step, oldest first; of a waiver `step` is empty."""

    step: str
    kind: str  # a StepMark.Kind
    by: str
    at: datetime
    choice: str = ""
    reason: str = ""


class Fact(NamedTuple):
    """What the ledger says happened: "verified", "told:police112"."""

    name: str
    by: str
    at: datetime


@dataclass
class StepStanding:
    """One step as it stands. `hand`: a person marked it, not the ledger; `shown`: its branch was taken."""

    step: Step
    shown: bool = True
    state: str = OPEN
    by: str = ""
    at: datetime | None = None
    hand: bool = False
    choice: str = ""
    reason: str = ""
    since: datetime | None = None
    ready_at: datetime | None = None
    due_at: datetime | None = None
    raised: bool = False

    @property
    def id(self) -> str:
        """The step's id."""
        return self.step["id"]

    @property
    def required(self) -> bool:
        """Whether closing waits for it."""
        return self.step.get("required", False)

    @property
    def owner(self) -> str:
        """Whose it is."""
        return self.step.get("owner", "operator")

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is open and its time is over."""
        return self.state == OPEN and self.due_at is not None and now >= self.due_at


@dataclass
class Standing:
    """A whole checklist. `current` is the step to do next, None once nothing is left to do."""

    steps: list[StepStanding] = field(default_factory=list)
    current: StepStanding | None = None
    waived: Mark | None = None

    @property
    def shown(self) -> list[StepStanding]:
        """The steps whose branches were taken."""
        return [one for one in self.steps if one.shown]

    @property
    def settled(self) -> int:
        """How many of those are done or skipped."""
        return sum(one.state != OPEN for one in self.shown)

    @property
    def blocking(self) -> list[StepStanding]:
        """What closing waits for."""
        return [] if self.waived else [one for one in self.shown if one.required and one.state == OPEN]

    def step(self, name: str) -> StepStanding | None:
        """The step of that id."""
        return next((one for one in self.steps if one.id == name), None)


def standing(definition: Definition, began_at: datetime, marks: Iterable[Mark], facts: Iterable[Fact]) -> Standing:
    """Works it out; marks and facts are oldest first."""
    all_marks, all_facts = list(marks), list(facts)
    found = Standing(waived=next((one for one in reversed(all_marks) if one.kind == "waived"), None))
    for step in definition["steps"]:
        mine = [one for one in all_marks if one.step == step["id"]]
        found.steps.append(_settled(step, mine, all_facts, found))
    if not found.waived:
        found.current = _current(found)
    if found.current:
        _time(found.current, found, began_at)
    return found


def _settled(step: Step, marks: Sequence[Mark], facts: Sequence[Fact], before: Standing) -> StepStanding:
    one = StepStanding(step, shown=_is_shown(step, before), raised=any(mark.kind == "overdue" for mark in marks))
    last = next((mark for mark in reversed(marks) if mark.kind != "overdue"), None)
    if last and last.kind != "undone":
        one.state = SKIPPED if last.kind == "skipped" else DONE
        one.by, one.at, one.hand, one.choice, one.reason = last.by, last.at, True, last.choice, last.reason
    # A fact outweighs a mark made before it: who chose "not needed" and told the police after all has told them.
    for fact, choice in _facts_of(step, facts):
        if one.state != DONE or (one.hand and one.at and fact.at > one.at and choice not in ("", one.choice)):
            one.state, one.by, one.at, one.hand, one.choice, one.reason = DONE, fact.by, fact.at, False, choice, ""
    return one


def _facts_of(step: Step, facts: Sequence[Fact]) -> list[tuple[Fact, str]]:
    """The facts that settle this step, each with the option it takes."""
    wanted = [(name, "") for name in step.get("auto", [])]
    wanted += [(name, option["id"]) for option in step.get("options", []) for name in option.get("auto", [])]
    return [(fact, choice) for fact in facts for name, choice in wanted if fact.name == name]


def _is_shown(step: Step, before: Standing) -> bool:
    when = step.get("when")
    if not when:
        return True
    choice = before.step(when["step"])
    return choice is not None and choice.shown and choice.choice in when["is"]


def _current(found: Standing) -> StepStanding | None:
    """The first open step; one that need not be done is passed over once a later one is settled."""
    shown = found.shown
    last = max((at for at, one in enumerate(shown) if one.state != OPEN), default=-1)
    return next((one for at, one in enumerate(shown) if one.state == OPEN and (one.required or at > last)), None)


def _time(current: StepStanding, found: Standing, began_at: datetime) -> None:
    """Since when it is the current one, and so until when."""
    earlier = found.shown[: found.shown.index(current)]
    current.since = max([began_at, *(one.at for one in earlier if one.state != OPEN and one.at)])
    due = current.step.get("due_s")
    if current.step["kind"] == "timer":
        current.ready_at = current.since + timedelta(minutes=current.step["minutes"])
        current.due_at = current.ready_at + (timedelta(seconds=due) if due else TIMER_GRACE)
    elif due:
        current.due_at = current.since + timedelta(seconds=due)
