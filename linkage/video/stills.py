"""The key pictures of a stream as JPEGs (ffmpeg's `mpjpeg`), and whether they have stopped changing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

STILL_BYTES_AT_MOST: Final = 4 * 1024 * 1024
LENGTH: Final = b"Content-length:"
# Two cameras' key pictures are never the same to the last bit: noise, exposure, a clock. A second picture alike may
# be one that was sent twice; so it needs both.
FROZEN_PICTURES: Final = 3
FROZEN_SECONDS: Final = 6.0


class NotStills(ValueError):
    """The bytes are no mpjpeg, or more than we keep."""


@dataclass
class StillSplitter:
    """Takes bytes as they come, gives JPEGs once they are whole."""

    _rest: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The JPEGs that `data` completes. Raises NotStills."""
        self._rest += data
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            length = _length(bytes(self._rest[:end]))
            if len(self._rest) < end + 4 + length:
                return
            yield bytes(self._rest[end + 4 : end + 4 + length])
            del self._rest[: end + 4 + length]
            # What follows is the line's end and the next boundary, part of the next header.
        if len(self._rest) > STILL_BYTES_AT_MOST:
            raise NotStills("no header")


def _length(header: bytes) -> int:
    _, _, rest = header.partition(LENGTH)
    try:
        length = int(rest.split(b"\r\n", 1)[0])
    except ValueError as error:
        raise NotStills("a header without a length") from error
    if not 0 < length <= STILL_BYTES_AT_MOST:
        raise NotStills(f"a picture of {length} bytes")
    return length


@dataclass
class Stillness:
    """Watches whether pictures change; times in seconds of one clock."""

    _last: bytes = b""
    _same: int = 0
    _since: float = 0.0

    def see(self, still: bytes, now: float) -> bool:
        """Takes the next picture; whether the stream counts as frozen with it."""
        if still != self._last:
            self._last, self._same, self._since = still, 1, now
            return False
        self._same += 1
        return self._same >= FROZEN_PICTURES and now - self._since >= FROZEN_SECONDS
