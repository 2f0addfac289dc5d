"""The shelf: putting an incident aside and taking it back. Pure changes to the row; who calls writes the ledger."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from incidents.codes import ACK_TARGET
from incidents.models import Incident, Suppression
from incidents.states import UNACKNOWLEDGED
from ocenter.accounts.models import User


def put(incident: Incident, *, until: datetime | None, reason: str, by: User | None, suppression: Suppression | None = None) -> None:
    """Puts it aside until then; not saved. What lies on the shelf does not sound and is not escalated."""
    incident.shelved_until, incident.shelf_reason, incident.shelved_by = until, reason, by
    incident.suppression = suppression


def take_back(incident: Incident) -> None:
    """Takes it off the shelf; not saved. Nothing where it is not there.

    What nobody had acknowledged wants it within the whole target again: it was silent, so nobody was late.
    """
    if incident.shelved_until is None:
        return
    put(incident, until=None, reason="", by=None)
    ask_anew(incident)


def ask_anew(incident: Incident) -> None:
    """Begins the time to acknowledge again, where it still waits for that; not saved."""
    calm(incident)
    target = ACK_TARGET.get(incident.grade)
    if incident.status in UNACKNOWLEDGED:
        incident.ack_due_at = timezone.now() + target if target else None


def calm(incident: Incident) -> None:
    """Ends an escalation; not saved."""
    incident.escalation, incident.escalated_at = 0, None
