"""What every feed format does: split a document into records, and turn a record into an event of the public contract.

A format is one folder. It knows nothing of incidents: its events go through the same door as everyone's,
`POST /api/v1/events`. Normalising is pure and gives the same `id` for the same record, so a document may
be sent again at any time.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, NotRequired, Protocol, TypedDict

ID_DIGITS: Final = 24  # 96 bits: no two records of a feed collide


class EventDocument(TypedDict):
    """One event as `POST /api/v1/events` takes it. Times ISO 8601 with offset, positions WGS84 degrees."""

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


class Feed(Protocol):
    """One format. `unit` is what a record's position counts; `home` is None for feeds of the city itself."""

    name: str
    unit: str
    reporter: Reporter
    home: Home | None

    def recognises(self, document: bytes) -> bool:
        """Whether the document looks like this format; cheap, and never raises."""
        ...

    def records(self, document: bytes) -> Iterator[Record]:
        """The document's records in order. Raises NotADocument."""
        ...

    def normalise(self, raw: Any) -> EventDocument:
        """The record as an event. Raises NotUsable. Repeating gives the same event, id included."""
        ...


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
