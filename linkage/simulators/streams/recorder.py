"""The streams of all cameras of the simulated video system, and the server that shows them."""

from __future__ import annotations

import asyncio
import logging
import zlib
from dataclasses import dataclass, field
from typing import Any

from linkage.simulators.streams.encoder import Stream
from linkage.simulators.streams.server import Account, Server
from linkage.simulators.videosystem import Vms

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
USUAL_PORT = 8554


@dataclass
class Recorder:
    """``port`` None: the usual one, or any that is free, so that several installations can stand side by side."""

    vms: Vms
    account: Account
    port: int | None = None
    _streams: dict[str, Stream] = field(default_factory=dict)
    _server: Server | None = None

    @property
    def address(self) -> str:
        """Where the streams are: ``rtsp://HOST:PORT``."""
        return f"rtsp://{HOST}:{self._server.port if self._server else self.port or USUAL_PORT}"

    async def start(self) -> None:
        """Serves. Raises OSError where a port that was asked for is taken."""
        self._server = Server(self.find, self.account)
        await self._server.start(HOST, self.port or USUAL_PORT, or_any=self.port is None)
        log.info("simulated cameras at %s", self.address)

    async def stop(self) -> None:
        """Ends server and encoders."""
        if self._server:
            await self._server.stop()
        await asyncio.gather(*(one.stop() for one in self._streams.values()))

    def find(self, number: str) -> Stream | None:
        """A camera's stream, or None where there is no such camera."""
        if number not in self._streams:
            self.vms.look_for_cameras()
            camera = self.vms.cameras.get(number)
            if camera is None:
                return None
            # The same camera looks the same after every start.
            self._streams[number] = Stream(camera, camera.profile["camName"], zlib.crc32(number.encode()))
        return self._streams[number]

    def as_json(self) -> dict[str, Any]:
        """What is going on."""
        return {
            number: {"receivers": len(one.receivers), "encoding": one.encoding, "starts": one.starts, "mode": one.mode}
            for number, one in self._streams.items()
        }
