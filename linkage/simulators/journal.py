"""SQLite with group commit: writes that wait for the disk together share one fsync.

One thread owns the connection, so whatever runs in one :meth:`Journal.run` sees no half of another's
work: of two requests racing with the same key, one comes first. A call returns after its transaction is
on disk (WAL, ``synchronous = FULL``), so what was answered survives ``kill -9`` and a power cut.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")
Work = Callable[[sqlite3.Connection], Any]

BATCH = 500
"""Works per commit: enough to make the fsync cheap, few enough to answer within milliseconds."""


class Journal:
    """A file of ``schema``, written by group commit. Use within one event loop; close when done."""

    def __init__(self, path: Path, schema: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=path.stem)
        self._db = self._thread.submit(_open, path, schema).result()
        self._waiting: list[tuple[Work, asyncio.Future[Any]]] = []
        self._committer: asyncio.Task[None] | None = None

    async def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do ``work`` inside a transaction and return its result once it is on disk.

        An exception from one work undoes the whole batch and is raised to every caller in it.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, future))
        if self._committer is None or self._committer.done():
            self._committer = asyncio.create_task(self._commit_waiting())
        return await future

    async def close(self) -> None:
        """Finish what waits, then close the file."""
        if self._committer is not None:
            await self._committer
        await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
        self._thread.shutdown()

    async def _commit_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            works = [work for work, _ in batch]
            loop = asyncio.get_running_loop()
            outcome = await loop.run_in_executor(self._thread, _commit, self._db, works)
            for number, (_, future) in enumerate(batch):
                if future.done():  # its caller was cancelled meanwhile
                    continue
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome[number])


def _open(path: Path, schema: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.executescript(schema)
    return db


def _commit(db: sqlite3.Connection, works: list[Work]) -> list[Any] | Exception:
    """The works' results after one commit, or the exception that undid them all."""
    try:
        db.execute("BEGIN IMMEDIATE")
        results = [work(db) for work in works]
        db.execute("COMMIT")
    except Exception as problem:
        if db.in_transaction:
            db.execute("ROLLBACK")
        return problem
    return results
