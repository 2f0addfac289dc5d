"""What every feed format does: split a document into records, and turn a record into an event of the public contract.

A format is one folder. It knows nothing of incidents: its events go through the same door as everyone's,
`POST /api/v1/events`. Normalising is pure and gives the same `id` for the same record, so a document may
be sent again at any time.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, NotRequired, Protocol, TypedDict

ID_DIGITS: Final = 24  # 96 bits: no two records of a feed collide


class EventDocument(TypedDict):
    """One event as `POST /api/v1/events` takes it. Times ISO 8601 with offset, positions WGS84 degrees.

    `id` names this message and never comes twice with another meaning. `subject` is the source's own key of
    what it is about (default: the id): a later message of the same subject continues the same incident.
    `refers_to` lists ids or subjects of earlier messages of the same source that this one continues. `action`
    is "report" (the default: open, or update what the subject opened), "cancel" (it was wrong or is withdrawn)
    or "end" (it is over). `area` is a GeoJSON Polygon or MultiPolygon; `expires_at` the time at which it is
    over unless the source says more.
    """

    id: str
    code: str
    occurred_at: str
    lat: float | None
    lon: float | None
    grade: NotRequired[str]
    summary: NotRequired[str]
    address: NotRequired[str]
    device_id: NotRequired[str]
    attributes: NotRequired[dict[str, Any]]
    subject: NotRequired[str]
    refers_to: NotRequired[list[str]]
    action: NotRequired[Literal["report", "cancel", "end"]]
    area: NotRequired[dict[str, Any]]
    expires_at: NotRequired[str]


class Record(NamedTuple):
    """One raw record: where it stands in its document (line or item, from 1), and what it says."""

    position: int
    raw: Any


class NotADocument(ValueError):
    """The document is not of this format, or broken as a whole; the message says where."""


class NotUsable(ValueError):
    """One record cannot become an event; the message says why. The records around it are unharmed."""


@dataclass(frozen=True)
class Reporter:
    """The linked system a feed's events belong to where none is named."""

    slug: str
    name_ko: str
    name_en: str


@dataclass(frozen=True)
class Home:
    """The municipality a recording comes from, where it is none of ours."""

    code: str
    name_ko: str
    name_en: str


@dataclass(frozen=True)
class Link:
    """The linked system as a format sees it.

    `options` and `mapping` are what an administrator has set, `state` is what the last poll left behind
    (JSON; a format's own), `now` is aware. `allowed_network` (CIDR, comma separated) binds a format that opens
    connections of its own (`listen`).
    """

    endpoint: str
    now: datetime
    secret: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    mapping: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    allowed_network: str = ""


@dataclass(frozen=True)
class Fetched:
    """One document of a poll. `state`, if any, is kept once this document has been taken in: what is
    fetched next time begins there, so that an outage leaves no gap."""

    document: bytes
    content_type: str = ""
    state: Mapping[str, Any] | None = None


class Get(Protocol):
    """A bounded GET to the system: allowed networks only, one total deadline, no redirects, at most 10 MiB.

    Raises `collector.NotFetched` with the reason. `params` are added to the query.
    """

    def __call__(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Awaitable[tuple[bytes, str]]:
        """The body and its content type."""
        ...


# Hands a document over to the intake; returns the answer of `POST feeds/{format}` once it is in PostgreSQL.
Take = Callable[[bytes, str], Awaitable[dict[str, Any]]]


class Feed:
    """One format: subclass it in a folder of its own. `unit` is what a record's position counts; `home` is None
    for feeds of the city itself. `is_snapshot`: a document lists everything that goes on now, so what it no longer
    lists has ended. `listens`: it holds a connection of its own (`listen`) instead of being polled. `is_mapped`: what
    its fields mean is the administrator's mapping.
    """

    name: str = ""
    title: Mapping[str, str] = {}
    unit: str = "item"
    reporter: Reporter
    home: Home | None = None
    is_snapshot: bool = False
    listens: bool = False
    is_mapped: bool = False

    def recognises(self, document: bytes) -> bool:
        """Whether the document looks like this format; cheap, and never raises."""
        return False

    def records(self, document: bytes) -> Iterator[Record]:
        """The document's records in order. Raises NotADocument."""
        raise NotImplementedError

    def split(self, document: bytes, link: Link) -> Iterator[Record]:
        """The records where finding them takes what an administrator has set (`link.mapping`); by default
        `records(document)`. Who has a link asks this. Raises NotADocument."""
        return self.records(document)

    def normalise(self, raw: Any, link: Link | None = None) -> EventDocument:
        """The record as an event. Raises NotUsable. Repeating gives the same event, id included."""
        raise NotImplementedError

    async def fetch(self, get: Get, link: Link) -> AsyncIterator[Fetched]:
        """Polls once: the documents since the last poll, oldest first. By default one GET of the endpoint."""
        body, content_type = await get(link.endpoint, params=link.options.get("params"))
        yield Fetched(body, content_type)

    async def listen(self, link: Link, take: Take) -> None:
        """Listens until cancelled, handing over every document. A lost connection ends it with an exception;
        the collector starts it again. Only where `listens`."""
        raise NotImplementedError


def degrees(text: str | None, name: str) -> float:
    """A coordinate out of text. Raises NotUsable naming the field where it is no finite number."""
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise NotUsable(f"{name} is {text!r}, not a number")
    return value


def stable_id(prefix: str, parts: Iterable[str]) -> str:
    """An id for records that carry none: the same parts always give the same one."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
    return f"{prefix}-{digest[:ID_DIGITS]}"
