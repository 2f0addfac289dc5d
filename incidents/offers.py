"""An offer to hand an incident over: pure changes to the row; who calls writes the ledger."""

from __future__ import annotations

from datetime import datetime

from incidents.models import Incident
from ocenter.accounts.models import User


def put(incident: Incident, *, to: User, by: User, until: datetime) -> None:
    """Offers it; not saved. `to` and `by` are the same where somebody asks the holder for it."""
    incident.offered_to, incident.offered_by, incident.offer_until = to, by, until


def clear(incident: Incident) -> None:
    """Ends a pending offer, however it was answered; not saved."""
    incident.offered_to = incident.offered_by = incident.offer_until = None


def hand_to(incident: Incident, holder: User | None) -> None:
    """Puts it into somebody's hands; an offer of whoever held it before is over. Not saved."""
    if incident.holder_id != (holder.pk if holder else None):
        clear(incident)
    incident.holder = holder
