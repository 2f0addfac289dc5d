"""How a feed is asked: a bounded GET that a broken, slow or hostile source can neither hold up nor fill up.

Only addresses inside the system's allowed networks, one total deadline an exchange, no redirects, at most
`BODY_LIMIT` bytes, plain bytes (a compressed body would have to be unpacked to know its size). What a source marks
with an ETag is asked for conditionally (RFC 9110 §13.1.2); an unchanged small body comes out of memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import responses
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import aiohttp
from django.utils import timezone
from yarl import URL

from linkage.network import AddressNotAllowed, Network, PinnedResolver, is_allowed, is_ip, parse_networks

BODY_LIMIT: Final = 10 * 1024 * 1024
CHUNK_BYTES: Final = 64 * 1024
# A format pages through its answers; a source that always has one more page ends here.
EXCHANGES_A_POLL: Final = 200
REMEMBERED_BYTES: Final = 1024 * 1024  # of one source's bodies, for conditional requests
HEADERS: Final = {"User-Agent": "ocenter", "Accept-Encoding": "identity"}
NOT_MODIFIED: Final = 304


class NotFetched(Exception):
    """A document could not be had; the message says why, without the query, for keys stand in it.

    `status` is the HTTP status where one came, `retry_after_s` the pause the source asked for.
    """

    def __init__(self, reason: str, *, status: int | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason.replace("\x00", "�")
        self.status = status
        self.retry_after_s = retry_after_s


class _Remembered(NamedTuple):
    """A body the source has marked."""

    etag: str
    body: bytes
    content_type: str


@dataclass
class Fetcher:
    """The `Get` of one system; see `linkage.feeds.base.Get`. Call `begin` before each poll, `close` at the end."""

    allowed_network: str
    deadline_s: float
    _session: aiohttp.ClientSession | None = None
    _left: int = EXCHANGES_A_POLL
    _remembered: dict[str, _Remembered] = field(default_factory=dict)

    def begin(self) -> None:
        """A new poll: the number of exchanges counts from here."""
        self._left = EXCHANGES_A_POLL

    async def close(self) -> None:
        """Lets its connections go. Safe to repeat."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __call__(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[bytes, str]:
        """The body and its content type. Raises NotFetched."""
        target = self._address(url, params)
        if self._left <= 0:
            raise NotFetched(f"more than {EXCHANGES_A_POLL} requests in one poll")
        self._left -= 1
        try:
            return await self._exchange(target, dict(headers or {}))
        except TimeoutError as error:
            raise NotFetched(f"no whole answer within {self.deadline_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            cause = getattr(error, "os_error", error)  # aiohttp wraps what its resolver raises
            raise NotFetched(str(cause) if isinstance(cause, AddressNotAllowed) else _words(error)) from error

    def _address(self, url: str, params: Mapping[str, str] | None) -> URL:
        """The URL with its query. An address written as an IP never reaches the resolver: checked here."""
        try:
            host = urlsplit(url).hostname or ""
            target = URL(url).update_query(dict(params or {}))
        except (ValueError, TypeError) as error:
            raise NotFetched(f"the endpoint is no address: {error}") from error
        if not host or target.scheme not in ("http", "https"):
            raise NotFetched("the feed has no HTTP endpoint")
        if is_ip(host) and not is_allowed(host.strip("[]"), self._networks()):
            raise NotFetched(f"{host} is outside the allowed network")
        return target

    async def _exchange(self, target: URL, headers: dict[str, str]) -> tuple[bytes, str]:
        known = self._remembered.get(str(target))
        if known:
            headers["If-None-Match"] = known.etag
        async with self._open().get(target, headers=headers, allow_redirects=False) as response:
            if response.status == NOT_MODIFIED and known:
                return known.body, known.content_type
            if not 200 <= response.status < 300:
                raise _refusal(response)
            body = await _read(response)
            content_type = response.headers.get("Content-Type", "")
            self._remember(str(target), response.headers.get("ETag", ""), body, content_type)
            return body, content_type

    def _remember(self, url: str, etag: str, body: bytes, content_type: str) -> None:
        self._remembered.pop(url, None)
        if etag and len(body) <= REMEMBERED_BYTES:
            self._remembered[url] = _Remembered(etag, body, content_type)
        while sum(len(one.body) for one in self._remembered.values()) > REMEMBERED_BYTES:
            del self._remembered[next(iter(self._remembered))]

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(resolver=PinnedResolver(self._networks()), limit=8)
            self._session = aiohttp.ClientSession(
                connector=connector, headers=HEADERS, timeout=aiohttp.ClientTimeout(total=self.deadline_s),
                auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(),
            )  # fmt: skip
        return self._session

    def _networks(self) -> list[Network]:
        """None is allowed where the text cannot be read."""
        try:
            return parse_networks(self.allowed_network)
        except ValueError:
            return []


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole body; one that is too long, or cut off, is no document."""
    if (response.content_length or 0) > BODY_LIMIT:
        response.close()
        raise NotFetched("the answer is longer than 10 MiB", status=response.status)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        response.close()
        raise NotFetched("the answer is compressed though it was asked for plain", status=response.status)
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        body += chunk
        if len(body) > BODY_LIMIT:
            response.close()
            raise NotFetched("the answer is longer than 10 MiB", status=response.status)
    return bytes(body)


def _refusal(response: aiohttp.ClientResponse) -> NotFetched:
    status = response.status
    reason = f"HTTP {status} {responses.get(status, '')}".strip()
    if 300 <= status < 400:
        reason += "; redirects are not followed, name the final address"
    return NotFetched(reason, status=status, retry_after_s=_retry_after(response.headers.get("Retry-After", "")))


def _retry_after(value: str) -> float | None:
    """Seconds the source asks us to wait (RFC 9110 §10.2.3: a number or a date), or None."""
    if value.isdecimal():
        return float(value[:9])
    try:
        return max(0.0, (parsedate_to_datetime(value) - timezone.now()).total_seconds())
    except (TypeError, ValueError):
        return None


def _words(error: BaseException) -> str:
    """An error in words, without the query of an address in it."""
    return (str(error) or type(error).__name__).partition("?")[0]
