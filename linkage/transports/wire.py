"""The HTTP under every transport: one deadline, only allowed addresses, reading little, following nothing.

aiohttp's `total` bounds the whole exchange, so a peer that drips a byte a second ends at the deadline too.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http.client import responses
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import aiohttp
from django.utils import timezone

from linkage.network import AddressNotAllowed, Network, PinnedResolver, is_allowed, is_ip, parse_networks
from linkage.transports.base import NotSent, Target

RESPONSE_LIMIT: Final = 64 * 1024
RETRYABLE: Final = frozenset({408, 425, 429})
# Plain, because a compressed answer would have to be unpacked to know its size.
HEADERS: Final = {"User-Agent": "ocenter", "Accept-Encoding": "identity"}


class Reply(NamedTuple):
    """A 2xx answer: its headers, and at most one byte more of its body than was allowed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text, whatever it holds."""
        return self.body.decode("utf-8", "replace")


def open_session(target: Target) -> aiohttp.ClientSession:
    """A session for one agency: only its allowed networks, one total deadline, kept connections."""
    connector = aiohttp.TCPConnector(resolver=PinnedResolver(_networks(target)), limit=64)
    timeout = aiohttp.ClientTimeout(total=target.deadline_s)
    return aiohttp.ClientSession(connector=connector, timeout=timeout, headers=HEADERS, auto_decompress=False)


async def call(
    session: aiohttp.ClientSession, target: Target, address: str, *, method: str = "POST",
    body: bytes | None = None, headers: Mapping[str, str] | None = None, limit: int = RESPONSE_LIMIT,
) -> Reply:  # fmt: skip
    """One exchange, reading at most `limit` bytes and one more. Raises NotSent for whatever is no 2xx: permanent
    for refusals and for what can never be sent."""
    _check_address(target, address)
    try:
        async with session.request(method, address, data=body, headers=headers, allow_redirects=False) as response:
            return _judge(response, await _read(response, limit))
    except TimeoutError as error:
        raise NotSent(f"no answer within {target.deadline_s:g} s") from error
    except (aiohttp.ClientError, OSError) as error:
        cause = getattr(error, "os_error", error)  # aiohttp wraps what its resolver raises
        if isinstance(cause, AddressNotAllowed):
            raise NotSent(str(cause), permanent=True) from error
        raise NotSent(str(error) or type(error).__name__) from error


def _check_address(target: Target, address: str) -> None:
    """Refuses what can never be sent. An address written as an IP never reaches the resolver: checked here."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError as error:
        raise NotSent(f"the endpoint is no address: {error}", permanent=True) from error
    if not host or parts.scheme not in ("http", "https"):
        raise NotSent("the agency has no HTTP endpoint", permanent=True)
    if is_ip(host) and not is_allowed(host, _networks(target)):
        raise NotSent(f"{host} is outside the allowed network", permanent=True)


def _networks(target: Target) -> list[Network]:
    """None is allowed where the text cannot be read."""
    try:
        return parse_networks(target.allowed_network)
    except ValueError:
        return []


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The answer, or its first `limit` bytes and one more: then the connection is dropped."""
    kept = bytearray()
    async for chunk in response.content.iter_chunked(8192):
        kept += chunk
        if len(kept) > limit:
            response.close()
            break
    return bytes(kept[: limit + 1])


def _judge(response: aiohttp.ClientResponse, body: bytes) -> Reply:
    status = response.status
    reply = Reply(status, response.headers, body)
    if 200 <= status < 300:
        return reply
    raise NotSent(
        f"HTTP {status} {responses.get(status, '')}".strip(),
        permanent=status < 500 and status not in RETRYABLE,
        status=status,
        response=reply.text,
        retry_after_s=_retry_after(response.headers.get("Retry-After", "")),
    )


def _retry_after(value: str) -> float | None:
    """Seconds the agency asks us to wait (RFC 9110 §10.2.3: a number or a date), or None."""
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - timezone.now()).total_seconds())
    except (TypeError, ValueError):
        return None
