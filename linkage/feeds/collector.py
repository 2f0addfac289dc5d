"""The collector: a process of our own that polls and listens to the feeds that do not send by themselves.

One leader at a time, by a session-level advisory lock: a second collector waits and takes over when the first one's
connection ends. Every source is a task of its own with a session of its own: one that hangs, drips or floods takes
nothing from the others. Which sources there are is looked up every second, so that a change in the admin takes effect
without a restart.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog
from django.db import Error, connection, transaction
from django.utils import timezone

from linkage.feeds import FEEDS
from linkage.feeds.base import Take
from linkage.feeds.fetching import NotFetched
from linkage.feeds.polling import Grid, Notes, Source
from linkage.models import Heartbeat, LinkedSystem
from ocenter.accounts.dbthread import DatabaseThread

__all__ = ["HEARTBEAT_NAME", "NotFetched", "collect", "register_job"]

log = structlog.get_logger(__name__)

LEADER_LOCK: Final = 0x0CE7_C011
LOOK_SECONDS: Final = 1.0
HEARTBEAT_NAME: Final = "collector"
HEARTBEAT_SECONDS: Final = 3.0
END_PATIENCE_SECONDS: Final = 2.5  # below what a supervisor waits before it kills
# Names that do not resolve hold a thread each for half a minute; parsing must find one free nevertheless.
IO_THREADS: Final = 64
DEFAULT_FORMAT: Final = "events_json"  # what an empty format stands for

TakeFor = Callable[[LinkedSystem], Take]
JobFunction = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class _Job:
    """Periodic work of another app."""

    name: str
    every_s: float
    function: JobFunction

    async def run(self) -> None:
        grid = Grid(self.every_s)
        while True:
            await grid.next_beat()
            try:
                await self.function()
            except Exception:
                # One job's fault must not end it for good, nor any other.
                log.exception("collector.job_failed", job=self.name)


_jobs: dict[str, _Job] = {}


def register_job(name: str, every_s: float, function: JobFunction) -> None:
    """Has the collector's leader await `function()` every `every_s` seconds (the first time within two seconds).

    For periodic work on the wires that fits no feed, such as synchronising a camera list. Runs never overlap; a late
    one skips beats; an exception is logged and the next beat comes. The function runs on the event loop: it must
    not block (database work through a `DatabaseThread`), must end by its own deadlines, and may be cancelled at
    any await. Call it from an app's `ready()`; the same name again replaces the job.
    """
    _jobs[name] = _Job(name, every_s, function)


async def collect(stop: asyncio.Event, take_for: TakeFor) -> None:
    """Collects until `stop` is set. `take_for(system)` is the way into the intake; a database that is away is
    waited for, and nothing else ends it."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(IO_THREADS, thread_name_prefix="collector"))
    database, notes = DatabaseThread("collector"), DatabaseThread("collector-notes")
    crew = _Crew(take_for, Notes(notes))
    while not stop.is_set():
        await crew.follow(await _look(database))
        await _wait(stop)
    await crew.end()
    await asyncio.gather(database.close(), notes.close(), return_exceptions=True)


@dataclass
class _Crew:
    """The tasks at work: one a source and one a job, while this process leads."""

    take_for: TakeFor
    notes: Notes
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _settings: dict[str, str] = field(default_factory=dict)

    async def follow(self, systems: Sequence[LinkedSystem] | None) -> None:
        """Has exactly these systems collected from, and the jobs done; nothing at all for None (another leads)."""
        wanted = {} if systems is None else {f"system {one.pk}": one for one in systems}
        jobs = {} if systems is None else {f"job {name}": job for name, job in _jobs.items()}
        settings = {name: _settings_of(one) for name, one in wanted.items()}
        settings |= {name: repr(job) for name, job in jobs.items()}
        for name, task in list(self._tasks.items()):
            if task.done():
                self._bury(name, task)
            elif self._settings[name] != settings.get(name):
                task.cancel()
        # One that is being cancelled is waited for until the next look: a source is never polled by two.
        for name in settings.keys() - self._tasks.keys():
            self._settings[name] = settings[name]
            work = self._source(wanted[name]).run() if name in wanted else jobs[name].run()
            self._tasks[name] = asyncio.create_task(work, name=name)

    async def end(self) -> None:
        """Ends all of them."""
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=END_PATIENCE_SECONDS)

    def _source(self, system: LinkedSystem) -> Source:
        return Source(system, FEEDS[format_of(system)], self.take_for(system), self.notes)

    def _bury(self, name: str, task: asyncio.Task[None]) -> None:
        del self._tasks[name]
        if not task.cancelled() and (error := task.exception()):
            log.error("collector.task_failed", task=name, error=repr(error))


def _settings_of(system: LinkedSystem) -> str:
    """What a source's task is made of: another text means another task."""
    one = system
    parts: list[Any] = [
        format_of(one), one.endpoint, one.poll_interval_s, one.allowed_network, one.deadline_s, one.sealed_secret,
        one.options, one.mapping,
    ]  # fmt: skip
    return json.dumps(parts, sort_keys=True, default=str)


async def _look(database: DatabaseThread) -> list[LinkedSystem] | None:
    """The systems to collect from, or None where another process leads or the database is away (and with the
    connection the lock)."""
    try:
        return await database.run(_lead_and_look)
    except Error as error:
        log.warning("collector.database_away", error=str(error))
        return None


def _lead_and_look() -> list[LinkedSystem] | None:
    with transaction.atomic(), connection.cursor() as cursor:
        # Taken once a connection: a session-level lock counts how often it was taken.
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objid = %s"
            " AND classid = 0 AND granted) OR pg_try_advisory_lock(%s)",
            [LEADER_LOCK, LEADER_LOCK],
        )
        if not cursor.fetchone()[0]:
            return None
        _beat()
        return [one for one in _candidates() if _is_collected(one)]


def _candidates() -> Sequence[LinkedSystem]:
    systems = LinkedSystem.objects.filter(enabled=True, paused_at__isnull=True, feed_format__in=["", *FEEDS])
    return list(systems.select_related("municipality"))


def _is_collected(system: LinkedSystem) -> bool:
    return FEEDS[format_of(system)].listens or system.poll_interval_s is not None


def format_of(system: LinkedSystem) -> str:
    """The format a system is collected in. An agency whose protocol keeps a mailbox for us (UCRI2) is listened to
    in that protocol's format without being told twice."""
    mailbox = FEEDS.get(system.transport) if system.kind == LinkedSystem.Kind.AGENCY else None
    if mailbox is not None and mailbox.listens:
        return mailbox.name
    return system.feed_format or DEFAULT_FORMAT


def _beat() -> None:
    now = timezone.now()
    fresh = Heartbeat.objects.filter(name=HEARTBEAT_NAME, at__gt=now - timedelta(seconds=HEARTBEAT_SECONDS))
    if not fresh.exists():
        Heartbeat.objects.update_or_create(name=HEARTBEAT_NAME, defaults={"at": now})


async def _wait(stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
    except TimeoutError:
        return
