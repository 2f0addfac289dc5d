"""The HLS playlist of one stream (RFC 8216): the last segments, also across ffmpegs that came and went."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from linkage.video.fragments import Segment

LISTED: Final = 6
# One that is listed no longer can be had for its own length and the longest list's (RFC 8216, 6.2.2): a page that is
# slow asks late.
KEPT: Final = LISTED + 1 + LISTED
BYTES_AT_MOST: Final = 32 * 1024 * 1024


class Kept(NamedTuple):
    """A segment with its number, the ffmpeg's (`run`) it came from, and when its first picture came."""

    number: int
    run: int
    segment: Segment
    at: datetime


@dataclass
class Playlist:
    """Segments and inits of one stream. Numbers only grow, whatever happens to ffmpeg."""

    run: int = 0
    next_number: int = 1
    _kept: deque[Kept] = field(default_factory=deque)
    _inits: dict[int, bytes] = field(default_factory=dict)
    _begun: bytes = b""

    def begin(self, init: bytes) -> None:
        """Another ffmpeg begins, with this init."""
        self._begun = init

    def add(self, segment: Segment) -> None:
        """Its next segment."""
        if self._begun:  # only now: runs without a segment must leave no gap in the discontinuities
            self.run += 1
            self._inits[self.run], self._begun = self._begun, b""
        at = datetime.now(UTC) - timedelta(seconds=segment.seconds)
        self._kept.append(Kept(self.next_number, self.run, segment, at))
        self.next_number += 1
        while len(self._kept) > KEPT or (len(self._kept) > 1 and self._bytes() > BYTES_AT_MOST):
            self._kept.popleft()
        listed = {one.run for one in self._kept}
        self._inits = {run: init for run, init in self._inits.items() if run in listed}

    @property
    def longest_s(self) -> float:
        """The longest segment kept, 0 without any."""
        return max((one.segment.seconds for one in self._kept), default=0.0)

    def text(self) -> str | None:
        """The playlist, or None while there is nothing in it."""
        shown = list(self._kept)[-LISTED:]
        if not shown:
            return None
        lines = [
            "#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{max(1, math.ceil(self.longest_s))}",
            f"#EXT-X-MEDIA-SEQUENCE:{shown[0].number}", f"#EXT-X-DISCONTINUITY-SEQUENCE:{shown[0].run}",
            "#EXT-X-INDEPENDENT-SEGMENTS",
        ]  # fmt: skip
        run = 0
        for one in shown:
            if one.run != run:
                # Another ffmpeg counts its time from another zero.
                lines += ["#EXT-X-DISCONTINUITY"] if run else []
                lines.append(f'#EXT-X-MAP:URI="init-{one.run}.mp4"')
                run = one.run
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{one.at.isoformat(timespec='milliseconds')}")
            lines += [f"#EXTINF:{one.segment.seconds:.3f},", f"{one.number}.m4s"]
        return "\n".join(lines) + "\n"

    def file(self, name: str) -> bytes | None:
        """What a playlist's line stands for, while it is kept."""
        if name.startswith("init-"):
            run = name.removeprefix("init-").removesuffix(".mp4")
            return self._inits.get(int(run)) if run.isdecimal() and len(run) < 10 else None
        number = name.removesuffix(".m4s")
        return next((one.segment.data for one in self._kept if str(one.number) == number), None)

    def _bytes(self) -> int:
        return sum(len(one.segment.data) for one in self._kept)
