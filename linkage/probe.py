"""The test-connection call: does anybody answer at a system's endpoint?

A GET, because HTTP promises that it changes nothing: a probe must never raise a case at a real agency.
Any HTTP answer proves the way there, also a 405 from an address that only takes POST. The call keeps to
the rules of a relay: one total deadline, no redirects, at most 64 KiB, and only allowed addresses.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import ResolveResult
from django.utils.translation import gettext as _

from linkage.network import AddressNotAllowed, Network, PinnedResolver, is_allowed, is_ip, parse_networks

DEADLINE_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = 64 * 1024
USER_AGENT: Final = "ocenter-probe/1"
BROKER_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class ProbeResult:
    """How a probe ended: `ok` means that a relay would get through to an HTTP server.

    `text` says it in words for an administrator; `status` is the HTTP status where one came.
    """

    ok: bool
    text: str
    status: int | None = None
    latency_ms: int | None = None
    addresses: tuple[str, ...] = field(default=())


class _RecordingResolver(PinnedResolver):
    """Remembers which addresses were allowed, to name them in the result."""

    def __init__(self, networks: Sequence[Network]) -> None:
        super().__init__(networks)
        self.addresses: tuple[str, ...] = ()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        self.addresses = tuple(dict.fromkeys(one["host"] for one in found))
        return found


async def probe(endpoint: str, allowed_network: str, *, deadline_s: float = DEADLINE_SECONDS) -> ProbeResult:
    """Calls `endpoint` once, within `deadline_s` seconds over all; never raises for what the peer does.

    Raises ValueError where `allowed_network` is not a list of networks. Safe to repeat.
    """
    host = _host_of(endpoint)
    if not host:
        return ProbeResult(False, _no_address())
    networks = parse_networks(allowed_network)
    resolver = _RecordingResolver(networks)
    if is_ip(host):
        # aiohttp asks no resolver about a host written as an IP address, so it is checked here.
        if not is_allowed(host, networks):
            return ProbeResult(False, _not_allowed(host))
        resolver.addresses = (host,)
    try:
        async with asyncio.timeout(deadline_s):
            return await (_knock if urlsplit(endpoint).scheme in BROKER_PORTS else _call)(endpoint, resolver)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        return ProbeResult(False, _in_words(error, host, deadline_s), addresses=resolver.addresses)


async def _call(endpoint: str, resolver: _RecordingResolver) -> ProbeResult:
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, force_close=True)
    started = time.monotonic()
    async with (
        aiohttp.ClientSession(
            connector=connector, headers={"User-Agent": USER_AGENT}, auto_decompress=False
        ) as session,
        session.get(endpoint, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=None)) as answer,
    ):
        latency_ms = round((time.monotonic() - started) * 1000)
        # Read a little of the body: a peer that stalls after its headers is not well.
        await answer.content.read(MAX_ANSWER_BYTES)
        ok, text = _judged(answer.status, answer.headers.get("Location", ""))
        return ProbeResult(ok, text, answer.status, latency_ms, resolver.addresses)


async def _knock(endpoint: str, resolver: _RecordingResolver) -> ProbeResult:
    """Opens a broker's port and closes it again: saying more would need its password."""
    parts = urlsplit(endpoint)
    host, port = parts.hostname or "", parts.port or BROKER_PORTS[parts.scheme]
    address = resolver.addresses[0] if resolver.addresses else (await resolver.resolve(host, port))[0]["host"]
    started = time.monotonic()
    _reader, writer = await asyncio.open_connection(address, port)
    latency_ms = round((time.monotonic() - started) * 1000)
    writer.close()
    words = _("The broker's port %d is open. Whether it lets us in, its state says.") % port
    return ProbeResult(True, words, None, latency_ms, resolver.addresses)


def _judged(status: int, location: str) -> tuple[bool, str]:
    """Whether the status promises that relays arrive, and the words for it."""
    if 300 <= status < 400:
        words = _("It answers with a redirect to %s. Relays follow no redirects: enter the final address.")
        return False, words % (location[:120] or "?")
    if status in (404, 410):
        return False, _("A server answers, but knows nothing at this path (HTTP %d). Check the endpoint.") % status
    if status >= 500:
        return False, _("A server answers, but is in trouble itself (HTTP %d).") % status
    if status in (401, 403):
        return True, _("Reachable. It asks for authorisation (HTTP %d), as a protected address should.") % status
    return True, _("Reachable (HTTP %d).") % status


def _in_words(error: BaseException, host: str, deadline_s: float) -> str:
    """A failure as an administrator understands it; the order goes from the particular to the general."""
    if isinstance(error, TimeoutError):
        return _("No answer within %g seconds.") % deadline_s
    if isinstance(error, aiohttp.InvalidURL):
        return _no_address()
    cause = _root(error)
    if isinstance(cause, AddressNotAllowed):
        return _not_allowed(host)
    if isinstance(cause, socket.gaierror) or isinstance(error, aiohttp.ClientConnectorDNSError):
        return _("The name %s is not known to the name server.") % host
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _("The TLS certificate is not trusted: %s") % cause.verify_message
    if isinstance(cause, ssl.SSLError):
        return _("No TLS connection is possible: %s") % (cause.reason or cause)
    if isinstance(cause, ConnectionRefusedError):
        return _("The machine is there, but refuses the connection: is the service running on this port?")
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.ServerDisconnectedError | ValueError):
        return _("Something answers, but not in HTTP.")
    if isinstance(cause, ConnectionResetError):
        return _("The connection was cut by the other end.")
    return _("The network does not reach the machine: %s") % (getattr(cause, "strerror", None) or cause)


def _root(error: BaseException) -> BaseException:
    """The socket's or TLS's own error inside aiohttp's wrappers."""
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error.__cause__
    return _root(inner) if isinstance(inner, BaseException) and inner is not error else error


def _host_of(endpoint: str) -> str | None:
    try:
        parts = urlsplit(endpoint)
        return parts.hostname if parts.scheme in ("http", "https", *BROKER_PORTS) else None
    except ValueError:  # a damaged IPv6 literal
        return None


def _no_address() -> str:
    return _("The endpoint is not an http or https address.")


def _not_allowed(host: str) -> str:
    return _("%s lies outside the allowed network, so it was not called.") % host
