"""Relay by HTTP POST of JSON (DESIGN.md §4): signed, under one total deadline, reading little, following nothing.

aiohttp's `total` bounds the whole exchange, so a peer that drips a byte a second ends at the deadline too.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from http.client import responses
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import orjson
from django.utils import timezone

from linkage import signing
from linkage.network import AddressNotAllowed, Network, PinnedResolver, is_allowed, is_ip, parse_networks
from linkage.transports.base import Answer, NotSent, Target

DEADLINE_SECONDS: Final = 10.0
RESPONSE_LIMIT: Final = 64 * 1024
RETRYABLE: Final = frozenset({408, 425, 429})
# Plain, because a compressed answer would have to be unpacked to know its size.
HEADERS: Final = {"User-Agent": "ocenter", "Content-Type": "application/json", "Accept-Encoding": "identity"}


def open_session(target: Target) -> aiohttp.ClientSession:
    """A session for one agency: only its allowed networks, one total deadline, kept connections."""
    connector = aiohttp.TCPConnector(resolver=PinnedResolver(_networks(target)), limit=32)
    timeout = aiohttp.ClientTimeout(total=DEADLINE_SECONDS)
    return aiohttp.ClientSession(connector=connector, timeout=timeout, headers=HEADERS, auto_decompress=False)


async def send(session: aiohttp.ClientSession, target: Target, key: str, payload: dict[str, Any]) -> Answer:
    """Posts the message under its Idempotency-Key. Raises NotSent."""
    _check_address(target)
    body = orjson.dumps(payload)
    headers = {"Idempotency-Key": key, **_signature(target, key, body)}
    try:
        async with session.post(target.endpoint, data=body, headers=headers, allow_redirects=False) as response:
            return _judge(response, await _read(response))
    except TimeoutError as error:
        raise NotSent(f"no answer within {DEADLINE_SECONDS:g} s") from error
    except (aiohttp.ClientError, OSError) as error:
        cause = getattr(error, "os_error", error)  # aiohttp wraps what its resolver raises
        if isinstance(cause, AddressNotAllowed):
            raise NotSent(str(cause), permanent=True) from error
        raise NotSent(str(error) or type(error).__name__) from error


def _check_address(target: Target) -> None:
    """Refuses what can never be sent. An address written as an IP never reaches the resolver: checked here."""
    try:
        parts = urlsplit(target.endpoint)
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


def _signature(target: Target, key: str, body: bytes) -> dict[str, str]:
    try:
        return signing.sign(target.secret, key, body)
    except signing.BadSecret as error:
        raise NotSent(f"the signing secret cannot be used: {error}", permanent=True) from error


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The answer, or its first RESPONSE_LIMIT bytes and one more: then the connection is dropped."""
    kept = bytearray()
    async for chunk in response.content.iter_chunked(8192):
        kept += chunk
        if len(kept) > RESPONSE_LIMIT:
            response.close()
            break
    return bytes(kept[: RESPONSE_LIMIT + 1])


def _judge(response: aiohttp.ClientResponse, body: bytes) -> Answer:
    status, text = response.status, body.decode("utf-8", "replace")
    if 200 <= status < 300:
        return Answer(_receipt(body, status, text), status, text)
    raise NotSent(
        f"HTTP {status} {responses.get(status, '')}".strip(),
        permanent=status < 500 and status not in RETRYABLE,
        status=status,
        response=text,
        retry_after_s=_retry_after(response.headers.get("Retry-After", "")),
    )


def _receipt(body: bytes, status: int, text: str) -> str:
    """The receipt in the answer. Without one the agency may not have understood: it is asked again."""
    if len(body) > RESPONSE_LIMIT:
        raise NotSent("the answer is longer than 64 KiB", status=status, response=text)
    try:
        receipt = orjson.loads(body)["receipt"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise NotSent("the answer holds no receipt", status=status, response=text) from error
    if not isinstance(receipt, str) or not receipt or "\x00" in receipt:
        raise NotSent("the answer's receipt is no text", status=status, response=text)
    return receipt


def _retry_after(value: str) -> float | None:
    """Seconds the agency asks us to wait (RFC 9110 §10.2.3: a number or a date), or None."""
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - timezone.now()).total_seconds())
    except (TypeError, ValueError):
        return None
