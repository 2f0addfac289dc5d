"""Fragmented MP4 as ffmpeg writes it to a pipe, taken apart: the beginning every player needs, then one segment a
key picture. Kept in memory: no picture of a live view ever lies on a disk."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

# A segment of 8 s at 16 Mbit/s; whoever sends more at once is no camera we can show.
SEGMENT_BYTES_AT_MOST: Final = 16 * 1024 * 1024
TOP: Final = frozenset({b"ftyp", b"moov", b"moof", b"mdat", b"styp", b"sidx", b"mfra", b"free", b"prft", b"emsg"})
_DURATION, _SIZE, _FLAGS, _OFFSET = 0x100, 0x200, 0x400, 0x800


class NotFragments(ValueError):
    """The bytes are no fragmented MP4, or more than we keep."""


class Init(NamedTuple):
    """What stands before every segment."""

    data: bytes


class Segment(NamedTuple):
    """One fragment, beginning with a key picture; `seconds` long."""

    data: bytes
    seconds: float


@dataclass
class Splitter:
    """Takes bytes as they come, gives parts once they are whole."""

    _rest: bytearray = field(default_factory=bytearray)
    _head: bytes = b""
    _moof: bytes = b""
    _timescale: int = 0

    def feed(self, data: bytes) -> Iterator[Init | Segment]:
        """The parts that `data` completes. Raises NotFragments."""
        self._rest += data
        while (box := self._take()) is not None:
            yield from self._sort(box)

    def _take(self) -> bytes | None:
        if len(self._rest) < 8:
            return None
        size, kind = struct.unpack_from("!I4s", self._rest)
        if kind not in TOP or not 8 <= size <= SEGMENT_BYTES_AT_MOST:
            raise NotFragments(f"a box {kind!r} of {size} bytes")
        if len(self._rest) < size:
            return None
        box = bytes(self._rest[:size])
        del self._rest[:size]
        return box

    def _sort(self, box: bytes) -> Iterator[Init | Segment]:
        kind = box[4:8]
        if kind == b"ftyp":
            self._head = box
        elif kind == b"moov":
            self._timescale = _timescale(box)
            yield Init(self._head + box)
        elif kind == b"moof":
            self._moof = box
        elif kind == b"mdat" and self._moof:
            yield Segment(self._moof + box, _ticks(self._moof) / self._timescale)
            self._moof = b""


def _inside(box: bytes, *path: bytes) -> bytes:
    """The content of the first box at `path` inside `box`. Raises NotFragments where there is none."""
    content = box[8:]
    for wanted in path:
        content = _child(content, wanted)
    return content


def _child(content: bytes, wanted: bytes) -> bytes:
    at = 0
    while at + 8 <= len(content):
        size, kind = struct.unpack_from("!I4s", content, at)
        if kind == wanted and size >= 8:
            return content[at + 8 : at + size]
        at += max(size, 8)
    raise NotFragments(f"no {wanted.decode()} box")


def _timescale(moov: bytes) -> int:
    header = _inside(moov, b"trak", b"mdia", b"mdhd")
    (ticks,) = struct.unpack_from("!I", header, 20 if header[0] == 1 else 12)
    if not ticks:
        raise NotFragments("a timescale of 0")
    return int(ticks)


def _ticks(moof: bytes) -> int:
    """How long a fragment lasts (ISO/IEC 14496-12 §8.8.7 and 8.8.8)."""
    try:
        run = _inside(moof, b"traf", b"trun")
        flags, count = int.from_bytes(run[1:4]), int.from_bytes(run[4:8])
        if not flags & _DURATION:
            return count * _default_duration(_inside(moof, b"traf", b"tfhd"))
        first = 8 + 4 * bool(flags & 0x1) + 4 * bool(flags & 0x4)
        step = 4 * sum(bool(flags & one) for one in (_DURATION, _SIZE, _FLAGS, _OFFSET))
        return sum(struct.unpack_from("!I", run, first + step * at)[0] for at in range(count))
    except struct.error as error:
        raise NotFragments(str(error)) from error


def _default_duration(header: bytes) -> int:
    flags = int.from_bytes(header[1:4])
    at = 8 + 8 * bool(flags & 0x1) + 4 * bool(flags & 0x2)
    return int(struct.unpack_from("!I", header, at)[0]) if flags & 0x8 else 0
