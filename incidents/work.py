"""The frame of every write to an incident: locked, moved by the table, saved with its ledger and audit rows.

Refusals are raised as `NotAllowedNow` (the state forbids it) or `Invalid` (the input does).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from incidents import ledger, offers, shelf
from incidents.models import Incident
from incidents.payloads import IncidentPayload, incident_payload
from incidents.selectors import relays_by_subject, whole_incidents
from incidents.signals import incidents_changing
from incidents.states import ENDED, MOVES
from linkage import relays
from linkage.models import Relay
from ocenter.accounts import audit, bulk
from ocenter.accounts.principal import Actor, Principal

# A unit on its way reports every two seconds: news for the map, but no transition and nothing to audit.
UNIT_MOVED: Final = "relay.unit"


class NotAllowedNow(Exception):
    """The incident's state forbids the action. `incident` is as it is; `detail` says what would help, `more` the same
    for machines: members of the problem document."""

    def __init__(self, incident: Incident, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.incident = incident
        self.detail = detail
        self.more = more


class Invalid(Exception):
    """An input is missing or wrong; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True)
class Result:
    """The incident as it is now, and the ledger's number of the change."""

    incident: IncidentPayload
    seq: int


class Work:
    """One incident being changed: collects ledger rows, writes them once at the end."""

    def __init__(self, incident: Incident, actor: Actor, principal: Principal | None = None) -> None:
        self.incident = incident
        self.actor = actor
        self._principal = principal
        self._rows: list[tuple[str, Actor, dict[str, Any]]] = []

    def note(self, kind: str, detail: Mapping[str, Any] | None = None, *, actor: Actor | None = None) -> None:
        """Adds a ledger row."""
        self._rows.append((kind, actor or self.actor, dict(detail or {})))

    def move(
        self, action: str, detail: Mapping[str, Any] | None = None, *, actor: Actor | None = None, target: str = ""
    ) -> None:
        """Moves the incident by the table; the one place its status is set. `target` is where an undoing leads back
        to. Raises NotAllowedNow."""
        move = MOVES[action]
        target = target or move.target
        if self.incident.status not in move.sources:
            raise NotAllowedNow(self.incident, _("Not possible from its present state."))
        before = self.incident.status
        self.incident.status, self.incident.status_at = target, timezone.now()
        # What changes comes back from the shelf (DOMAIN.md §4): a reopened incident must not lie there unseen.
        shelf.take_back(self.incident)
        shelf.calm(self.incident)
        if target in ENDED:
            offers.clear(self.incident)
        self.note(move.kind, {"from": before, "to": target, **(detail or {})}, actor=actor)

    @property
    def kinds(self) -> set[str]:
        """What happens to the incident: the kinds of the rows so far."""
        return {row[0] for row in self._rows}

    @cached_property
    def relays(self) -> list[Relay]:
        """The incident's relays, oldest first, as they were when first asked for."""
        return relays_by_subject([self.incident.number])[self.incident.number]

    def drafts(self) -> list[ledger.Draft]:
        """The collected rows; each carries the incident as it is at the end."""
        return [ledger.Draft(kind, self.incident, actor, detail, self.relays) for kind, actor, detail in self._rows]

    def finish(self) -> Result:
        """Saves, audits and writes the ledger rows."""
        seq = finish_all([self])
        return Result(incident_payload(self.incident, self.relays), seq)

    def entries(self) -> Iterable[audit.Entry]:
        """What the audit chain gets."""
        return (self._audited(*row) for row in self._rows if row[0] != UNIT_MOVED)

    def _audited(self, kind: str, actor: Actor, detail: dict[str, Any]) -> audit.Entry:
        return audit.Entry(
            actor=f"{actor['kind']}:{actor['name']}",
            action=kind,
            subject=self.incident.number,
            detail=detail,
            municipality_id=self.incident.municipality_id,
            address=self._principal.address if self._principal else None,
        )


def lock_incident(number: str) -> Incident:
    """The incident with its subject and row locked until the transaction ends. Raises Incident.DoesNotExist."""
    relays.lock_subject(number)
    return whole_incidents().select_for_update(no_key=True, of=("self",)).get(number=number)


def finish_all(works: Sequence[Work]) -> int:
    """Saves several incidents of one municipality and writes their rows at once; returns the last ledger number."""
    incidents_changing.send(sender=Work, works=works)
    drafts = [draft for work in works for draft in work.drafts()]
    municipality = works[0].incident.municipality
    first = ledger.reserve(municipality, [draft.incident for draft in drafts])
    bulk.update(Incident, [bulk.row_of(work.incident) for work in works])
    seq = ledger.write(municipality, first, drafts)
    # After the ledger's head, as everywhere: two heads locked in two orders would deadlock.
    audit.record_many(entry for work in works for entry in work.entries())
    return seq
