"""One POST: signed, under one total deadline, reading little, following nothing.

aiohttp's `total` bounds the whole exchange, so a peer that drips a byte a second ends at the deadline too.
"""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import orjson
from django.utils import timezone

from linkage import signing
from linkage.network import AddressNotAllowed, PinnedResolver, is_allowed, is_ip, parse_networks
from linkage.transports.base import Answer, NotSent, Target

DEADLINE_SECONDS: Final = 10.0
RESPONSE_LIMIT: Final = 64 * 1024
RETRYABLE: Final = frozenset({408, 425, 429})


def open_session(target: Target) -> aiohttp.ClientSession:
    """A session for one agency: only its allowed networks, one total deadline, kept connections."""
    connector = aiohttp.TCPConnector(resolver=PinnedResolver(parse_networks(target.allowed_network)), limit=32)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=DEADLINE_SECONDS),
        headers={"User-Agent": "ocenter", "Content-Type": "application/json"},
        auto_decompress=False,
    )


async def send(session: aiohttp.ClientSession, target: Target, key: str, payload: dict[str, Any]) -> Answer:
    """Posts the message under its Idempotency-Key. Raises NotSent."""
    _check_address(target)
    body = orjson.dumps(payload)
    headers = {"Idempotency-Key": key, **signing.sign(target.secret, key, body)}
    try:
        async with session.post(target.endpoint, data=body, headers=headers, allow_redirects=False) as response:
            return _judge(response, await _read(response))
    except AddressNotAllowed as error:
        raise NotSent(str(error), permanent=True) from error
    except TimeoutError as error:
        raise NotSent(f"no answer within {DEADLINE_SECONDS:.0f} s") from error
    except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
        if isinstance(error.__cause__, AddressNotAllowed) or isinstance(getattr(error, "os_error", None), AddressNotAllowed):
            raise NotSent(str(error), permanent=True) from error
        raise NotSent(str(error) or type(error).__name__) from error


def _check_address(target: Target) -> None:
    """An address written as an IP never reaches the resolver, so it is checked here."""
    host = urlsplit(target.endpoint).hostname or ""
    if not host:
        raise NotSent("the agency has no endpoint", permanent=True)
    if is_ip(host) and not is_allowed(host.strip("[]"), parse_networks(target.allowed_network)):
        raise NotSent(f"{host} is outside the allowed network", permanent=True)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """At most RESPONSE_LIMIT bytes; what is longer is cut and the connection dropped."""
    kept = bytearray()
    async for chunk in response.content.iter_chunked(8192):
        kept += chunk
        if len(kept) > RESPONSE_LIMIT:
            response.close()
            raise NotSent("the answer is longer than 64 KiB", status=response.status)
    return bytes(kept)


def _judge(response: aiohttp.ClientResponse, body: bytes) -> Answer:
    status, text = response.status, body.decode("utf-8", "replace")
    if 200 <= status < 300:
        return Answer(_receipt(body, status, text), status, text)
    permanent = status < 500 and status not in RETRYABLE
    raise NotSent(
        f"HTTP {status} {HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ''}".strip(),
        permanent=permanent, status=status, response=text, retry_after_s=_retry_after(response),
    )  # fmt: skip


def _receipt(body: bytes, status: int, text: str) -> str:
    """The receipt in the answer. Without one the agency may not have understood: it is asked again."""
    try:
        receipt = orjson.loads(body)["receipt"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise NotSent("the answer holds no receipt", status=status, response=text) from error
    if not isinstance(receipt, str) or not receipt:
        raise NotSent("the answer's receipt is no text", status=status, response=text)
    return receipt


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Seconds the agency asks us to wait (RFC 9110 §10.2.3), or None."""
    value = response.headers.get("Retry-After", "")
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - timezone.now()).total_seconds())
    except (TypeError, ValueError):
        return None
