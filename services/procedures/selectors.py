"""Reads: which procedure a code follows, and how the checklists of incidents stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Max, Q
from django.utils import timezone

from incidents.codes import CODES
from incidents.models import Change, Incident
from incidents.states import ACTIVE, UNACKNOWLEDGED
from services.procedures.builtin import builtins
from services.procedures.definition import Definition
from services.procedures.models import Checklist, Procedure, StepMark
from services.procedures.progress import Fact, Mark, Standing, standing

_REOPENED: Final = "incident.reopened"
# An agency is told once it has the message, opened the case itself, or was telephoned; a queued relay tells nobody.
_TELLING: Final = frozenset(
    {"relay.sent", "relay.opened", "relay.by_hand", "relay.accepted", "relay.dispatched", "relay.arrived", "relay.closed"}
)
_FACTS: Final[dict[str, tuple[str, ...]]] = {
    "incident.acknowledged": ("acknowledged",),
    "incident.verifying": ("verified",),
    # Who confirms it as real has looked.
    "incident.confirmed": ("verified", "confirmed"),
    "incident.resolved": ("resolved",),
    "relay.arrived": ("arrived",),
    "relay.closed": ("agency_closed",),
}
FACT_KINDS: Final = frozenset(_FACTS) | _TELLING


@dataclass(frozen=True)
class Followed:
    """A checklist (saved, or as it would be begun), with how it stands."""

    checklist: Checklist
    standing: Standing

    @property
    def definition(self) -> Definition:
        """The version it follows."""
        return self.checklist.definition


def chosen_procedure(municipality_id: int, code: str) -> tuple[Definition, Procedure | None] | None:
    """What an incident of this code follows: the centre's own for the code, its own for the family, then every
    centre's, then what comes with the product. None where that asks for nothing."""
    targets = (code, CODES[code].family)
    rows = Procedure.objects.filter(Q(municipality_id=municipality_id) | Q(municipality=None), active=True, applies_to__in=targets)
    found = min(rows, key=lambda one: (one.municipality_id is None, one.applies_to != code), default=None)
    definition = found.definition if found else next((builtins()[one] for one in targets if one in builtins()), None)
    return (definition, found) if definition and definition["steps"] else None


def begin(incident: Incident, *, since_seq: int = 0, at: datetime | None = None) -> Checklist | None:
    """The checklist this incident would begin now, unsaved; None where its procedure asks for nothing."""
    chosen = chosen_procedure(incident.municipality_id, incident.code)
    if chosen is None:
        return None
    definition, procedure = chosen
    return Checklist(
        incident=incident, municipality_id=incident.municipality_id, procedure=procedure, definition=definition,
        applies_to=definition["applies_to"], version=definition["version"], since_seq=since_seq,
        began_at=at or incident.acknowledged_at or timezone.now(),
    )  # fmt: skip


def last_reopening(incident: Incident, until: datetime | None = None) -> int:
    """The ledger's number of its last reopening, 0 where there is none."""
    rows = Change.objects.filter(incident_id=incident.pk, kind=_REOPENED)
    if until:
        rows = rows.filter(at__lte=until)
    return rows.aggregate(last=Max("seq"))["last"] or 0


def is_followable(incident: Incident) -> bool:
    """Whether steps can be taken: somebody has acknowledged it, and it has not ended."""
    return incident.status in ACTIVE and incident.status not in UNACKNOWLEDGED


def followed(incident: Incident, until: datetime | None = None) -> Followed | None:
    """How the incident's present checklist stands, now or as it stood at `until`; None where nothing is asked.

    Begun at the acknowledgement; what was acknowledged before there were procedures is shown as if it had begun then.
    """
    since = last_reopening(incident, until)
    checklist = Checklist.objects.filter(incident_id=incident.pk, since_seq=since).first()
    if checklist is None or (until and checklist.began_at > until):
        checklist = begin(incident, since_seq=since)
    return standings([checklist], until)[0] if checklist else None


def standings(checklists: Sequence[Checklist], until: datetime | None = None) -> list[Followed]:
    """How they stand, with one query for the marks and one for the ledger's facts of them all."""
    marks, facts = _marks(checklists, until), _facts(checklists, until)
    return [
        Followed(one, standing(one.definition, one.began_at, marks[one.pk], [fact for seq, fact in facts[one.incident_id] if seq > one.since_seq]))
        for one in checklists
    ]


def _marks(checklists: Sequence[Checklist], until: datetime | None) -> dict[int | None, list[Mark]]:
    found: dict[int | None, list[Mark]] = defaultdict(list)
    rows = StepMark.objects.filter(checklist_id__in=[one.pk for one in checklists if one.pk]).order_by("id")
    if until:
        rows = rows.filter(at__lte=until)
    for pk, *mark in rows.values_list("checklist_id", "step", "kind", "by", "at", "choice", "reason"):
        found[pk].append(Mark(*mark))
    return found


def _facts(checklists: Sequence[Checklist], until: datetime | None) -> dict[int, list[tuple[int, Fact]]]:
    found: dict[int, list[tuple[int, Fact]]] = defaultdict(list)
    rows = Change.objects.filter(incident_id__in={one.incident_id for one in checklists}, kind__in=FACT_KINDS)
    if until:
        rows = rows.filter(at__lte=until)
    # The body holds the whole incident; only two of its words are wanted.
    wanted = rows.order_by("seq").values_list("incident_id", "seq", "kind", "at", "body__actor__name", "body__detail__agency")
    for incident_id, seq, kind, at, by, agency in wanted:
        found[incident_id] += [(seq, Fact(name, by or "", at)) for name in _names(kind, agency)]
    return found


def _names(kind: str, agency: str | None) -> Iterable[str]:
    yield from _FACTS.get(kind, ())
    if kind in _TELLING:
        yield "told"
        if agency:
            yield f"told:{agency}"
