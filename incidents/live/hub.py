"""The hub: one reader per municipality per process, however many sockets listen.

The bell only wakes it; the rows come from the ledger, so a lost ring costs at most a second. Each batch of
rows becomes one frame, encoded once; every socket walks the frames by its own position. A socket too far
behind to find its place reads the ledger by cursor, like anybody who connects anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import orjson
import redis
import structlog

from incidents import ledger
from incidents.ledger import Cursor, Position, RawRow
from incidents.live import bell
from incidents.live.protocol import changes_message
from linkage import health
from ocenter.accounts.dbthread import DatabaseThread
from ocenter.accounts.models import Municipality

log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 1.0  # without a bell
COALESCE_SECONDS: Final = 0.05
ROWS_PER_FRAME: Final = 500
FRAMES_KEPT: Final = 200
HEALTH_SECONDS: Final = 2.0  # as often as a tick carries it
BELL_RETRY_SECONDS: Final = 2.0


@dataclass
class Frame:
    """The rows from `first` to `last` of one municipality, and their message for readers of everything."""

    first: int
    last: int
    rows: list[RawRow]
    text: str


class Feeds(NamedTuple):
    """How the links stand, as JSON text: for the room, and for machines, who need not know what is wrong."""

    insiders: str = "[]"
    others: str = "[]"

    def told(self, insider: bool) -> str:
        """What this reader is told."""
        return self.insiders if insider else self.others


@dataclass
class Stream:
    """One municipality's ledger as this process has read it."""

    municipality_id: int
    code: str
    position: Position
    frames: deque[Frame] = field(default_factory=lambda: deque(maxlen=FRAMES_KEPT))
    listeners: int = 0
    feeds: Feeds = field(default_factory=Feeds)

    def after(self, seq: int) -> list[Frame] | None:
        """The frames after number `seq`, or None where that lies before the oldest one kept."""
        if seq >= self.position.seq:
            return []
        if not self.frames or seq + 1 < self.frames[0].first:
            return None
        return [frame for frame in self.frames if frame.last > seq]


class Hub:
    """One per process; runs while somebody listens."""

    def __init__(self) -> None:
        self._streams: dict[int, Stream] = {}
        self._database = DatabaseThread("live")
        self._tasks: list[asyncio.Task[None]] = []
        self._rung = asyncio.Event()
        self._changed = asyncio.Event()
        self._health_at = 0.0

    async def join(self, municipality_ids: Iterable[int]) -> list[Stream]:
        """Starts listening to these municipalities; the streams stand at the ledgers' present ends."""
        ids = sorted(municipality_ids)
        # Again, if one of them went while another was looked up: its last listener may leave at that moment.
        while missing := [one for one in ids if one not in self._streams]:
            for stream in await self._database.run(_open_streams, missing):
                self._streams.setdefault(stream.municipality_id, stream)
        streams = [self._streams[one] for one in ids]
        for stream in streams:
            stream.listeners += 1
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._listen())]
        return streams

    def leave(self, streams: Iterable[Stream]) -> None:
        """Stops listening; the last one out turns the reader off."""
        for stream in streams:
            stream.listeners -= 1
            if not stream.listeners:
                self._streams.pop(stream.municipality_id, None)
        if not self._streams:
            for task in self._tasks:
                task.cancel()
            self._tasks = []

    async def wait(self, seconds: float) -> None:
        """Until new frames may be there, at most `seconds`."""
        changed = self._changed
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await changed.wait()

    async def _read(self) -> None:
        while True:
            try:
                for stream in list(self._streams.values()):
                    await self._advance(stream)
                await self._look_at_feeds()
            except Exception as error:
                # Whatever it was: a reader that died would leave fresh ticks over a stale screen for ever.
                log.warning("live.reading_failed", error=repr(error))
            await asyncio.sleep(COALESCE_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._rung.wait()
            self._rung.clear()

    async def _advance(self, stream: Stream) -> None:
        while rows := await self._database.run(
            ledger.read_rows, stream.municipality_id, stream.position.seq, ROWS_PER_FRAME
        ):
            stream.position = stream.position._replace(seq=rows[-1].seq)
            text = changes_message({stream.code: stream.position}, (row.body for row in rows))
            stream.frames.append(Frame(rows[0].seq, rows[-1].seq, rows, text))
            self._announce()

    def _announce(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _look_at_feeds(self) -> None:
        if time.monotonic() - self._health_at < HEALTH_SECONDS:
            return
        self._health_at = time.monotonic()
        for stream in list(self._streams.values()):
            stream.feeds = await self._database.run(feeds_of, [stream.municipality_id])

    async def _listen(self) -> None:
        while True:
            try:
                async for municipality_id, seq in bell.listen():
                    stream = self._streams.get(municipality_id)
                    if stream and seq > stream.position.seq:
                        self._rung.set()
            except (redis.RedisError, OSError, ValueError) as error:
                log.warning("live.bell_away", error=str(error))
            await asyncio.sleep(BELL_RETRY_SECONDS)


def feeds_of(municipality_ids: Collection[int]) -> Feeds:
    """How the links of these municipalities stand."""
    states = health.link_states(municipality_ids)
    return Feeds(orjson.dumps(states).decode(), orjson.dumps(health.for_machines(states)).decode())


def _open_streams(municipality_ids: list[int]) -> list[Stream]:
    heads: Cursor = ledger.heads(municipality_ids)
    found = Municipality.objects.filter(pk__in=municipality_ids)
    return [Stream(one.pk, one.code, heads[one.code], feeds=feeds_of([one.pk])) for one in found]


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """This process's hub."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
