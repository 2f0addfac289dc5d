"""Who is calling: the one object every view, socket and selector asks.

A person and a machine are seen alike: which municipalities, which code families, which actions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict

from ocenter.accounts.models import User
from ocenter.accounts.roles import actions_of


class Actor(TypedDict):
    """Who did it, as the ledger and every payload say."""

    kind: Literal["user", "feed", "agency", "system"]
    name: str


SYSTEM_ACTOR: Actor = {"kind": "system", "name": "ocenter"}


@dataclass(frozen=True)
class Principal:
    """The caller of one request or socket.

    `municipalities` are ids; `families` is None for "every code family", else the code families
    (such as "FIR") that policy lets this caller read; `system_id` is set for machines, which also
    read what was relayed to them.
    """

    actor: Actor
    municipalities: frozenset[int]
    families: frozenset[str] | None
    actions: frozenset[str]
    user: User | None = None
    system_id: int | None = None
    system_kind: str = ""
    address: str | None = None

    def may(self, action: str) -> bool:
        """Whether the caller may do `action` (see `roles`)."""
        return action in self.actions

    @property
    def municipality_id(self) -> int | None:
        """The caller's one municipality, where there is exactly one."""
        return next(iter(self.municipalities)) if len(self.municipalities) == 1 else None


def principal_of_user(user: User, address: str | None = None) -> Principal:
    """The principal of a signed-in person: all code families of their own municipality."""
    scope = frozenset({user.municipality_id}) if user.municipality_id else frozenset()
    actor: Actor = {"kind": "user", "name": user.username}
    return Principal(actor, scope, None, actions_of(user.role), user=user, address=address)
