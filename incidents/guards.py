"""What must be in order before an incident may be closed, asked of apps above that this one may not import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from incidents.models import Incident

# Called inside the closing transaction with the locked incident. Raises `work.NotAllowedNow`, saying what would help.
CloseGuard = Callable[[Incident], None]

_close_guards: Final[list[CloseGuard]] = []


def register_close_guard(guard: CloseGuard) -> None:
    """Has `guard` asked before every closing, whoever closes. Registering it again changes nothing."""
    if guard not in _close_guards:
        _close_guards.append(guard)


def require_closable(incident: Incident) -> None:
    """Asks every guard, in the order they were registered; the first that refuses raises NotAllowedNow."""
    for guard in _close_guards:
        guard(incident)
