"""One simulated camera's picture: encoded while somebody watches, once for all who do, and misbehaving when told to."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from linkage.simulators.streams import rtp, scene
from linkage.simulators.streams.rtp import Picture
from linkage.simulators.videosystem import Camera
from linkage.video import children

log = logging.getLogger(__name__)

MODES = frozenset({"none", "freeze", "silent", "drop", "deaf", "deny"})
"""``freeze``: the same picture for ever; ``silent``: plays, and sends nothing more; ``drop``: every connection is cut
and none accepted; ``deaf``: requests are read and never answered; ``deny``: no account is right."""

TICKS = rtp.CLOCK // scene.FPS
LINGER_SECONDS = 5.0
"""How long an encoder runs on for nobody: a gateway that reconnects finds it warm."""

TURN_SECONDS = 0.2
READ_BYTES = 64 * 1024

Receiver = Callable[[Picture, int], None]


@dataclass
class Stream:
    """What one camera shows. ``receivers`` get each picture with its timestamp, beginning with a key picture."""

    camera: Camera
    name: str
    number: int
    mode: str = "none"
    receivers: set[Receiver] = field(default_factory=set)
    closers: set[Callable[[], None]] = field(default_factory=set)
    starts: int = 0
    _since_key: list[tuple[Picture, int]] = field(default_factory=list)
    _users: int = 0
    _run: asyncio.Task[None] | None = None
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _frozen: Picture | None = None

    def set_mode(self, mode: str) -> None:
        """Sets how it misbehaves from now on."""
        self.mode = mode
        self._frozen = self._since_key[0][0] if mode == "freeze" and self._since_key else None
        if mode == "drop":
            for close in list(self.closers):
                close()

    @property
    def encoding(self) -> bool:
        """Whether an encoder is at work."""
        return self._run is not None and not self._run.done()

    async def open(self) -> tuple[bytes, bytes]:
        """Has it encoded until `close`; SPS and PPS, once there is a first picture. Raises TimeoutError."""
        self._users += 1
        if not self.encoding:
            self._ready.clear()
            self._since_key.clear()
            self._run = asyncio.create_task(self._encode())
        try:
            await asyncio.wait_for(self._ready.wait(), 10)
        except TimeoutError:
            self.close()
            raise
        key = self._since_key[0][0]
        return key.first(rtp.SPS) or b"", key.first(rtp.PPS) or b""

    def close(self) -> None:
        """Takes back one `open`."""
        self._users -= 1
        if not self._users:
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._end_if_idle)

    def join(self, receiver: Receiver) -> None:
        """Sends to ``receiver`` too, from the last key picture on."""
        if self.mode in ("none", "freeze"):
            for picture, at in self._since_key:
                receiver(self._frozen or picture, at)
        self.receivers.add(receiver)

    def leave(self, receiver: Receiver) -> None:
        """Sends it no more. Safe to repeat."""
        self.receivers.discard(receiver)

    async def stop(self) -> None:
        """Ends the encoder now."""
        if self._run:
            self._run.cancel()
            with suppress(asyncio.CancelledError):
                await self._run

    def _end_if_idle(self) -> None:
        if not self._users and self._run:
            self._run.cancel()

    async def _encode(self) -> None:
        self.starts += 1
        # The zone as POSIX writes it: needs no zone files.
        process = await children.start(scene.command(self.name, self.number), env={**os.environ, "TZ": "KST-9"})
        turning = asyncio.create_task(self._turn(process))
        try:
            await self._read(process)
            log.warning("the encoder of %s ended with %s", self.name, process.returncode)
        finally:
            turning.cancel()
            await children.end(process)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        cutter, at = rtp.Cutter(), 0
        while data := await process.stdout.read(READ_BYTES):
            for picture in cutter.feed(data):
                self._show(picture, at)
                at += TICKS

    def _show(self, picture: Picture, at: int) -> None:
        if picture.is_key:
            self._since_key.clear()
        self._since_key.append((picture, at))
        self._ready.set()
        if self.mode == "silent":
            return
        if self._frozen:  # a picture a second is enough of one that never changes
            if not picture.is_key:
                return
            picture = self._frozen
        for receiver in list(self.receivers):
            receiver(picture, at)

    async def _turn(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        shown = scene.window(0, 0, 0)
        while True:
            self.camera.settle(time.monotonic())
            look = self.camera.look
            wanted = scene.window(look["pan"], look["tilt"], look["zoom"])
            if wanted != shown:
                process.stdin.write(_commands(shown, wanted))
                shown = wanted
            await asyncio.sleep(TURN_SECONDS)


def _commands(shown: tuple[int, int, int, int], wanted: tuple[int, int, int, int]) -> bytes:
    """What ffmpeg is told on stdin: narrower before it moves, moved before it is wider, so that the part always fits."""
    order = (2, 3, 0, 1) if wanted[2] < shown[2] else (0, 1, 2, 3)
    changes = [("xywh"[at], wanted[at]) for at in order if wanted[at] != shown[at]]
    return "".join(f"ccrop -1 {name} {value}\n" for name, value in changes).encode()
