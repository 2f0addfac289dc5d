"""The media gateway: a process of its own that shows cameras to browsers, each fetched once for all who watch it.

What it may show is in the database (`sessions`); what it shows is asked for below ``/video/{token}/``. It starts an
ffmpeg when a viewer first asks, ends it `VIDEO_LINGER_SECONDS` after the last one, and never runs more than
`VIDEO_STREAMS`. It listens on a socket file or a port of the inside network: `proxy`, or the reverse proxy, stands
before it.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from typing import Final

import structlog
from aiohttp import web
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import Error

from linkage.models import VideoSession
from linkage.video import journal, sessions
from linkage.video.states import SHOWING
from linkage.video.stream import Source, Stream
from linkage.video.tokens import read_token
from ocenter.accounts.dbthread import DatabaseThread
from ocenter.accounts.secretbox import open_sealed

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 2.0  # how soon an ended session is noticed
HOLD_SECONDS: Final = 2.0  # how long a playlist waits for its first segment: browsers have six connections
UNKNOWN_KEPT: Final = 1_000
UNKNOWN_SECONDS: Final = 2.0
HEADERS: Final = {
    "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
}  # fmt: skip
PLAYLIST, MP4, JPEG = "application/vnd.apple.mpegurl", "video/mp4", "image/jpeg"


@dataclass
class Watched:
    """A stream with those who watch it; `idle_at` is when the last one left, on the monotonic clock."""

    stream: Stream
    viewers: set[uuid.UUID] = field(default_factory=set)
    idle_at: float | None = None


class Gateway:
    """Streams, sessions, and the rules between them."""

    def __init__(self, database: DatabaseThread) -> None:
        self._database = database
        self._known: dict[uuid.UUID, VideoSession] = {}
        self._unknown: dict[uuid.UUID, float] = {}
        self._watched: dict[str, Watched] = {}
        self._changed: set[str] = set()
        self._next_start = 0.0
        self._wake = asyncio.Event()
        self._starts = self._failures = 0  # of streams that have ended
        self._told = (0, 0)

    # What browsers ask

    async def stream_of(self, token: str) -> Stream | None:
        """The stream a token opens, running; None where the token opens nothing (any more)."""
        session_id = read_token(token)
        session = await self._session(session_id) if session_id else None
        if session is None:
            return None
        watched = self._watched.get(session.key) or await self._begin(session)
        if watched is not None:
            watched.viewers.add(session.pk)
            watched.idle_at = None
        return watched and watched.stream

    async def _session(self, session_id: uuid.UUID) -> VideoSession | None:
        if known := self._known.get(session_id):
            return known
        if self._unknown.get(session_id, 0.0) > time.monotonic():
            return None
        found = await self._database.run(sessions.open_sessions, [session_id])
        if not found:
            while len(self._unknown) >= UNKNOWN_KEPT:
                self._unknown.pop(next(iter(self._unknown)))
            self._unknown[session_id] = time.monotonic() + UNKNOWN_SECONDS
            return None
        self._known[session_id] = found[0]
        return found[0]

    async def _begin(self, session: VideoSession) -> Watched | None:
        try:
            source = Source(open_sealed(session.sealed_stream), session.allowed_network)
        except InvalidToken:  # SECRET_KEY has changed
            return None
        if not await self._make_room():
            return None
        if session.key in self._watched:  # another viewer was quicker
            return self._watched[session.key]
        stream = Stream(session.key, source, turn=self._turn, changed=self._note)
        watched = self._watched[session.key] = Watched(stream)
        self._note(stream)
        stream.start()
        return watched

    async def _make_room(self) -> bool:
        """Whether one more may run; whoever lingers for nobody makes room."""
        if len(self._watched) < settings.VIDEO_STREAMS:
            return True
        idle = [(one.idle_at, key) for key, one in self._watched.items() if one.idle_at is not None]
        if not idle:
            return False
        await self._stop(min(idle)[1])
        return len(self._watched) < settings.VIDEO_STREAMS

    async def _turn(self) -> None:
        """Waits for one's turn to start: so many a second, evenly."""
        now = time.monotonic()
        at = max(now, self._next_start)
        self._next_start = at + 1 / settings.VIDEO_STARTS_PER_SECOND
        await asyncio.sleep(at - now)

    async def _stop(self, key: str) -> None:
        watched = self._watched.pop(key, None)
        if watched:
            self._starts += watched.stream.starts
            self._failures += watched.stream.failures
            self._changed.add(key)
            self._wake.set()
            await watched.stream.stop()

    def _note(self, stream: Stream) -> None:
        self._changed.add(stream.key)
        self._wake.set()

    # What it does by itself

    async def run(self, stop: asyncio.Event) -> None:
        """Looks after sessions and streams until `stop` is set, then ends every ffmpeg."""
        await self._tell(journal.begin)
        looked = 0.0
        while not stop.is_set():
            if time.monotonic() - looked >= LOOK_SECONDS:
                looked = time.monotonic()
                await self._look()
            await self._write()
            await self._pause(stop, LOOK_SECONDS - (time.monotonic() - looked))
        await asyncio.gather(*(self._stop(key) for key in list(self._watched)))
        await self._write()

    async def _look(self) -> None:
        """Forgets sessions that have ended, and stops what nobody has watched for long enough."""
        try:
            still_open = {one.pk for one in await self._database.run(sessions.open_sessions, list(self._known))}
        except Error as error:
            log.warning("video.database_away", error=str(error))  # nobody can have ended one meanwhile
            return
        for gone in self._known.keys() - still_open:
            del self._known[gone]
        now = time.monotonic()
        for key, watched in list(self._watched.items()):
            watched.viewers &= still_open
            if watched.viewers:
                continue
            watched.idle_at = watched.idle_at or now
            if now - watched.idle_at >= settings.VIDEO_LINGER_SECONDS:
                await self._stop(key)

    async def _write(self) -> None:
        """Tells the database what has changed, and that we are here."""
        changed, self._changed = self._changed, set()
        streams = [self._watched[key].stream for key in changed if key in self._watched]
        rows = [(one.key, one.state, one.since, one.reason) for one in streams]
        gone = [key for key in changed if key not in self._watched]
        total = self._total()
        if await self._tell(journal.write, rows, gone, self.figures()):
            self._told = total
        else:
            self._changed |= changed

    async def _tell(self, function, *args: object) -> bool:  # type: ignore[no-untyped-def]
        try:
            await self._database.run(function, *args)
        except Error as error:
            log.warning("video.database_away", error=str(error))
            return False
        return True

    def figures(self) -> journal.Figures:
        """What runs, and what has happened that the database was not yet told."""
        running = sum(one.stream.pid is not None for one in self._watched.values())
        starts, failures = (now - told for now, told in zip(self._total(), self._told, strict=True))
        return journal.Figures(settings.VIDEO_STREAMS, running, starts, failures)

    def _total(self) -> tuple[int, int]:
        streams = [one.stream for one in self._watched.values()]
        return self._starts + sum(one.starts for one in streams), self._failures + sum(one.failures for one in streams)

    async def _pause(self, stop: asyncio.Event, seconds: float) -> None:
        self._wake.clear()
        waits = [asyncio.create_task(one.wait()) for one in (stop, self._wake)]
        await asyncio.wait(waits, timeout=max(0.05, seconds), return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()


GATEWAY: Final = web.AppKey("gateway", Gateway)


def application(gateway: Gateway) -> web.Application:
    """The HTTP side."""
    app = web.Application()
    app[GATEWAY] = gateway
    app.add_routes(
        [
            web.get("/healthz", show_health),
            web.get("/video/{token}/index.m3u8", show_playlist),
            web.get("/video/{token}/snapshot.jpg", show_still),
            web.get("/video/{token}/{name}", show_file),
        ]
    )
    return app


async def show_health(request: web.Request) -> web.Response:
    """Alive, and what runs."""
    figures = request.app[GATEWAY].figures()
    return web.json_response({"status": "alive", "running": figures.running, "limit": figures.limit})


async def show_playlist(request: web.Request) -> web.Response:
    """The playlist; 503 while there is no picture yet, 404 where the token opens nothing."""
    stream = await _stream(request)
    if stream.playlist.text() is None:
        try:
            await asyncio.wait_for(stream.news.wait(), HOLD_SECONDS)
        except TimeoutError:
            return _not_yet()
    text = stream.playlist.text()
    return web.Response(text=text, content_type=PLAYLIST, headers=HEADERS) if text else _not_yet()


async def show_still(request: web.Request) -> web.Response:
    """The newest key picture; 503 while there is none."""
    stream = await _stream(request)
    if stream.still is None or stream.state not in SHOWING:
        return _not_yet()
    response = web.Response(body=stream.still.jpeg, content_type=JPEG, headers=HEADERS)
    response.last_modified = stream.still.at
    return response


async def show_file(request: web.Request) -> web.Response:
    """A segment or the beginning of one; 404 once it is no longer kept."""
    stream = await _stream(request)
    data = stream.playlist.file(request.match_info["name"])
    if data is None:
        raise web.HTTPNotFound(headers=HEADERS)
    return web.Response(body=data, content_type=MP4, headers=HEADERS)


def _not_yet() -> web.Response:
    return web.Response(status=503, headers={**HEADERS, "Retry-After": "1"})


async def _stream(request: web.Request) -> Stream:
    try:
        stream = await request.app[GATEWAY].stream_of(request.match_info["token"])
    except Error as error:
        log.warning("video.database_away", error=str(error))
        raise web.HTTPServiceUnavailable(headers={**HEADERS, "Retry-After": "2"}) from error
    if stream is None:
        raise web.HTTPNotFound(headers=HEADERS)
    return stream
