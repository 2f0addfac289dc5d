"""Taking in a test event that an administrator sends for a feed, by the same way as every event."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from incidents.intake import Arrival, events_receive
from incidents.reports import NotUnderstood, understand
from linkage.models import LinkedSystem


def test_event_take(system: LinkedSystem, raw: Any) -> str:
    """The number of the incident the event became part of. Raises ValueError with every reason."""
    try:
        report = understand(raw, timezone.now())
    except NotUnderstood as error:
        raise ValueError("; ".join(f"{one['field']}: {one['message']}" for one in error.errors)) from error
    (receipt,) = events_receive(municipality=system.municipality, arrivals=[Arrival(system, report)])
    return receipt.incident
