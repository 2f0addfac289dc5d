"""Linked systems, their keys and tests, and what is on its way to them and from them, in the admin site."""

from __future__ import annotations

from typing import Any, Final

from linkage.admin.quarantine import QuarantinedAdmin
from linkage.admin.relays import AttemptAdmin, DeliveryAdmin, RelayAdmin
from linkage.admin.systems import LinkedSystemAdmin
from linkage.models import Attempt, Delivery, LinkedSystem, Quarantined, Relay

PAGES: Final[tuple[tuple[Any, Any], ...]] = (
    (LinkedSystem, LinkedSystemAdmin),
    (Quarantined, QuarantinedAdmin),
    (Relay, RelayAdmin),
    (Delivery, DeliveryAdmin),
    (Attempt, AttemptAdmin),
)
