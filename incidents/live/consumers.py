"""One socket: authenticated, given a snapshot or resumed by cursor, then fed from the hub.

A plain ASGI application rather than a Channels consumer: a consumer brings a channel-layer subscription
per client, which costs fifty times what a frame does (DESIGN.md §7); the hub is ours.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qs

import structlog
from django.db import Error
from django.utils import timezone

from incidents import ledger
from incidents.api.authentication import bearer_of
from incidents.ledger import Cursor, CursorGone
from incidents.live import protocol
from incidents.live.hub import Hub, Stream, hub
from incidents.live.reading import visible_rows
from incidents.live.snapshot import snapshot_for
from incidents.presence import presence_note
from linkage.access import access_of_key
from ocenter.accounts.dbthread import DatabaseThread
from ocenter.accounts.principal import Principal, principal_of_user
from ocenter.accounts.session import session_user

log = structlog.get_logger(__name__)

TICK_SECONDS: Final = 2.0
RECHECK_SECONDS: Final = 30.0
# A socket that takes nothing for this long is cut; its client resumes by cursor.
SEND_SECONDS: Final = 15.0
CATCH_UP_ROWS: Final = 500

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Snapshots, catching up and re-checks share a connection of their own: the hub's reader must not wait for them.
_database = DatabaseThread("sockets")


async def live(scope: Scope, receive: Receive, send: Send) -> None:
    """`/ws/live/?after=CURSOR`: session or Bearer; see DESIGN.md §4."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    try:
        caller = await _database.run(_caller_of, scope)
    except Error:
        await send({"type": "websocket.close", "code": protocol.RESTARTING})
        return
    if caller is None:
        await send({"type": "websocket.close", "code": protocol.SESSION_GONE})
        return
    await _serve(scope, receive, send, caller)


async def _serve(scope: Scope, receive: Receive, send: Send, caller: Principal) -> None:
    feeding = asyncio.create_task(_Socket(scope, send, caller).run())
    listening = asyncio.create_task(_until_gone(receive))
    done, pending = await asyncio.wait({feeding, listening}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    if feeding in done and (error := feeding.exception()):
        code = protocol.TOO_SLOW if isinstance(error, TimeoutError) else protocol.RESTARTING
        log.warning("socket.ended", error=repr(error), code=code)
        with contextlib.suppress(Exception):
            await send({"type": "websocket.close", "code": code})


async def _until_gone(receive: Receive) -> None:
    """Clients have nothing to say; whatever they send is read and dropped, so that pings work."""
    while (await receive())["type"] != "websocket.disconnect":
        pass


class _Socket:
    """What one client has been sent."""

    def __init__(self, scope: Scope, send: Send, caller: Principal) -> None:
        self._scope = scope
        self._send_message = send
        self._caller = caller
        self._at: Cursor = {}
        self._sees_all = caller.families is None

    async def run(self) -> None:
        """Feeds the client until its session ends; raises TimeoutError where it takes nothing."""
        the_hub = hub()
        streams = await the_hub.join(self._caller.municipalities)
        try:
            await self._begin()
            await self._feed(the_hub, streams)
        finally:
            the_hub.leave(streams)

    async def _begin(self) -> None:
        """Resumes where the client's cursor stands, else sends a snapshot."""
        query = parse_qs(self._scope.get("query_string", b"").decode("ascii", "replace"))
        # The ledgers' ends as the database has them: a client may be ahead of this process's reader.
        current = await _database.run(ledger.heads, self._caller.municipalities)
        try:
            resumed = ledger.read_cursor((query.get("after") or [None])[0], current)
        except CursorGone:
            resumed = None
        if resumed is not None:
            self._at = resumed
            return
        self._at, text = await _database.run(snapshot_for, self._caller)
        await self._send(text)

    async def _feed(self, the_hub: Hub, streams: list[Stream]) -> None:
        loop = asyncio.get_running_loop()
        tick_at, check_at = loop.time(), loop.time() + RECHECK_SECONDS
        while True:
            for stream in streams:
                await self._send_new(stream)
            if loop.time() >= tick_at:
                feeds = [stream.feeds.told(self._sees_all) for stream in streams]
                await self._send(protocol.tick_message(self._at, timezone.now(), feeds))
                tick_at = loop.time() + TICK_SECONDS
            if loop.time() >= check_at:
                if not await self._is_still_welcome():
                    await self._send_message({"type": "websocket.close", "code": protocol.SESSION_GONE})
                    return
                check_at = loop.time() + RECHECK_SECONDS
            if not self._is_behind(streams):
                await the_hub.wait(tick_at - loop.time())

    def _is_behind(self, streams: list[Stream]) -> bool:
        return any(stream.position.seq > self._at[stream.code].seq for stream in streams)

    async def _send_new(self, stream: Stream) -> None:
        at = self._at[stream.code]
        frames = stream.after(at.seq)
        if frames is None:
            rows = await _database.run(ledger.read_rows, stream.municipality_id, at.seq, CATCH_UP_ROWS)
            await self._send_rows(stream, rows)
            return
        for frame in frames:
            exact = frame.first == self._at[stream.code].seq + 1
            if exact and self._sees_all and len(self._at) == 1:
                self._at[stream.code] = at._replace(seq=frame.last)
                await self._send(frame.text)
            else:
                await self._send_rows(stream, [row for row in frame.rows if row.seq > self._at[stream.code].seq])

    async def _send_rows(self, stream: Stream, rows: list[ledger.RawRow]) -> None:
        if not rows:
            return
        bodies = (
            [row.body for row in rows] if self._sees_all else await _database.run(visible_rows, self._caller, rows)
        )
        self._at[stream.code] = self._at[stream.code]._replace(seq=rows[-1].seq)
        if bodies:
            await self._send(protocol.changes_message(self._at, bodies))

    async def _send(self, text: str) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await self._send_message({"type": "websocket.send", "text": text})

    async def _is_still_welcome(self) -> bool:
        """Whether the caller could connect again, with the same rights; a role or scope that changed ends it."""
        try:
            now = await _database.run(_caller_of, self._scope)
        except Error:
            return True
        return now is not None and _rights(now) == _rights(self._caller)


def _rights(caller: Principal) -> tuple[Any, ...]:
    return caller.actor["name"], caller.municipalities, caller.families, caller.actions


def _caller_of(scope: Scope) -> Principal | None:
    headers = dict(scope["headers"])
    secret = bearer_of(headers.get(b"authorization", b"").decode("latin-1"))
    if secret:
        access = access_of_key(secret)
        return access.principal if access else None
    session = scope.get("session")
    user = session_user(session.session_key) if session is not None else None
    address = (scope.get("client") or [None])[0]
    if user is None or not user.municipality_id:
        return None
    presence_note(user_id=user.pk)
    return principal_of_user(user, address)
