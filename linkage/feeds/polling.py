"""One source: polled on a fixed grid, or listened to. What goes wrong with it is written down and ends nothing.

A poll hands over what the format fetches, document by document. `Fetched.state` is stored only after its document
has been taken in: whatever dies in between (source, network, database, this process), the next poll begins where the
last stored one ended. What is fetched twice that way is recognised by its ids.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from django.db import Error, connection, transaction
from django.utils import timezone

from linkage.feeds.base import Feed, Link, NotADocument, Take
from linkage.feeds.fetching import Fetcher, NotFetched
from linkage.models import LinkedSystem
from ocenter.accounts.dbthread import DatabaseThread

log = structlog.get_logger(__name__)

START_SPREAD_SECONDS: Final = 2.0  # first polls after a start come within this time, not all at once
LATE_SECONDS: Final = 2.0  # a poll that begins this long after its beat is worth a line in the log
RETRY_AFTER_AT_MOST_SECONDS: Final = 600.0
LISTEN_PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
PROVEN_AFTER_SECONDS: Final = 60.0  # a connection that has lived this long is opened again quickly
NOTE_EVERY_SECONDS: Final = 5.0  # a system's row is hot: good news is written at most this often
ERROR_LENGTH: Final = 200
# An administrator's open transaction may hold a system's row: news about it can wait, the other systems cannot.
LOCK_TIMEOUT: Final = "2s"


class NotTaken(Exception):
    """Our own side could not store a document just now; it is fetched again."""


@dataclass
class Grid:
    """Beats every `interval_s` seconds from a start a little apart from everyone else's; beats missed are skipped."""

    interval_s: float
    spread_s: float = START_SPREAD_SECONDS
    _start: float = 0.0
    _beat: int = -1

    async def next_beat(self, *, not_before: float = 0.0) -> float:
        """Waits for the next beat (not before the given time of the loop's clock); returns how late it begins."""
        clock = asyncio.get_running_loop().time
        if self._beat < 0:
            self._start = clock() + random.uniform(0.0, min(self.interval_s, self.spread_s))
        passed = (max(clock(), not_before) - self._start) / self.interval_s
        self._beat = max(self._beat + 1, math.ceil(passed))
        due = self._start + self._beat * self.interval_s
        await asyncio.sleep(max(0.0, due - clock()))
        return max(0.0, clock() - due)


@dataclass
class Notes:
    """What is written about the systems, on a thread and a connection of its own: it holds nothing else up."""

    database: DatabaseThread
    _said: dict[int, tuple[str, float]] = field(default_factory=dict)

    async def contact(self, system_id: int) -> None:
        """The system answered; an error before it is over."""
        await self._say(system_id, "")

    async def trouble(self, system_id: int, reason: str) -> None:
        """The system did not answer as it should."""
        await self._say(system_id, reason[:ERROR_LENGTH])

    async def _say(self, system_id: int, error: str) -> None:
        said, at = self._said.get(system_id, (None, 0.0))
        if error == said and time.monotonic() - at < NOTE_EVERY_SECONDS:
            return
        now = timezone.now()
        changes: dict[str, Any] = {"last_error": error, "last_error_at" if error else "last_contact_at": now}
        try:
            await self.database.run(_write, system_id, changes)
        except Error as problem:
            log.warning("collector.not_noted", system=system_id, error=str(problem))
        else:
            self._said[system_id] = (error, time.monotonic())

    async def state_of(self, system_id: int) -> Mapping[str, Any]:
        """What the last poll left behind. Raises what the database raises."""
        return await self.database.run(_read_state, system_id)

    async def keep_state(self, system: LinkedSystem, state: Mapping[str, Any]) -> None:
        """Keeps it, unless the system meanwhile speaks another format. Raises what the database raises."""
        await self.database.run(_write, system.pk, {"state": dict(state)}, feed_format=system.feed_format)


def _write(system_id: int, changes: dict[str, Any], **only: Any) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        LinkedSystem.objects.filter(pk=system_id, **only).update(**changes)


def _read_state(system_id: int) -> Mapping[str, Any]:
    state = LinkedSystem.objects.filter(pk=system_id).values_list("state", flat=True).first()
    return state if isinstance(state, dict) else {}


@dataclass
class Source:
    """One system to collect from, as long as its settings stay as they are."""

    system: LinkedSystem
    feed: Feed
    take: Take
    notes: Notes

    async def run(self) -> None:
        """Polls or listens until cancelled."""
        await (self._listen() if self.feed.listens else self._poll())

    async def _poll(self) -> None:
        get = Fetcher(self.system.allowed_network, self.system.deadline_s)
        grid, not_before = Grid(self.system.poll_interval_s or 1), 0.0
        try:
            while True:
                late_s = await grid.next_beat(not_before=not_before)
                if late_s > LATE_SECONDS:
                    log.warning("collector.late", system=self.system.slug, late_s=round(late_s, 1))
                pause = await self._poll_once(get)
                not_before = asyncio.get_running_loop().time() + pause
        finally:
            await get.close()

    async def _poll_once(self, get: Fetcher) -> float:
        """One poll, whatever comes of it; returns the pause the source asked for, in seconds."""
        try:
            await self._fetch(get)
        except NotFetched as error:
            await self.notes.trouble(self.system.pk, error.reason)
            return min(error.retry_after_s or 0.0, RETRY_AFTER_AT_MOST_SECONDS)
        except NotADocument as error:
            await self.notes.trouble(self.system.pk, str(error))
        except (NotTaken, Error) as error:
            # Ours, not the source's: nothing is written against it, and nothing is lost.
            log.warning("collector.not_taken", system=self.system.slug, error=str(error))
        except Exception as error:
            # A format's fault with one source must not end its polling: the next answer may be another.
            log.exception("collector.poll_failed", system=self.system.slug)
            await self.notes.trouble(self.system.pk, f"the format {self.feed.name} failed: {type(error).__name__}")
        else:
            await self.notes.contact(self.system.pk)
        return 0.0

    async def _fetch(self, get: Fetcher) -> None:
        get.begin()
        kept = await self.notes.state_of(self.system.pk)
        broken: NotADocument | None = None
        async for fetched in self.feed.fetch(get, self._link(kept)):
            try:
                await self._hand_over(fetched.document, fetched.content_type)
            except NotADocument as error:
                # In quarantine by now: fetching it again would only keep those behind it waiting.
                broken = broken or error
            if fetched.state is not None and dict(fetched.state) != kept:
                await self.notes.keep_state(self.system, fetched.state)
                kept = dict(fetched.state)
        if broken:
            raise broken

    async def _hand_over(self, document: bytes, content_type: str) -> dict[str, Any]:
        try:
            return await self.take(document, content_type)
        except NotADocument:
            raise
        except Exception as error:
            raise NotTaken(f"{type(error).__name__}: {error}") from error

    def _link(self, state: Mapping[str, Any]) -> Link:
        one = self.system
        return Link(one.endpoint, timezone.now(), one.secret, one.options or {}, one.mapping or {}, state, one.allowed_network)

    async def _listen(self) -> None:
        tries = 0
        while True:
            started = time.monotonic()
            reason = await self._listen_once()
            await self.notes.trouble(self.system.pk, reason)
            tries = 0 if time.monotonic() - started > PROVEN_AFTER_SECONDS else tries + 1
            pause = LISTEN_PAUSES[min(tries, len(LISTEN_PAUSES) - 1)]
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))

    async def _listen_once(self) -> str:
        """Listens until the connection ends; returns why it did."""

        async def take(document: bytes, content_type: str) -> dict[str, Any]:
            answer = await self.take(document, content_type)
            await self.notes.contact(self.system.pk)
            return answer

        try:
            await self.feed.listen(self._link(await self.notes.state_of(self.system.pk)), take)
        except Exception as error:
            log.warning("collector.connection_lost", system=self.system.slug, error=repr(error))
            return str(error) or type(error).__name__
        return "the connection ended"
