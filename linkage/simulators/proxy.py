"""A TCP proxy that breaks things on purpose, between any two parts that talk.

=================  ==========================================  ==========================
mode               what the caller sees                        what the other side sees
=================  ==========================================  ==========================
``pass``           everything                                  everything
``refuse``         nobody listens; open connections are reset  a reset
``blackhole``      accepted, then nothing for ever             nothing
``ackloss``        a reset in place of the reply               the request, whole
``slow``           everything, `delay_s` later                 the same
``drip``           the reply, a byte every `delay_s`           the request, whole
``cut_request``    a reset                                     `keep` bytes, then a reset
``cut_reply``      `keep` bytes of the reply, then a reset     the request, whole
``hold_request``   nothing until released                      nothing until released
``hold_reply``     nothing until released                      the request, whole
``answer``         `reply`, word for word                      nothing
=================  ==========================================  ==========================

It knows no protocol but this: the caller speaks first, and whatever it says after a reply begins another exchange
(HTTP, Redis and PostgreSQL all do so). Which exchanges are struck is drawn at their beginning from `rate` and `seed`.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

CHUNK_BYTES: Final = 64 * 1024
RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds: closing sends a reset
MODES: Final = frozenset(
    {
        "pass", "refuse", "blackhole", "ackloss", "slow", "drip", "cut_request", "cut_reply", "hold_request",
        "hold_reply", "answer",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What happens to the exchanges it strikes; see the table above. `rate` from 0 to 1."""

    mode: str = "pass"
    rate: float = 1.0
    seed: int = 0
    delay_s: float = 1.0
    keep: int = 20
    reply: bytes = b""

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(sorted(MODES))}")


NO_FAULT: Final = Fault()


def http_reply(status: int, body: bytes = b"", **headers: str) -> bytes:
    """An HTTP/1.1 answer for the mode `answer`; underscores in header names stand for hyphens."""
    lines = [f"HTTP/1.1 {status} Simulated", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class FaultProxy:
    """Listens on the loopback and passes everything to `upstream` until told otherwise.

    All methods belong to the event loop it was started on. `holding` counts the exchanges held just now,
    `struck` those that met a fault since the last `set`.
    """

    def __init__(self, upstream: tuple[str, int], *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.upstream = upstream
        self.host, self.port = host, port
        self.fault = NO_FAULT
        self.holding = 0
        self.struck = 0
        self._draw = random.Random(0)
        self._released = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._lines: set[_Line] = set()

    async def start(self) -> None:
        """Listens; `port` is then the one it listens on."""
        self._server = await asyncio.start_server(self._serve, self.host, self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Resets every connection, held ones too, and listens no more. Safe to repeat."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.reset()

    async def reset(self) -> None:
        """Resets every connection; what is held is dropped. Safe to repeat."""
        lines = list(self._lines)
        for line in lines:
            line.reset()
        self.release()
        await asyncio.gather(*(line.ended.wait() for line in lines))

    async def set(self, fault: Fault) -> None:
        """The exchanges that begin from now on meet `fault`; what is held goes on first."""
        self.release()
        self.fault, self.struck, self._draw = fault, 0, random.Random(fault.seed)
        if fault.mode == "refuse":
            await self.stop()
        elif self._server is None:
            await self.start()

    def release(self) -> None:
        """Lets everything that is held go on."""
        self._released.set()
        self._released = asyncio.Event()

    def draw(self) -> Fault:
        """The fault of the exchange that begins now."""
        if self.fault is NO_FAULT or self._draw.random() >= self.fault.rate:
            return NO_FAULT
        self.struck += 1
        return self.fault

    async def hold(self) -> None:
        """Waits for `release`."""
        self.holding += 1
        try:
            await self._released.wait()
        finally:
            self.holding -= 1

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = _Line(self, reader, writer)
        self._lines.add(line)
        try:
            await line.run()
        finally:
            self._lines.discard(line)


class _Line:
    """One connection of a caller and the one made for it, once it has said something that passes."""

    def __init__(self, proxy: FaultProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._from_caller, self._to_caller = reader, writer
        self._to_upstream: asyncio.StreamWriter | None = None
        self._answering: asyncio.Task[None] | None = None
        self._fault = NO_FAULT
        self._begun = self._replied = self._dead = False
        self._asked = self._said = 0
        self._request = bytearray()
        self.ended = asyncio.Event()

    async def run(self) -> None:
        """Until either side hangs up."""
        try:
            while data := await self._from_caller.read(CHUNK_BYTES):
                self._begin_exchange()
                await self._ask(data)
        except (OSError, asyncio.IncompleteReadError):
            pass  # either side went, which is what this is for
        finally:
            self._close()

    def reset(self) -> None:
        """Ends both connections as a crash would."""
        self._dead = True
        for writer in (self._to_caller, self._to_upstream):
            if writer is not None:
                with suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                writer.transport.abort()

    def _begin_exchange(self) -> None:
        if not self._begun or self._replied:
            self._begun, self._replied, self._asked, self._said = True, False, 0, 0
            self._request.clear()
            self._fault = self._proxy.draw()

    async def _ask(self, data: bytes) -> None:
        mode = self._fault.mode
        if mode == "answer":
            return await self._answer(data)
        if mode == "hold_request":
            await self._proxy.hold()
            self._fault = NO_FAULT
        elif mode == "slow":
            await asyncio.sleep(self._fault.delay_s)
        elif mode == "blackhole":
            return None
        elif mode == "cut_request":
            data = data[: max(0, self._fault.keep - self._asked)]
        await self._pass_on(data)
        if mode == "cut_request" and self._asked >= self._fault.keep:
            self.reset()

    async def _pass_on(self, data: bytes) -> None:
        if self._dead:
            return  # held until it was reset
        if self._to_upstream is None:
            reader, self._to_upstream = await asyncio.open_connection(*self._proxy.upstream)
            self._answering = asyncio.create_task(self._bring_back(reader))
        self._asked += len(data)
        self._to_upstream.write(data)
        await self._to_upstream.drain()

    async def _answer(self, data: bytes) -> None:
        """`reply` once the HTTP request is whole: answered earlier, a client still sending would see a reset."""
        self._request += data
        head, found, body = bytes(self._request).partition(b"\r\n\r\n")
        if found and len(body) >= _content_length(head):
            self._replied = True
            self._to_caller.write(self._fault.reply)
            await self._to_caller.drain()

    async def _bring_back(self, reader: asyncio.StreamReader) -> None:
        try:
            while data := await reader.read(CHUNK_BYTES):
                self._replied = True
                await self._reply(data)
        except OSError:
            pass
        finally:
            self._to_caller.close()

    async def _reply(self, data: bytes) -> None:
        fault = self._fault
        if fault.mode == "ackloss":
            return self.reset()
        if fault.mode == "hold_reply":
            await self._proxy.hold()
            self._fault = NO_FAULT
        elif fault.mode == "slow":
            await asyncio.sleep(fault.delay_s)
        elif fault.mode == "drip":
            return await self._drip(data)
        elif fault.mode == "cut_reply":
            data = data[: max(0, fault.keep - self._said)]
        self._said += len(data)
        self._to_caller.write(data)
        await self._to_caller.drain()
        if fault.mode == "cut_reply" and self._said >= fault.keep:
            self.reset()
        return None

    async def _drip(self, data: bytes) -> None:
        for n in range(len(data)):
            self._to_caller.write(data[n : n + 1])
            await self._to_caller.drain()
            await asyncio.sleep(self._fault.delay_s)

    def _close(self) -> None:
        for writer in (self._to_caller, self._to_upstream):
            if writer is not None:
                writer.close()
        if self._answering is not None:
            self._answering.cancel()
        self.ended.set()


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


async def forward(listen: tuple[str, int], upstream: tuple[str, int]) -> None:
    """Passes everything until cancelled."""
    proxy = FaultProxy(upstream, host=listen[0], port=listen[1])
    await proxy.start()
    await asyncio.Event().wait()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    asyncio.run(forward(_address(sys.argv[1]), _address(sys.argv[2])))
