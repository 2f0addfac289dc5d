"""The circuit breaker and the way to an agency: what a lane learns from how its attempts end.

Closed, everything is sent. After `OPENS_AFTER` failures in a row it opens, and nothing is sent until
`breaker_until`; then it is half open, and one message at a time tries whether the agency is back (`outbox.claim`
sees to both). Whatever the agency answers, a refusal too, closes it. Nothing is given up meanwhile: the
messages wait, in front of an operator (invariant I6).

Where the agency has a second endpoint, a failure on the first sends the lane there for `SECONDARY_SECONDS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from linkage.models import LinkedSystem

OPENS_AFTER: Final = 5
OPEN_SECONDS: Final = (5, 10, 20, 30)  # the first time, the second in a row, …
SECONDARY_SECONDS: Final = 60

State = Literal["closed", "open", "half_open"]


@dataclass(frozen=True)
class Try:
    """How one attempt ended: whether the agency answered, and at which of its endpoints."""

    answered: bool
    address: str


def state_of(system: LinkedSystem, now: datetime) -> State:
    """The breaker's state at a time."""
    if system.breaker_until is None:
        return "closed"
    return "open" if system.breaker_until > now else "half_open"


def learn(system: LinkedSystem, tries: Sequence[Try], now: datetime) -> bool:
    """Applies how attempts ended, in their order; not saved. Returns whether the agency is back after the breaker had opened."""
    came_back = False
    for one in tries:
        if one.answered:
            came_back = came_back or system.breaker_until is not None
            system.breaker_failures, system.breaker_until = 0, None
        else:
            _fail(system, now)
            came_back = False
            _take_other_way(system, one.address, now)
    return came_back


def _fail(system: LinkedSystem, now: datetime) -> None:
    if state_of(system, now) == "open":
        return  # it was under way when the breaker opened, and says nothing new
    system.breaker_failures += 1
    if system.breaker_failures >= OPENS_AFTER:
        step = min(system.breaker_failures - OPENS_AFTER, len(OPEN_SECONDS) - 1)
        system.breaker_until = now + timedelta(seconds=OPEN_SECONDS[step])


def _take_other_way(system: LinkedSystem, address: str, now: datetime) -> None:
    if not system.secondary_endpoint:
        return
    if address == system.endpoint:
        system.secondary_until = now + timedelta(seconds=SECONDARY_SECONDS)
    elif address == system.secondary_endpoint:
        system.secondary_until = None
