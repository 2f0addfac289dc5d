"""``/video/…`` of a web process: passed on to the gateway, piece by piece, on the event loop and without the database.

In production the reverse proxy may go there itself (docs/video.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final
from weakref import WeakKeyDictionary

import aiohttp
from django.conf import settings
from yarl import URL

from linkage.video.listening import socket_path

PREFIX: Final = "/video/"
PIECE_BYTES: Final = 64 * 1024
TIMEOUT: Final = aiohttp.ClientTimeout(total=20, sock_connect=2)
PASSED: Final = frozenset({b"content-type", b"content-length", b"cache-control", b"retry-after", b"last-modified", b"x-content-type-options", b"cross-origin-resource-policy"})  # fmt: skip
INSIDE: Final = "http://video"

Send = Callable[[dict[str, Any]], Awaitable[None]]

_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession] = WeakKeyDictionary()


async def application(scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send) -> None:
    """The ASGI application for GET below `PREFIX`."""
    if scope["method"] not in ("GET", "HEAD"):
        await _answer(send, 405, [(b"allow", b"GET, HEAD")])
        return
    begun = False
    try:
        async with _session().request(scope["method"], _address(scope), allow_redirects=False) as reply:
            headers = [(name.lower(), value) for name, value in reply.raw_headers if name.lower() in PASSED]
            await send({"type": "http.response.start", "status": reply.status, "headers": headers})
            begun = True
            async for piece in reply.content.iter_chunked(PIECE_BYTES):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    except (aiohttp.ClientError, OSError, TimeoutError):
        if begun:
            raise  # the server cuts the connection: half a segment must not pass for a whole one
        await _answer(send, 503, [(b"retry-after", b"1"), (b"cache-control", b"no-store")])
        return
    await send({"type": "http.response.body", "body": b""})


def _address(scope: dict[str, Any]) -> URL:
    path = scope.get("raw_path") or scope["path"].encode()
    base = INSIDE if socket_path(settings.VIDEO_ADDRESS) else settings.VIDEO_ADDRESS.rstrip("/")
    return URL(base + path.decode("ascii", "replace"), encoded=True)


def _session() -> aiohttp.ClientSession:
    loop = asyncio.get_running_loop()
    session = _sessions.get(loop)
    if session is None:
        path = socket_path(settings.VIDEO_ADDRESS)
        connector = aiohttp.UnixConnector(str(path), limit=256) if path else aiohttp.TCPConnector(limit=256)
        session = aiohttp.ClientSession(connector=connector, timeout=TIMEOUT, auto_decompress=False)
        _sessions[loop] = session
    return session


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
