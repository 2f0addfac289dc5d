"""An RTSP server (RFC 2326) for the simulated cameras: TCP with interleaved RTP, an account, nothing else.

``rtsp://HOST:PORT/{camID}``: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN; Digest or Basic.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from linkage.simulators.streams import rtp, scene
from linkage.simulators.streams.encoder import Stream
from linkage.simulators.streams.rtp import Picture

log = logging.getLogger(__name__)

REALM = "simulated cameras"
REQUEST_BYTES = 8192
UNSENT_BYTES = 2 * 1024 * 1024
"""A receiver that is this far behind is cut."""

METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 455: "Method Not Valid in This State", 461: "Unsupported Transport", 501: "Not Implemented", 503: "Service Unavailable"}  # fmt: skip

Find = Callable[[str], Stream | None]


@dataclass(frozen=True)
class Account:
    """Who may watch."""

    user: str
    password: str


@dataclass
class Request:
    """One RTSP request."""

    method: str
    url: str
    headers: Mapping[str, str]

    @property
    def camera(self) -> str:
        """The camera it is about: the path's first part."""
        return unquote(urlsplit(self.url).path.strip("/").split("/")[0])


class Server:
    """Serves the streams that ``find`` knows. ``port`` is where it listens, once started."""

    def __init__(self, find: Find, account: Account) -> None:
        self._find = find
        self._account = account
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, host: str, port: int, *, or_any: bool) -> None:
        """Listens; where the port is taken and ``or_any``, on any free one. Raises OSError."""
        try:
            self._server = await asyncio.start_server(self._serve, host, port)
        except OSError:
            if not or_any:
                raise
            self._server = await asyncio.start_server(self._serve, host, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Ends it and every connection."""
        if self._server:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        connection = _Connection(self._find, self._account, reader, writer)
        try:
            await connection.run()
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # gone, or no RTSP
        finally:
            connection.end()
            self._connections.discard(task)


@dataclass
class _Connection:
    """One receiver."""

    find: Find
    account: Account
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))
    session: str = field(default_factory=lambda: secrets.token_hex(8))
    channel: int = 0
    packer: rtp.Packer = field(default_factory=lambda: rtp.Packer(ssrc=secrets.randbits(32)))
    stream: Stream | None = None
    described: str = ""

    async def run(self) -> None:
        while request := await self._request():
            stream = self.find(request.camera)
            if stream is not None and stream.mode == "drop":
                return
            if stream is not None and stream.mode == "deaf":
                await self.reader.read()  # until they give up
                return
            status, headers, body = await self._answer(request, stream)
            self._say(request, status, headers, body)
            if request.method == "PLAY" and status == 200:
                self._play()
            if request.method == "TEARDOWN":
                await self.writer.drain()
                return

    def end(self) -> None:
        if self.stream:
            self.stream.leave(self._send)
            self.stream.closers.discard(self.writer.transport.abort)
            self.stream.close()
            self.stream = None
        self.writer.close()

    async def _request(self) -> Request | None:
        """The next request; what the receiver interleaves (its RTCP) is passed over."""
        while (first := await self.reader.read(1)) == b"$":
            _channel, length = await self.reader.readexactly(1), await self.reader.readexactly(2)
            await self.reader.readexactly(int.from_bytes(length, "big"))
        if not first:
            return None
        head = first + await self.reader.readuntil(b"\r\n\r\n")
        if len(head) > REQUEST_BYTES:
            raise ValueError("too long")
        lines = head.decode("utf-8", "replace").split("\r\n")
        method, url, _version = lines[0].split(" ", 2)
        pairs = (line.split(":", 1) for line in lines[1:] if ":" in line)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        await self.reader.readexactly(min(int(headers.get("content-length", "0")), REQUEST_BYTES))
        return Request(method, url, headers)

    async def _answer(self, request: Request, stream: Stream | None) -> tuple[int, dict[str, str], str]:
        if request.method == "OPTIONS":
            return 200, {"Public": METHODS}, ""
        if (stream is not None and stream.mode == "deny") or not self._is_right(request):
            challenge = f'Digest realm="{REALM}", nonce="{self.nonce}"'
            return 401, {"WWW-Authenticate": challenge}, ""
        if stream is None:
            return 404, {}, ""
        match request.method:
            case "DESCRIBE":
                return await self._describe(request, stream)
            case "SETUP":
                return self._set_up(request)
            case "PLAY":
                known = self.stream is not None
                return (200 if known else 455), {"Session": self.session, "Range": "npt=0.000-"}, ""
            case "GET_PARAMETER" | "TEARDOWN":
                return 200, {"Session": self.session}, ""
        return 501, {}, ""

    async def _describe(self, request: Request, stream: Stream) -> tuple[int, dict[str, str], str]:
        if self.stream is None:
            try:
                sps, pps = await stream.open()
            except TimeoutError:
                return 503, {}, ""
            self.stream = stream
            stream.closers.add(self.writer.transport.abort)
            host = self.writer.get_extra_info("sockname")[0]
            self.described = rtp.description(sps, pps, host=host, fps=scene.FPS)
        base = request.url.rstrip("/") + "/"
        return 200, {"Content-Type": "application/sdp", "Content-Base": base}, self.described

    def _set_up(self, request: Request) -> tuple[int, dict[str, str], str]:
        wanted = re.search(r"RTP/AVP/TCP.*interleaved=(\d+)-(\d+)", request.headers.get("transport", ""))
        if wanted is None:
            return 461, {}, ""
        self.channel = int(wanted[1])
        transport = f"RTP/AVP/TCP;unicast;interleaved={wanted[1]}-{wanted[2]}"
        return 200, {"Session": f"{self.session};timeout=60", "Transport": transport}, ""

    def _say(self, request: Request, status: int, headers: Mapping[str, str], body: str) -> None:
        lines = [f"RTSP/1.0 {status} {REASONS[status]}", f"CSeq: {request.headers.get('cseq', '0')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body.encode())}")
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    def _play(self) -> None:
        if self.stream:
            self.stream.join(self._send)

    def _send(self, picture: Picture, at: int) -> None:
        if self.writer.transport.get_write_buffer_size() > UNSENT_BYTES:
            self.writer.transport.abort()
            return
        for packet in self.packer.packets(picture, at):
            self.writer.write(b"$" + bytes((self.channel,)) + len(packet).to_bytes(2, "big") + packet)

    def _is_right(self, request: Request) -> bool:
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            return hmac.compare_digest(
                rest, base64.b64encode(f"{self.account.user}:{self.account.password}".encode()).decode()
            )
        if scheme.lower() != "digest":
            return False
        said = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        secret = _md5(f"{self.account.user}:{REALM}:{self.account.password}")
        asked = _md5(f"{request.method}:{said.get('uri', '')}")
        expected = _md5(f"{secret}:{self.nonce}:{asked}")
        named = (said.get("username"), said.get("nonce")) == (self.account.user, self.nonce)
        return named and hmac.compare_digest(said.get("response", ""), expected)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
