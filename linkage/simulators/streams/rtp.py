"""H.264 in RTP (RFC 6184): what an encoder writes, cut into access units and these into packets."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

CLOCK = 90_000
"""Ticks a second of an H.264 timestamp."""

PAYLOAD_TYPE = 96
PACKET_BYTES = 1400
START = b"\x00\x00\x00\x01"
DELIMITER = START + b"\x09"
"""An access unit delimiter: with x264's ``aud=1`` each picture begins with one."""

SLICE_IDR, SPS, PPS, AUD, FU_A = 5, 7, 8, 9, 28


@dataclass(frozen=True)
class Picture:
    """One access unit: its NAL units without delimiters and start codes."""

    nals: tuple[bytes, ...]

    @property
    def is_key(self) -> bool:
        """Whether decoding can begin here."""
        return any(nal[0] & 0x1F == SLICE_IDR for nal in self.nals)

    def first(self, kind: int) -> bytes | None:
        """The first NAL unit of a type."""
        return next((nal for nal in self.nals if nal[0] & 0x1F == kind), None)


@dataclass
class Cutter:
    """Cuts a byte stream (Annex B) into pictures; each is known only when the next begins."""

    _rest: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Iterator[Picture]:
        """The pictures that ``data`` completes."""
        self._rest += data
        while (end := self._rest.find(DELIMITER, len(DELIMITER))) > 0:
            unit = bytes(self._rest[:end])
            del self._rest[:end]
            nals = tuple(nal for nal in _nals(unit) if nal[0] & 0x1F != AUD)
            if nals:
                yield Picture(nals)


def _nals(unit: bytes) -> Iterator[bytes]:
    # Start codes of three bytes occur too; a NAL unit never ends in zero, so what precedes them is padding.
    for part in unit.split(b"\x00\x00\x01"):
        if nal := part.rstrip(b"\x00"):
            yield nal


@dataclass
class Packer:
    """Packets of one stream to one receiver: they count from a number of their own."""

    ssrc: int
    sequence: int = 0

    def packets(self, picture: Picture, timestamp: int) -> Iterator[bytes]:
        """The RTP packets of a picture; the last one carries the marker."""
        payloads = [part for nal in picture.nals for part in _payloads(nal)]
        for position, payload in enumerate(payloads, 1):
            self.sequence = (self.sequence + 1) & 0xFFFF
            kind = PAYLOAD_TYPE | (0x80 if position == len(payloads) else 0)
            header = struct.pack("!BBHII", 0x80, kind, self.sequence, timestamp & 0xFFFFFFFF, self.ssrc)
            yield header + payload


def _payloads(nal: bytes) -> Iterator[bytes]:
    if len(nal) <= PACKET_BYTES:
        yield nal
        return
    indicator, kind, body = (nal[0] & 0xE0) | FU_A, nal[0] & 0x1F, nal[1:]
    for start in range(0, len(body), PACKET_BYTES - 2):
        part = body[start : start + PACKET_BYTES - 2]
        first, last = start == 0, start + len(part) == len(body)
        yield bytes((indicator, kind | (0x80 if first else 0) | (0x40 if last else 0))) + part


def description(sps: bytes, pps: bytes, *, host: str, fps: int) -> str:
    """The SDP of one video stream."""
    sets = ",".join(base64.b64encode(one).decode() for one in (sps, pps))
    lines = (
        "v=0", f"o=- 1 1 IN IP4 {host}", "s=simulated camera", f"c=IN IP4 {host}", "t=0 0", "a=control:*",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}", f"a=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK}",
        f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;profile-level-id={sps[1:4].hex()};sprop-parameter-sets={sets}",
        f"a=framerate:{fps}", "a=control:track1",
    )  # fmt: skip
    return "\r\n".join(lines) + "\r\n"
