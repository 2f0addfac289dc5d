"""Rules that act without an operator, inside the transaction that opens an incident.

In the demo, fires are relayed to 119 by themselves; which codes go to which agency is the table below.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from incidents.models import Incident
from incidents.operations import relays_by_rule
from incidents.relaying import compose
from linkage.models import LinkedSystem

RELAYED_AT_ONCE: Final[dict[str, str]] = {"FIR-01": "fire119"}


def relay_at_once(*, incidents: Sequence[Incident], **_signal: Any) -> None:
    """Receiver of `incidents_opened`: relays what the table names to the municipality's own agency of that name."""
    named = [one for one in incidents if one.code in RELAYED_AT_ONCE]
    if not named:
        return
    agencies = LinkedSystem.objects.select_related("municipality").defer("municipality__boundary").filter(
        municipality_id__in={one.municipality_id for one in named}, kind=LinkedSystem.Kind.AGENCY,
        slug__in=set(RELAYED_AT_ONCE.values()),
    )  # fmt: skip
    by_name = {(one.municipality_id, one.slug): one for one in agencies}
    told = [(one, by_name.get((one.municipality_id, RELAYED_AT_ONCE[one.code]))) for one in named]
    # Who opened it knows it.
    relays_by_rule(
        requests=[(one, compose(one, agency)) for one, agency in told if agency and agency.pk != one.system_id]
    )
