"""The sweeper: a process of our own that does, every second, whatever must not depend on Redis.

One leader at a time, by a session-level advisory lock: a second sweeper waits and takes over when the
first one's connection ends. It drains the lanes nobody else has drained, raises what needs an operator,
and runs the duties that apps above have registered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from django.db import Error, connection, transaction
from django.utils import timezone

from linkage import dispatch, outbox, relays
from linkage.models import Heartbeat
from ocenter.accounts.dbthread import DatabaseThread

log = structlog.get_logger(__name__)

LEADER_LOCK: Final = 0x0CE7_5EEB
PERIOD_SECONDS: Final = 1.0
# The worker was nudged at commit; what it has not claimed by then is the sweeper's.
GRACE_SECONDS: Final = 1.0
HEARTBEAT_NAME: Final = "sweeper"

_duties: list[Callable[[], int]] = [outbox.release_orphans, relays.relays_raise_attention]


def register_duty(duty: Callable[[], int]) -> None:
    """Has `duty` called every second by the leader. It must be quick, safe to repeat, and commit by itself."""
    if duty not in _duties:
        _duties.append(duty)


async def sweep(stop: asyncio.Event) -> None:
    """Sweeps until `stop` is set. A database that is away is waited for; nothing else ends it."""
    database = DatabaseThread("sweeper")
    draining: dict[int, asyncio.Task[int]] = {}
    while not stop.is_set():
        try:
            if await database.run(_lead):
                await _round(database, draining)
        except Error as error:
            log.warning("sweeper.database_away", error=str(error))
        await _wait(stop)
    for task in draining.values():
        task.cancel()
    await asyncio.gather(*draining.values(), return_exceptions=True)
    await database.close()


async def _round(database: DatabaseThread, draining: dict[int, asyncio.Task[int]]) -> None:
    for system_id in [one for one, task in draining.items() if task.done()]:
        _report(system_id, draining.pop(system_id))
    for system_id in await database.run(outbox.overdue_lanes, GRACE_SECONDS):
        if system_id not in draining:
            draining[system_id] = asyncio.create_task(dispatch.drain(system_id))
    for duty in _duties:
        await _fulfil(database, duty)


async def _fulfil(database: DatabaseThread, duty: Callable[[], int]) -> None:
    try:
        await database.run(duty)
    except Error:
        raise
    except Exception:
        # One duty's fault must not keep the other duties, nor the next second's deliveries, from being done.
        log.exception("sweeper.duty_failed", duty=duty.__name__)


def _report(system_id: int, task: asyncio.Task[int]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("sweeper.lane_failed", system=system_id, error=str(error))


def _lead() -> bool:
    """Whether this process leads; if so, its heartbeat is written. The lock lasts as long as the connection."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK])
        leading = bool(cursor.fetchone()[0])
        if leading:
            Heartbeat.objects.update_or_create(name=HEARTBEAT_NAME, defaults={"at": timezone.now()})
    return leading


async def _wait(stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), PERIOD_SECONDS)
    except TimeoutError:
        return
