"""Rules that act without an operator, inside the transaction that opens an incident.

In the demo, fires are relayed to 119 by themselves; which codes go to which agency is the table below.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from incidents.models import Incident
from incidents.operations import relay_by_rule
from incidents.relaying import compose
from linkage.models import LinkedSystem

RELAYED_AT_ONCE: Final[dict[str, str]] = {"FIR-01": "fire119"}


def relay_at_once(*, incidents: Iterable[Incident], **_signal: Any) -> None:
    """Receiver of `incidents_opened`: relays what the table names to the municipality's own agency of that name."""
    for incident in incidents:
        slug = RELAYED_AT_ONCE.get(incident.code)
        if slug is None:
            continue
        agency = LinkedSystem.objects.filter(
            municipality_id=incident.municipality_id, kind=LinkedSystem.Kind.AGENCY, slug=slug
        ).first()
        if agency is not None and agency.pk != incident.system_id:  # who opened it knows it
            request = compose(incident, agency)
            relay_by_rule(incident=incident, request=request)
