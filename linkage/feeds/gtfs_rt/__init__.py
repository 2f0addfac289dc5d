"""Service alerts of a public transport operator (GTFS-realtime 2.0), as protobuf or as its text form.

A full data set lists every alert there is: what it no longer lists has ended. Alerts have no position; the routes,
stops and trips they concern are in the attributes. Times are POSIX seconds. `header.timestamp` says when the operator
wrote the document: the age of what we know, and of the source's clockwork.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf import json_format, text_format
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2 as gtfs

from linkage.feeds.base import (
    EventDocument,
    Feed,
    Fetched,
    Get,
    Link,
    NotADocument,
    NotUsable,
    Record,
    Reporter,
    stable_id,
)
from linkage.feeds.fetching import NotFetched
from linkage.feeds.records import end_if_past, versioned

PREFERRED_LANGUAGES: Final = ("ko", "en")
SUMMARY_LENGTH: Final = 500
DESCRIPTION_LENGTH: Final = 1000
TRANSLATION_LENGTH: Final = 300
LANGUAGES_AT_MOST: Final = 5
INFORMED_AT_MOST: Final = 30
PERIODS_AT_MOST: Final = 20
MAX_AGE_S: Final = 600.0  # GTFS-realtime's own advice for alerts
LAST_SECOND: Final = 253_402_300_799  # of the year 9999; feeds write "for ever" as the largest number there is

CODES: Final[dict[str, str]] = {
    "ACCIDENT": "TRF-1", "TECHNICAL_PROBLEM": "TRF-1", "CONSTRUCTION": "TRF-2", "MAINTENANCE": "TRF-2",
    "DEMONSTRATION": "TRF-3", "HOLIDAY": "TRF-3", "STRIKE": "TRF-3", "WEATHER": "TRF-4",
    "POLICE_ACTIVITY": "TRF-5", "MEDICAL_EMERGENCY": "TRF-5",
}  # fmt: skip
OTHER_CAUSE: Final = "TRF-5"
GRADES: Final[dict[str, str]] = {
    "NO_SERVICE": "G3", "SIGNIFICANT_DELAYS": "G3", "REDUCED_SERVICE": "G4", "DETOUR": "G4", "MODIFIED_SERVICE": "G4",
    "STOP_MOVED": "G4", "ADDITIONAL_SERVICE": "G5", "ACCESSIBILITY_ISSUE": "G5", "NO_EFFECT": "G5",
}  # fmt: skip
OTHER_EFFECT: Final = "G4"
SEVERITIES: Final = {"INFO": "G5", "WARNING": "G4", "SEVERE": "G3"}


class GtfsRt(Feed):
    """Reads alerts. `options`: `params`, added to the query; `headers`, such as a key's; `max_age_s`, beyond which the
    document's own time makes the feed a stale one (600)."""

    name = "gtfs_rt"
    title = {"ko": "GTFS-realtime 운행 안내", "en": "GTFS-realtime alerts"}
    unit = "entity"
    reporter = Reporter("transit", "대중교통 운행 안내", "Public transport alerts")
    is_snapshot = True

    def recognises(self, document: bytes) -> bool:
        """The text form by its first field; protobuf by its header, which a feed begins with."""
        return b"gtfs_realtime_version" in document[:4000] or (
            document[:1] == b"\x0a" and b"\x0a\x03" in document[1:5] and b"." in document[4:7]
        )

    def records(self, document: bytes) -> Iterator[Record]:
        """The alerts, each with the document's own time. Raises NotADocument; also for a differential document,
        which lists changes and not what there is."""
        message = _parse(document)
        if message.header.incrementality == gtfs.FeedHeader.DIFFERENTIAL:
            raise NotADocument("A differential document; only full data sets are read")
        for position, entity in enumerate(message.entity, 1):
            if entity.HasField("alert") and not entity.is_deleted:
                alert = json_format.MessageToDict(entity.alert, preserving_proto_field_name=True)
                yield Record(position, {"id": entity.id, "timestamp": message.header.timestamp, "alert": alert})

    def split(self, document: bytes, link: Link) -> Iterator[Record]:
        """The alerts but those that wait for a period ahead: they come when it begins."""
        now = link.now.timestamp()
        for record in self.records(document):
            periods = _periods(record.raw["alert"])
            in_force = any((start or 0) <= now < (end or now + 1) for start, end in periods)
            if in_force or not any(start and start > now for start, _ in periods):
                yield record

    def normalise(self, raw: Any, link: Link | None = None) -> EventDocument:
        """One alert as an event about its entity. With a link, one whose last period is past is said to be over."""
        if not isinstance(raw, dict) or not isinstance(raw.get("alert"), dict) or not raw.get("id"):
            raise NotUsable("no alert with an id")
        alert, written = raw["alert"], int(raw.get("timestamp") or 0)
        summary = _words(alert.get("header_text")) or _words(alert.get("description_text"))
        if not summary:
            raise NotUsable("neither header_text nor description_text says anything")
        cause, effect = alert.get("cause", "UNKNOWN_CAUSE"), alert.get("effect", "UNKNOWN_EFFECT")
        event: EventDocument = {
            "id": "",
            "code": CODES.get(cause, OTHER_CAUSE),
            "grade": SEVERITIES.get(alert.get("severity_level", ""), GRADES.get(effect, OTHER_EFFECT)),
            "occurred_at": _moment(written or _first_start(alert)).isoformat(),
            "lat": None,
            "lon": None,
            "summary": summary[:SUMMARY_LENGTH],
            "attributes": _attributes(alert, cause, effect, written),
        }
        if ends := _last_end(alert):
            event["expires_at"] = _moment(ends).isoformat()
        end_if_past(event, link)
        return versioned(stable_id("gtfs", (str(raw["id"]),)), event)

    async def fetch(self, get: Get, link: Link) -> AsyncIterator[Fetched]:
        """One GET. A document that is older than it should be is taken, and then said to be stale."""
        options = link.options
        body, content_type = await get(link.endpoint, params=options.get("params"), headers=options.get("headers"))
        yield Fetched(body, content_type)
        written = (await asyncio.to_thread(_parse, body)).header.timestamp
        age_s = link.now.timestamp() - written
        if written and age_s > float(options.get("max_age_s", MAX_AGE_S)):
            raise NotFetched(f"the source itself is stale: it wrote its document {age_s:.0f} s ago")


def _parse(document: bytes) -> gtfs.FeedMessage:
    message = gtfs.FeedMessage()
    try:
        if b"gtfs_realtime_version" in document[:4000]:
            text_format.Parse(document, message)
        else:
            message.ParseFromString(document)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise NotADocument(f"No GTFS-realtime document: {str(error)[:160]}") from error
    if not message.IsInitialized() or not message.header.gtfs_realtime_version:
        raise NotADocument("No GTFS-realtime document: it has no header with a version")
    return message


def _attributes(alert: Mapping[str, Any], cause: str, effect: str, written: int) -> dict[str, Any]:
    begun = [start for start, _ in _periods(alert) if start and start <= written]
    found = {
        # An alert that rests between its periods has ended; the next period makes another message of it.
        "in_force_since": _moment(max(begun)).isoformat() if begun else "",
        "cause": cause,
        "effect": effect,
        "description": _words(alert.get("description_text"))[:DESCRIPTION_LENGTH],
        "url": _words(alert.get("url"))[:SUMMARY_LENGTH],
        "languages": {
            language: text[:TRANSLATION_LENGTH]
            for language, text in list(_translations(alert.get("header_text")).items())[:LANGUAGES_AT_MOST]
        },
        "active_periods": [
            {name: _moment(at).isoformat() for name, at in zip(("start", "end"), period, strict=True) if at}
            for period in _periods(alert)[:PERIODS_AT_MOST]
        ],
        "informed": alert.get("informed_entity", [])[:INFORMED_AT_MOST],
    }
    return {name: value for name, value in found.items() if value}


def _periods(alert: Mapping[str, Any]) -> list[tuple[int | None, int | None]]:
    """The active periods as POSIX seconds; None where one is open."""
    return [
        (int(one.get("start", 0)) or None, min(int(one.get("end", 0)), LAST_SECOND + 1) or None)
        for one in alert.get("active_period", [])
    ]


def _first_start(alert: Mapping[str, Any]) -> int:
    return min((start for start, _ in _periods(alert) if start), default=0)


def _last_end(alert: Mapping[str, Any]) -> int | None:
    """When the last period is over, or None where one never is."""
    ends = [end for _, end in _periods(alert)]
    known = [end for end in ends if end is not None and end <= LAST_SECOND]
    return max(known) if known and len(known) == len(ends) else None


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise NotUsable(f"{seconds} is no time in POSIX seconds") from None


def _words(translated: Any) -> str:
    """The text in the language preferred here, else the first there is."""
    by_language = _translations(translated)
    chosen: Sequence[str] = [by_language[one] for one in PREFERRED_LANGUAGES if one in by_language]
    return next(iter([*chosen, *by_language.values()]), "")


def _translations(translated: Any) -> dict[str, str]:
    """Language → text; a text without a language goes by ""."""
    found: dict[str, str] = {}
    for one in translated.get("translation", []) if isinstance(translated, dict) else []:
        text = str(one.get("text", "")).strip()
        if text:
            found.setdefault(str(one.get("language", "")).partition("-")[0], text[:DESCRIPTION_LENGTH])
    return found
