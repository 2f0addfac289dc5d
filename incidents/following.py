"""The incident follows its agencies: what a relay's change writes into the ledger, and where it moves the incident."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from incidents import shelf
from incidents.codes import RESULT_CODES
from incidents.models import Change
from incidents.selectors import relays_by_subject, whole_incidents
from incidents.states import MOVES
from incidents.work import UNIT_MOVED, Work, finish_all
from linkage.models import Relay
from linkage.relays import RelayChange
from linkage.states import ENDED, RelayState
from ocenter.accounts.principal import SYSTEM_ACTOR


def relays_follow(*, changes: Sequence[RelayChange], **_signal: Any) -> None:
    """Receiver of `relays_changed`: writes a ledger row a change, and moves the incidents where agencies' words do.

    The changes are of one municipality and their subjects are locked.
    """
    by_subject: dict[str, list[RelayChange]] = defaultdict(list)
    for change in changes:
        by_subject[change.relay.subject].append(change)
    rows = whole_incidents().filter(number__in=list(by_subject)).order_by("pk")
    carried = relays_by_subject(by_subject)
    works = []
    for incident in rows.select_for_update(no_key=True, of=("self",)):
        work = Work(incident, SYSTEM_ACTOR)
        work.relays = carried[incident.number]
        _follow(work, by_subject[incident.number])
        works.append(work)
    if works:
        finish_all(works)


def _follow(work: Work, changes: Sequence[RelayChange]) -> None:
    for change in changes:
        work.note(change.kind, change.detail, actor=change.actor)
    if any(change.kind != UNIT_MOVED for change in changes):
        # What changes comes back from the shelf (DOMAIN.md §4).
        shelf.take_back(work.incident)
        follow_agencies(work)


def follow_agencies(work: Work) -> None:
    """Once confirmed, the incident follows what agencies say: notified, responding, resolved."""
    relays = _current(work)
    states = {relay.state for relay in relays}
    told = states - {RelayState.QUEUED, RelayState.FAILED, RelayState.DECLINED, RelayState.CANCELLED}
    if told:
        _move_if(work, "notify")
    if states & {RelayState.DISPATCHED, RelayState.ARRIVED}:
        _move_if(work, "respond")
    if RelayState.CLOSED in states and states <= ENDED:
        _take_result(work, relays)
        _move_if(work, "resolve")


def _current(work: Work) -> list[Relay]:
    """The last relay to each agency; one that had ended before the incident was reopened says nothing of it now."""
    last = list({relay.system_id: relay for relay in work.relays}.values())
    # Only who reopened or ended it has given a reason: the question is asked of few.
    if not work.incident.reason or not any(relay.state in ENDED for relay in last):
        return last
    rows = Change.objects.filter(incident=work.incident, kind="incident.reopened").order_by("-seq")
    reopened_at = rows.values_list("at", flat=True).first()
    return [one for one in last if reopened_at is None or one.state not in ENDED or one.state_at > reopened_at]


def _move_if(work: Work, action: str) -> None:
    if work.incident.status in MOVES[action].sources:
        work.move(action, actor=SYSTEM_ACTOR)


def _take_result(work: Work, relays: Sequence[Relay]) -> None:
    """The agency's result stands until the operator closes with one."""
    closed = max((one for one in relays if one.result_code), key=lambda one: one.state_at, default=None)
    if closed and closed.result_code in RESULT_CODES and not work.incident.result_code:
        work.incident.result_code = closed.result_code
