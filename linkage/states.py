"""A relay's life: one table of ranks, one question.

A relay moves forward only (invariant I3). Callbacks come late, twice and in any order: whatever
does not lead forward changes nothing. Ends are final.
"""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class RelayState(models.TextChoices):
    QUEUED = "queued", _("queued")
    FAILED = "failed", _("failed")
    SENT = "sent", _("sent")
    ACCEPTED = "accepted", _("accepted")
    DISPATCHED = "dispatched", _("dispatched")
    ARRIVED = "arrived", _("arrived")
    CLOSED = "closed", _("closed")
    DECLINED = "declined", _("declined")
    CANCELLED = "cancelled", _("cancelled")
    BY_HAND = "by_hand", _("called by hand")


RANK: Final[dict[str, int]] = {
    RelayState.QUEUED: 0,
    RelayState.FAILED: 1,
    RelayState.SENT: 2,
    RelayState.ACCEPTED: 3,
    RelayState.DISPATCHED: 4,
    RelayState.ARRIVED: 5,
    RelayState.BY_HAND: 6,
    RelayState.CLOSED: 7,
    RelayState.DECLINED: 7,
    RelayState.CANCELLED: 7,
}

# An agency's own word, in the contract's names; `by_hand` stays open until the agency or nobody answers.
CALLBACK_STATES: Final = frozenset({"accepted", "declined", "dispatched", "arrived", "closed", "cancelled"})
ENDED: Final = frozenset({RelayState.CLOSED, RelayState.DECLINED, RelayState.CANCELLED, RelayState.BY_HAND})


def leads_forward(current: str, new: str) -> bool:
    """Whether a relay in state `current` may move to `new`."""
    if current in (RelayState.CLOSED, RelayState.DECLINED, RelayState.CANCELLED):
        return False
    return RANK[new] > RANK[current]
