"""Where the gateway listens: a socket file of this machine, or a port of the inside network."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from django.conf import settings

from linkage.video.gateway import Gateway, application
from ocenter.accounts.dbthread import DatabaseThread

UNIX: Final = "unix:"
CLOSING_SECONDS: Final = 1.0
ONLY_US: Final = 0o600


async def serve(stop: asyncio.Event) -> None:
    """Serves until `stop` is set. Raises OSError where the address is taken or none."""
    database = DatabaseThread("video")
    gateway = Gateway(database)
    runner = web.AppRunner(application(gateway), access_log=None, shutdown_timeout=CLOSING_SECONDS)
    await runner.setup()
    try:
        await _site(runner, settings.VIDEO_ADDRESS).start()
        if path := socket_path(settings.VIDEO_ADDRESS):
            path.chmod(ONLY_US)
        await gateway.run(stop)
    finally:
        await runner.cleanup()
        await database.close()


def socket_path(address: str) -> Path | None:
    """The socket file an address names; None for a port."""
    return Path(address.removeprefix(UNIX)) if address.startswith(UNIX) else None


def _site(runner: web.AppRunner, address: str) -> web.BaseSite:
    if path := socket_path(address):
        _clear(path)
        return web.UnixSite(runner, str(path))
    parts = urlsplit(address)
    return web.TCPSite(runner, parts.hostname, parts.port)


def _clear(path: Path) -> None:
    """Removes the socket file of a gateway that was killed. Raises OSError where one listens there."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            os.unlink(path)
            return
    raise OSError(f"another gateway listens on {path}")
