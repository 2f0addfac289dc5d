"""Which ledger rows a caller may read: the same question for REST and socket."""

from __future__ import annotations

from collections.abc import Sequence

from incidents.ledger import RawRow
from incidents.models import Incident
from linkage.models import Relay
from ocenter.accounts.principal import Principal


def visible_rows(caller: Principal, rows: Sequence[RawRow]) -> list[str]:
    """The bodies (JSON text) of those rows the caller may read, in order."""
    if caller.families is None:
        return [row.body for row in rows]
    others = {row.incident_id for row in rows if row.family not in caller.families}
    relayed = _relayed_to(caller, others) if others else set()
    return [row.body for row in rows if row.family in caller.families or row.incident_id in relayed]


def _relayed_to(caller: Principal, incident_ids: set[int | None]) -> set[int]:
    numbers = dict(Incident.objects.filter(pk__in=incident_ids).values_list("number", "pk"))
    told = Relay.objects.filter(system_id=caller.system_id, subject__in=numbers).values_list("subject", flat=True)
    return {numbers[number] for number in told}
