"""What a transport is: it sends one message to one agency and says how that went.

`send(session, target, outgoing)` makes exactly one attempt. It returns the agency's receipt or raises
`NotSent`, whose `permanent` says whether trying again could help; nothing else escapes but cancellation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp


@dataclass(frozen=True)
class Target:
    """How to reach an agency: read once per drained lane. `secrets` are those in force, the newest first;
    `options` are the protocol's own settings, `addresses` its endpoints."""

    system_id: int
    slug: str
    transport: str
    secrets: tuple[str, ...]
    allowed_network: str
    deadline_s: float = 10.0
    options: Mapping[str, Any] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outgoing:
    """One message: `key` is its `Idempotency-Key`, the same at every attempt; `address` where this attempt goes."""

    key: str
    message: str
    payload: dict[str, Any]
    address: str


@dataclass(frozen=True)
class Answer:
    """The agency took the message: its receipt, and what it said (shortened)."""

    receipt: str
    status: int
    response: str


class Transport(Protocol):
    """One protocol; see `linkage.transports.TRANSPORTS`."""

    async def send(self, session: aiohttp.ClientSession, target: Target, outgoing: Outgoing) -> Answer:
        """One attempt. Raises NotSent."""
        ...


class NotSent(Exception):
    """The message may not have arrived. `permanent`: the agency refused it, and would again."""

    def __init__(
        self, reason: str, *, permanent: bool = False, status: int | None = None, response: str = "",
        retry_after_s: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(reason)
        # Peers' own words are in it, and PostgreSQL holds no NUL.
        self.reason = reason.replace("\x00", "�")
        self.permanent = permanent
        self.status = status
        self.response = response
        self.retry_after_s = retry_after_s
