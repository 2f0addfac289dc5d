"""One camera's stream: an ffmpeg that fetches it, what came last, and how it is; started again while it is wanted."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog
from django.conf import settings
from django.utils import timezone

from linkage.video import children, ffmpeg
from linkage.video.addresses import pinned, without_address
from linkage.video.fragments import Init, NotFragments, Segment, Splitter
from linkage.video.playlist import Playlist
from linkage.video.states import CONNECTING, FROZEN, LIVE, LOST
from linkage.video.stills import NotStills, Stillness, StillSplitter

log = structlog.get_logger(__name__)

# A camera that stopped answering: ffmpeg gives up by itself, and if not, we do.
SOCKET_SECONDS: Final = 5.0
START_SECONDS: Final = 12.0
LOST_SECONDS: Final = 6.0
BACKOFF_SECONDS: Final = (1.0, 2.0, 5.0, 10.0)
STEADY_SECONDS: Final = 30.0  # a stream that ran this long begins again at the shortest pause
READ_BYTES: Final = 256 * 1024
WORD_BYTES: Final = 4096
STILL_WIDTH: Final = 640

ADDRESS: Final = """ffconcat version 1.0
file '{address}'
option rtsp_transport tcp
option timeout {timeout}
option analyzeduration 1000000
option fpsprobesize 0
"""
"""What ffmpeg reads on its stdin: no address or account stands in an argument list, which every account of the
machine can read."""


def arguments(still_fd: int) -> list[str]:
    """The ffmpeg of one stream: the video as it is, in fragments to stdout; key pictures as JPEGs to `still_fd`."""
    return [
        ffmpeg.executable(settings.FFMPEG), "-hide_banner", "-nostats", "-loglevel", "error", "-threads", "1",
        "-protocol_whitelist", "fd,pipe,rtsp,rtsps,rtp,tcp,tls,crypto", "-skip_frame", "nokey",
        "-f", "concat", "-safe", "0", "-i", "pipe:0",
        # No sound: it may not be listened to (DOMAIN.md §6).
        "-map", "0:v:0", "-c:v", "copy", "-f", "mp4", "-movflags", "+frag_keyframe+empty_moov+default_base_moof",
        "-flush_packets", "1", "pipe:1",
        "-map", "0:v:0", "-vf", f"scale='min({STILL_WIDTH},iw)':-2", "-fps_mode", "passthrough", "-c:v", "mjpeg",
        "-q:v", "5", "-threads", "1", "-f", "mpjpeg", "-flush_packets", "1", f"pipe:{still_fd}",
    ]  # fmt: skip


@dataclass
class Source:
    """Where a stream comes from; never shown."""

    address: str = field(repr=False)
    allowed_network: str


@dataclass
class Still:
    """The newest key picture."""

    jpeg: bytes
    at: datetime


class Ended(Exception):
    """A run of ffmpeg is over; the message says why, for people."""


class Stream:
    """`turn` is awaited before each start (starts are staggered), `changed` called when the state changes."""

    def __init__(
        self, key: str, source: Source, *, turn: Callable[[], Awaitable[None]], changed: Callable[[Stream], None]
    ) -> None:
        self.key = key
        self.source = source
        self.playlist = Playlist()
        self.still: Still | None = None
        self.state, self.since, self.reason = CONNECTING, timezone.now(), ""
        self.starts = self.failures = 0
        self.pid: int | None = None
        self.news = asyncio.Event()  # set when the first segment is there
        self._turn, self._changed = turn, changed
        self._heard = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Fetches it from now on."""
        self._task = asyncio.create_task(self._run(), name=f"video {self.key}")

    async def stop(self) -> None:
        """Ends it and its ffmpeg. Safe to repeat."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        tried = 0
        while True:
            await self._turn()
            begun = time.monotonic()
            try:
                await self._fetch()
            except (Ended, OSError, TimeoutError, ffmpeg.NoFfmpeg) as error:
                self._fail(str(error) or "no answer")
            tried = 0 if time.monotonic() - begun > STEADY_SECONDS else tried + 1
            await asyncio.sleep(BACKOFF_SECONDS[min(tried, len(BACKOFF_SECONDS)) - 1 if tried else 0])

    def _fail(self, reason: str) -> None:
        self.failures += 1
        self.still = None
        log.warning("video.lost", camera=self.key, reason=reason)
        self._become(LOST, reason)

    async def _fetch(self) -> None:
        """One ffmpeg from start to end. Always raises: Ended, NoStream or another OSError."""
        address = await pinned(self.source.address, self.source.allowed_network)
        reader, writer = os.pipe()
        try:
            process = await children.start(arguments(writer), stderr=asyncio.subprocess.PIPE, pass_fds=(writer,))
        finally:
            os.close(writer)
        self.pid, self.starts = process.pid, self.starts + 1
        try:
            await self._give(process, address)
            await self._follow(process, await _stream_reader(reader))
        finally:
            self.pid = None
            await children.end(process)

    async def _give(self, process: asyncio.subprocess.Process, address: str) -> None:
        assert process.stdin is not None
        said = ADDRESS.format(address=address, timeout=int(SOCKET_SECONDS * 1_000_000))
        with suppress(ConnectionError):  # it died first: that is told below
            process.stdin.write(said.encode())
            await process.stdin.drain()
        process.stdin.close()

    async def _follow(self, process: asyncio.subprocess.Process, stills: asyncio.StreamReader) -> None:
        assert process.stdout is not None and process.stderr is not None
        self._heard = time.monotonic() + START_SECONDS - LOST_SECONDS
        words = asyncio.create_task(_last_words(process.stderr))
        tasks = [
            asyncio.create_task(one)
            for one in (self._take_segments(process.stdout), self._take_stills(stills), self._watch())
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            await children.end(process)
            raise Ended(await words or "the camera ended its video")
        finally:
            for task in (*tasks, words):
                task.cancel()
            await asyncio.gather(*tasks, words, return_exceptions=True)

    async def _take_segments(self, pipe: asyncio.StreamReader) -> None:
        splitter = Splitter()
        try:
            while data := await pipe.read(READ_BYTES):
                for part in splitter.feed(data):
                    self._take(part)
        except NotFragments as error:
            raise Ended(f"the video cannot be shown: {error}") from error

    def _take(self, part: Init | Segment) -> None:
        if isinstance(part, Init):
            self.playlist.begin(part.data)
            return
        self.playlist.add(part)
        self._heard = time.monotonic()
        self.news.set()
        if self.state in (CONNECTING, LOST):
            self._become(LIVE)

    async def _take_stills(self, pipe: asyncio.StreamReader) -> None:
        splitter, stillness = StillSplitter(), Stillness()
        try:
            while data := await pipe.read(READ_BYTES):
                for jpeg in splitter.feed(data):
                    self.still = Still(jpeg, timezone.now())
                    self._judge(stillness.see(jpeg, time.monotonic()))
        except NotStills as error:
            raise Ended(f"the video cannot be shown: {error}") from error

    def _judge(self, frozen: bool) -> None:
        if frozen and self.state == LIVE:
            self._become(FROZEN)
        elif not frozen and self.state == FROZEN:
            self._become(LIVE)

    async def _watch(self) -> None:
        """Ends when no picture has come for too long."""
        while True:
            patience_s = max(LOST_SECONDS, 2.5 * self.playlist.longest_s)
            left_s = self._heard + patience_s - time.monotonic()
            if left_s <= 0:
                raise Ended(f"no picture for {patience_s:.0f} s")
            await asyncio.sleep(min(left_s, 1.0))

    def _become(self, state: str, reason: str = "") -> None:
        if (state, reason) == (self.state, self.reason):
            return
        if state != self.state:
            self.since = timezone.now()
        self.state, self.reason = state, reason[:200]
        self._changed(self)


async def _stream_reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb", 0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


async def _last_words(pipe: asyncio.StreamReader) -> str:
    """The last line ffmpeg wrote, fit to be shown."""
    kept = b""
    while data := await pipe.read(WORD_BYTES):
        kept = (kept + data)[-WORD_BYTES:]
    lines = [one for one in kept.decode("utf-8", "replace").splitlines() if one.strip()]
    return without_address(lines[0].split("] ", 1)[-1]) if lines else ""
