"""Where a stream may be fetched from: the address that was checked is the address ffmpeg connects to."""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from linkage.network import is_allowed, is_ip, parse_networks

SCHEMES: Final = ("rtsp", "rtsps")
PORTS: Final = {"rtsp": 554, "rtsps": 322}
RESOLVE_SECONDS: Final = 5.0
# An address is written into a line between quotes; none that is real holds these.
FORBIDDEN: Final = re.compile(r"[\x00-\x20'\\\x7f]")


class NoStream(OSError):
    """The address can never be watched; the message says why and names no account."""


async def pinned(stream: str, allowed_network: str) -> str:
    """The stream's address with its host as an IP address inside `allowed_network`. Raises NoStream, and OSError or
    TimeoutError where its name does not resolve."""
    parts = _parts(stream)
    networks = parse_networks(allowed_network)
    host = parts.hostname or ""
    found = [host] if is_ip(host) else await _resolve(host)
    for address in found:
        if is_allowed(address, networks):
            return urlunsplit(parts._replace(netloc=_netloc(parts, address)))
    raise NoStream("the camera's address is outside the allowed network")


def without_address(text: str) -> str:
    """What ffmpeg says, without the addresses and accounts it says it of."""
    return re.sub(r"(?i)\b(rtsps?|tcp|tls|udp)://[^\s'\"]+", "the camera", text)


def _parts(stream: str) -> SplitResult:
    try:
        parts = urlsplit(stream)
        usable = parts.scheme in SCHEMES and parts.hostname and (parts.port or True)
    except ValueError:
        usable = False
    if not usable or FORBIDDEN.search(stream):
        raise NoStream("the camera's address is no RTSP address")
    return parts


async def _resolve(host: str) -> list[str]:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(RESOLVE_SECONDS):
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


def _netloc(parts: SplitResult, address: str) -> str:
    account, at, _ = parts.netloc.rpartition("@")
    host = f"[{address}]" if ":" in address else address
    return f"{account}{at}{host}:{parts.port or PORTS[parts.scheme]}"
