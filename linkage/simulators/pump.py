"""What an agency owes, sent in order within one matter and again until it is answered; matters beside each other."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0

M = TypeVar("M")
A = TypeVar("A")


class Pumps(Generic[M, A]):
    """One queue a matter. ``send`` tries once and returns None where trying again may help; ``settle`` writes the
    answer down before the next message goes."""

    def __init__(
        self, send: Callable[[M], Awaitable[A | None]], settle: Callable[[M, A], Awaitable[object]]
    ) -> None:
        self._send = send
        self._settle = settle
        self._owed: dict[str, deque[M]] = {}
        self._running: set[asyncio.Task[None]] = set()

    def __contains__(self, matter: str) -> bool:
        """Whether anything of the matter is still owed."""
        return matter in self._owed

    def put(self, matter: str, message: M) -> None:
        """Send a message after those of its matter put before."""
        if matter in self._owed:
            self._owed[matter].append(message)
            return
        self._owed[matter] = deque([message])
        pump = asyncio.create_task(self._pump(matter))
        self._running.add(pump)
        pump.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Stop sending; whoever keeps the messages puts them again at the next start."""
        for pump in self._running:
            pump.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _pump(self, matter: str) -> None:
        waiting = self._owed[matter]
        while waiting:
            await self._settle(waiting[0], await self._until_answered(waiting[0]))
            waiting.popleft()
        del self._owed[matter]

    async def _until_answered(self, message: M) -> A:
        pause = FIRST_PAUSE_SECONDS
        while True:
            answer = await self._send(message)
            if answer is not None:
                return answer
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
