"""A thread with one database connection of its own, for asyncio code that must be quick.

Under ASGI each request's thread opens a connection and closes it (CONN_MAX_AGE is 0, since persistent
connections leak there). What runs many times a second (the intake's writer, the live reader, the relay
lanes) keeps one thread and one connection instead: bounded by construction, so nothing can leak.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection

P = ParamSpec("P")
R = TypeVar("R")


class DatabaseThread:
    """Runs functions one after another on its own thread and connection."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's result; its exception is raised here.

        After a broken connection the next call opens a new one; the broken call itself is not repeated,
        because only the caller knows whether repeating is safe.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: self._call(function, *args, **kwargs))

    async def close(self) -> None:
        """Lets the connection go, and with it every lock it holds; the thread takes no more work."""
        await self.run(lambda: connection.close())  # the thread's own connection, not the caller's
        self._executor.shutdown(wait=False)

    def _call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (OperationalError, InterfaceError):
            connection.close()
            raise
