"""Draining a lane: claim, send, settle, until nothing of the agency's is due.

One lane is one agency. A slow or dead agency holds up its own lane only (invariant I5): a process drains
each lane at most once at a time, and its sends share no slot with another lane's.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future, wait
from typing import Final

import aiohttp
import structlog
from django.utils import timezone

from linkage import outbox
from linkage.models import Delivery, LinkedSystem
from linkage.transports import SAY_STATUSES, TRANSPORTS, wire
from linkage.transports.base import NotSent, Outgoing, Target
from ocenter.accounts.dbthread import DatabaseThread

log = structlog.get_logger(__name__)

CLAIMED_AT_ONCE: Final = 64  # as many as any agency takes at once; `outbox.claim` knows how many this one does

Ended = tuple[outbox.Claim, outbox.Outcome]

_database = DatabaseThread("outbox")


class _Lanes:
    """Which lanes this process is draining, and which were asked for again meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._again: dict[int, bool] = {}
        self.closed = False

    def close(self) -> None:
        """No lane is begun or gone on with: this process is about to end."""
        self.closed = True

    def enter(self, system_id: int) -> bool:
        """Whether the caller may drain the lane; otherwise whoever does is told to look once more."""
        with self._lock:
            if system_id in self._again:
                self._again[system_id] = True
                return False
            self._again[system_id] = False
            return True

    def leave(self, system_id: int) -> bool:
        """Gives the lane up; False where it was asked for again, and the caller must go on."""
        with self._lock:
            if self._again[system_id]:
                self._again[system_id] = False
                return False
            del self._again[system_id]
            return True

    def abandon(self, system_id: int) -> None:
        """Gives the lane up whatever was asked."""
        with self._lock:
            self._again.pop(system_id, None)


_lanes = _Lanes()


class Courier:
    """This process's own event loop for all its lanes, on one thread.

    Whoever asks does not wait: a Celery thread held by a lane that times out would be missing for the
    others, and with as many dead agencies as threads the living ones would wait too (invariant I5).
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way: set[Future[int]] = set()
        self._lock = threading.Lock()

    def drain_soon(self, system_id: int) -> None:
        """Starts draining the lane, unless it is being drained. Safe to call from any thread, as often as one likes."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="courier", daemon=True).start()
            future = asyncio.run_coroutine_threadsafe(drain(system_id), self._loop)
            self._under_way.add(future)
        future.add_done_callback(self._done)

    def finish(self, seconds: float) -> None:
        """Claims nothing more and gives what is under way `seconds` to be answered; leases cover the rest."""
        _lanes.close()
        wait(list(self._under_way), timeout=seconds)

    def _done(self, future: Future[int]) -> None:
        with self._lock:
            self._under_way.discard(future)
        if error := future.exception():
            log.error("lane.broke", error=str(error))


async def drain(system_id: int) -> int:
    """Sends what is due in the lane; returns how many attempts were made. Returns 0 at once where this
    process is draining the lane already. Safe to call at any time, from any number of processes."""
    if not _lanes.enter(system_id):
        return 0
    made = 0
    try:
        while True:
            made += await _drain_once(system_id)
            if _lanes.leave(system_id):
                return made
    except BaseException:
        _lanes.abandon(system_id)
        raise


async def _drain_once(system_id: int) -> int:
    claims = await _claim(system_id, CLAIMED_AT_ONCE)
    if not claims:
        return 0
    target = await _database.run(_target, system_id)
    made = 0
    async with wire.open_session(target) as session, asyncio.TaskGroup() as group:
        under_way: set[asyncio.Task[Ended]] = set()
        while claims or under_way:
            under_way |= {group.create_task(_send(session, target, one)) for one in claims}
            made += len(claims)
            ended, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            results = [one.result() for one in ended]
            await _settle(results)
            # By other settings only a new drain can send.
            outdated = any(outcome.outdated for _, outcome in results)
            claims = [] if outdated else await _claim(system_id, CLAIMED_AT_ONCE)
    return made


async def _claim(system_id: int, limit: int) -> list[outbox.Claim]:
    return [] if _lanes.closed else await _database.run(outbox.claim, system_id, limit)


async def _settle(ended: list[Ended]) -> None:
    """All in one transaction; where that fails, one by one, so that one relay's fault is not the others'."""
    try:
        await _database.run(outbox.settle_all, ended)
    except Exception as error:
        if len(ended) > 1:
            for one in ended:
                await _settle([one])
            return
        # The lease ends by itself and the agency knows the key: nothing is lost, nothing happens twice.
        log.warning("delivery.unsettled", delivery_id=str(ended[0][0].id), error=str(error))


async def _send(session: aiohttp.ClientSession, target: Target, claimed: outbox.Claim) -> Ended:
    return claimed, await _attempt(session, target, claimed)


def _protocol(target: Target, message: str) -> str:
    """A status goes to the address the agency gave with its case: in JSON, unless its protocol has words for it."""
    own_words = message != Delivery.Message.STATUS or target.transport in SAY_STATUSES
    return target.transport if own_words else "http_json"


async def _attempt(session: aiohttp.ClientSession, target: Target, claimed: outbox.Claim) -> outbox.Outcome:
    started, clock = timezone.now(), time.monotonic()
    outgoing = Outgoing(str(claimed.id), claimed.message, claimed.payload, claimed.address)

    def spent_ms() -> int:
        return int((time.monotonic() - clock) * 1000)

    try:
        answer = await TRANSPORTS[_protocol(target, claimed.message)].send(session, target, outgoing)
    except NotSent as error:
        # What our own settings forbid is final only where they are still the ones this message was claimed under.
        if error.permanent and error.status is None and await _database.run(_outdated, target, claimed):
            return outbox.Outcome(started, spent_ms(), error="the agency's settings have changed meanwhile", outdated=True)
        return outbox.Outcome(
            started, spent_ms(), error=error.reason, permanent=error.permanent, status=error.status,
            response=error.response, retry_after_s=error.retry_after_s,
        )  # fmt: skip
    except Exception as error:
        # A fault of ours must not take the lane's other deliveries along; this one goes to an operator in time.
        log.exception("delivery.attempt_broke", delivery_id=str(claimed.id))
        return outbox.Outcome(started, spent_ms(), error=type(error).__name__)
    return outbox.Outcome(
        started, spent_ms(), receipt=answer.receipt, status=answer.status, response=answer.response
    )


def _outdated(target: Target, claimed: outbox.Claim) -> bool:
    """Whether the agency's settings have changed since the lane was read or the message claimed."""
    now = _target(target.system_id)
    return now != target or (claimed.message != Delivery.Message.STATUS and claimed.address not in now.addresses)


def _target(system_id: int) -> Target:
    system = LinkedSystem.objects.get(pk=system_id)
    return Target(
        system.pk, system.slug, system.transport, tuple(system.secrets), system.allowed_network, system.deadline_s,
        system.options, tuple(filter(None, (system.endpoint, system.secondary_endpoint))),
    )  # fmt: skip
