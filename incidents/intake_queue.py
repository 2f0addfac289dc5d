"""Group commit: everything that arrives while one transaction runs goes into the next one together.

Single events then cost little more than batches: the lock, the ledger's numbers and the commit's fsync
are paid once for all that waited. One writer thread per process; a caller gets its answer after commit.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
from django.db import DataError, Error, InterfaceError, OperationalError, connection
from django.utils import timezone

from incidents.intake import Arrival, Receipt, events_receive, in_waves
from linkage import health
from ocenter.accounts.dbthread import DatabaseThread

log = structlog.get_logger(__name__)

GROUP_AT_MOST: Final = 1_000  # events in one transaction
WAITING_AT_MOST: Final = 20_000  # events; beyond that senders are asked to come back
TRIES: Final = 3  # deadlock, serialisation failure, a connection the server closed


class Overloaded(Exception):
    """Too much is waiting already; nothing was taken."""


class NotStored(Exception):
    """The database could not take it just now; nothing was stored, and the same ids may be sent again."""


@dataclass
class _Job:
    arrivals: Sequence[Arrival]
    done: asyncio.Future[list[Receipt | None]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class IntakeQueue:
    """One per event loop."""

    def __init__(self) -> None:
        self._waiting: list[_Job] = []
        self._count = 0
        self._database = DatabaseThread("intake")
        self._writer: asyncio.Task[None] | None = None

    async def submit(self, arrivals: Sequence[Arrival]) -> list[Receipt | None]:
        """Stores the arrivals and returns their receipts after commit; None for one the database refused.

        Raises Overloaded or NotStored; then nothing of it is stored.
        """
        if self._count + len(arrivals) > WAITING_AT_MOST:
            raise Overloaded
        job = _Job(arrivals)
        self._waiting.append(job)
        self._count += len(arrivals)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        # A sender that hangs up must not undo what is being written.
        return await asyncio.shield(job.done)

    async def _write(self) -> None:
        while self._waiting:
            jobs = self._take_group()
            try:
                results = await self._database.run(_store, [job.arrivals for job in jobs])
            except Error as error:
                log.warning("intake.not_stored", events=sum(len(job.arrivals) for job in jobs), error=str(error))
                _answer(jobs, NotStored())
            except Exception:
                log.exception("intake.failed")
                _answer(jobs, NotStored())
            else:
                for job, result in zip(jobs, results, strict=True):
                    if not job.done.done():
                        job.done.set_result(result)

    def _take_group(self) -> list[_Job]:
        taken, size = 0, 0
        for job in self._waiting:
            if taken and size + len(job.arrivals) > GROUP_AT_MOST:
                break
            taken, size = taken + 1, size + len(job.arrivals)
        jobs, self._waiting = self._waiting[:taken], self._waiting[taken:]
        self._count -= size
        return jobs


def _answer(jobs: Sequence[_Job], error: Exception) -> None:
    for job in jobs:
        if not job.done.done():
            job.done.set_exception(error)


def _store(batches: Sequence[Sequence[Arrival]]) -> list[list[Receipt | None]]:
    """Stores several senders' batches, one transaction per municipality."""
    by_municipality: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for b, batch in enumerate(batches):
        for a, arrival in enumerate(batch):
            by_municipality[arrival.system.municipality_id].append((b, a))
    results: list[list[Receipt | None]] = [[None] * len(batch) for batch in batches]
    for places in by_municipality.values():
        arrivals = [batches[b][a] for b, a in places]
        # One transaction a wave: whatever a later wave meets, the answer comes after the last commit.
        for wave in in_waves(arrivals):
            receipts = _store_together([arrivals[n] for n in wave])
            for n, receipt in zip(wave, receipts, strict=True):
                b, a = places[n]
                results[b][a] = receipt
    health.feed_contact((), _heard(batches, results))
    return results


def _heard(batches: Sequence[Sequence[Arrival]], results: Sequence[Sequence[Receipt | None]]) -> dict[int, health.Heard]:
    """What each feed brought that was new, and how old the newest of it was."""
    heard: dict[int, health.Heard] = defaultdict(health.Heard)
    now = timezone.now()
    for batch, receipts in zip(batches, results, strict=True):
        for arrival, receipt in zip(batch, receipts, strict=True):
            one = heard[arrival.system.pk]
            if receipt and not receipt.duplicate:
                age = max(0.0, (now - arrival.report.occurred_at).total_seconds())
                one.events += 1
                one.delay_s = age if one.delay_s is None else min(one.delay_s, age)
    return heard


def _store_together(arrivals: Sequence[Arrival]) -> list[Receipt | None]:
    """One transaction; where the database refuses the data, halves, until the one bad event stands alone."""
    try:
        return list(_with_retries(arrivals))
    except DataError as error:
        if len(arrivals) == 1:
            log.error("intake.event_refused", source_id=arrivals[0].report.source_id, error=str(error))
            return [None]
        middle = len(arrivals) // 2
        return _store_together(arrivals[:middle]) + _store_together(arrivals[middle:])


def _with_retries(arrivals: Sequence[Arrival]) -> list[Receipt]:
    municipality = arrivals[0].system.municipality
    for _ in range(TRIES - 1):
        try:
            return events_receive(municipality=municipality, arrivals=arrivals)
        except (OperationalError, InterfaceError):
            connection.close()
    return events_receive(municipality=municipality, arrivals=arrivals)
