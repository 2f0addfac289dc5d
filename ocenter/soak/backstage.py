"""An event loop on a thread of its own, for senders, sockets and proxies that go on while the caller breaks things."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.05


class TimedOut(AssertionError):
    """Something did not become true in time; the text says what."""


class Backstage:
    """Runs coroutines for code that is not asynchronous; whatever still runs at the end is cancelled."""

    def __enter__(self) -> Backstage:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="backstage", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(_cancel_all(), 10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 60) -> T:
        """The coroutine's result. Raises what it raises, or TimeoutError."""
        return self.start(work).result(seconds)

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Starts it and goes on."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)


async def _cancel_all() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def until(condition: Callable[[], T], seconds: float, what: str | Callable[[], str]) -> T:
    """Polls until it is true and returns what it gave. Raises TimedOut with `what`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(POLL_SECONDS)
    raise TimedOut(what() if callable(what) else what)
