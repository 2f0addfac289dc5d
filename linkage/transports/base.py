"""What a transport is: it sends one message to one agency and says how that went.

`send(session, target, key, payload)` makes exactly one attempt. It returns the agency's receipt or raises
`NotSent`, whose `permanent` says whether trying again could help; nothing else escapes but cancellation.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """Where and how to reach an agency: read once per drained lane."""

    system_id: int
    slug: str
    endpoint: str
    secret: str
    allowed_network: str


@dataclass(frozen=True)
class Answer:
    """The agency took the message: its receipt, and what it said (shortened)."""

    receipt: str
    status: int
    response: str


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
