"""An incident's life: one table of allowed moves (DOMAIN.md §4).

`MOVES[action]` says from which statuses an action leads to which. The one function that applies it is
`operations.move`; `moves_from` tells a screen what to offer. Guards (a result code, an agency that
has not closed) belong to the operation, since they depend on more than the status.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    RECEIVED = "received", _("received")
    MERGED = "merged", _("merged")
    OPEN = "open", _("open")
    ACKED = "acked", _("acknowledged")
    VERIFYING = "verifying", _("verifying")
    CONFIRMED = "confirmed", _("confirmed")
    FALSE_ALARM = "false_alarm", _("false alarm")
    TEST = "test", _("test")
    NOTIFIED = "notified", _("agency notified")
    RESPONDING = "responding", _("responding")
    RESOLVED = "resolved", _("resolved")
    CLOSED = "closed", _("closed")
    REOPENED = "reopened", _("reopened")
    CANCELLED = "cancelled", _("cancelled by the source")


class Move(NamedTuple):
    """From any of `sources` an action leads to `target`, and the ledger calls it `kind`."""

    sources: frozenset[str]
    target: str
    kind: str


ENDED: Final = frozenset({Status.MERGED, Status.FALSE_ALARM, Status.TEST, Status.CLOSED, Status.CANCELLED})
ACTIVE: Final = frozenset(Status) - ENDED
# Nobody has taken notice yet: what sounds, and what a flood must not hide.
UNACKNOWLEDGED: Final = frozenset({Status.RECEIVED, Status.OPEN, Status.REOPENED})
# A later event may still join; once resolved, the next one is a new incident.
JOINABLE: Final = ACTIVE - {Status.RESOLVED}
RELAYABLE: Final = JOINABLE - {Status.RECEIVED}

_EARLY: Final = frozenset({Status.OPEN, Status.REOPENED, Status.ACKED, Status.VERIFYING})
_LATE: Final = frozenset({Status.CONFIRMED, Status.NOTIFIED, Status.RESPONDING})

MOVES: Final[dict[str, Move]] = {
    "open": Move(frozenset({Status.RECEIVED}), Status.OPEN, "incident.opened"),
    "acknowledge": Move(frozenset({Status.OPEN, Status.REOPENED}), Status.ACKED, "incident.acknowledged"),
    "verify": Move(frozenset({Status.ACKED}), Status.VERIFYING, "incident.verifying"),
    "confirm": Move(frozenset({Status.ACKED, Status.VERIFYING}), Status.CONFIRMED, "incident.confirmed"),
    "false-alarm": Move(_EARLY | {Status.CONFIRMED}, Status.FALSE_ALARM, "incident.false_alarm"),
    "test": Move(_EARLY, Status.TEST, "incident.test"),
    "notify": Move(frozenset({Status.CONFIRMED}), Status.NOTIFIED, "incident.notified"),
    "respond": Move(frozenset({Status.CONFIRMED, Status.NOTIFIED}), Status.RESPONDING, "incident.responding"),
    "resolve": Move(_LATE, Status.RESOLVED, "incident.resolved"),
    "close": Move(_LATE | {Status.RESOLVED}, Status.CLOSED, "incident.closed"),
    "reopen": Move(
        frozenset({Status.RESOLVED, Status.CLOSED, Status.FALSE_ALARM, Status.TEST}),
        Status.REOPENED,
        "incident.reopened",
    ),
    "merge": Move(JOINABLE, Status.MERGED, "incident.merged"),
    # Undone, a part has its former status again; the operation says which.
    "unmerge": Move(frozenset({Status.MERGED}), Status.OPEN, "incident.unmerged"),
    "unsplit": Move(JOINABLE, Status.MERGED, "incident.unsplit"),
    "cancel": Move(ACTIVE, Status.CANCELLED, "incident.cancelled"),
    "end": Move(_EARLY | _LATE, Status.RESOLVED, "incident.resolved"),
    "raise": Move(frozenset({Status.ACKED, Status.VERIFYING}), Status.OPEN, "incident.raised"),
}

# Actions that leave the status alone, and the statuses in which they make sense.
STEADY: Final[dict[str, frozenset[str]]] = {
    "relay": frozenset(RELAYABLE),
    "assign": frozenset(ACTIVE),
    "offer": frozenset(ACTIVE),
    "accept": frozenset(ACTIVE),
    "decline": frozenset(ACTIVE),
    "note": frozenset(Status),
    "shelve": frozenset(ACTIVE),
    "unshelve": frozenset(ACTIVE),
    "split": frozenset(ACTIVE),
}

# Moves made by the system or by the source, never offered to a person; and "unsplit", which only a part split off has.
_NOT_OFFERED: Final = frozenset({"open", "test", "notify", "cancel", "end", "raise", "unsplit"})


def moves_from(status: str) -> list[str]:
    """The actions an operator may try on an incident of this status, in the table's order."""
    moving = [name for name, move in MOVES.items() if status in move.sources and name not in _NOT_OFFERED]
    return moving + [name for name, statuses in STEADY.items() if status in statuses]
