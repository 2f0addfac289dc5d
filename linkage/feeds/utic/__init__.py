"""Incidents of the Urban Traffic Information Centre (경찰청 도시교통정보센터, imsOpenData): XML, `result/record`.

The misspelt names ("incidenteTypeCd") are the service's own. A document lists everything that goes on nationwide: what
it no longer lists has ended. Times are Korean, without offset, and written in words (2024년 05월 03일 07시 30분) or digits.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any, Final

from lxml import etree

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
    degrees,
)
from linkage.feeds.digits import KOREAN_TIME
from linkage.feeds.records import end_if_past, has_begun, kept, texts, versioned

SUMMARY_LENGTH: Final = 500
ADDRESS_LENGTH: Final = 300
ID_LENGTH: Final = 100
FIELD_LENGTH: Final = 2000
FIELDS_AT_MOST: Final = 64
DOCUMENT_BYTES: Final = 8 * 1024 * 1024  # all of Korea is less than one

CODES: Final[dict[str, tuple[str, str]]] = {
    "1": ("TRF-1", "G3"),
    "2": ("TRF-2", "G4"),
    "3": ("TRF-3", "G4"),
    "4": ("TRF-4", "G4"),
    "5": ("TRF-5", "G4"),
}
KINDS: Final = {"1": "사고", "2": "공사", "3": "행사", "4": "기상", "5": "통제"}
KEPT: Final = (
    "incidenteTypeCd", "incidenteSubTypeCd", "linkId", "incidenteTrafficCd", "incidenteGradeCd", "lane", "roadName",
    "controlType", "updateDate",
)  # fmt: skip
_DIGITS: Final = re.compile(r"\d+")


class Utic(Feed):
    """Reads imsOpenData answers. `options`: `regions`, how the addresses of one's own region begin (the service knows
    no filter), and `params`, added to the query; the access key is the system's secret."""

    name = "utic"
    title = {"ko": "도시교통정보센터 돌발", "en": "UTIC traffic incidents"}
    unit = "record"
    reporter = Reporter("utic", "도시교통정보(UTIC)", "Urban traffic information (UTIC)")
    is_snapshot = True

    def recognises(self, document: bytes) -> bool:
        """XML with the service's own spelling near its beginning."""
        return document.lstrip()[:1] == b"<" and b"<result" in document[:500] and b"incidente" in document[:5000]

    def records(self, document: bytes) -> Iterator[Record]:
        """The records as name → text. Raises NotADocument; entities and document types are refused."""
        root = _parse(document)
        if root.tag != "result":
            raise NotADocument(f"The document is <{str(root.tag)[:40]}>, not <result>")
        strangers = [one.tag for one in root if one.tag != "record"]
        if strangers:
            raise NotADocument(f"No list of records; it says {_text(root[0])[:120]!r}")
        for position, record in enumerate(root, 1):
            yield Record(position, {str(one.tag): _text(one) for one in record[:FIELDS_AT_MOST]})

    def split(self, document: bytes, link: Link) -> Iterator[Record]:
        """The records of the administrator's regions that have begun: works and events are listed days ahead."""
        regions = tuple(map(str, link.options.get("regions", ())))
        for record in self.records(document):
            if _is_there(record.raw, regions) and has_begun(record.raw.get("startDate"), _time, link.now):
                yield record

    def normalise(self, raw: Any, link: Link | None = None) -> EventDocument:
        """One record as an event about its incidentId."""
        record = texts(raw)
        kind, number = record.get("incidenteTypeCd", ""), record.get("incidentId", "")
        if kind not in CODES:
            raise NotUsable(f"incidenteTypeCd is {kind!r}, not 1 to 5")
        if not 0 < len(number) <= ID_LENGTH:
            raise NotUsable("incidentId is missing or too long")
        lat, lon = _position(record)
        event: EventDocument = {
            "id": "",
            "code": CODES[kind][0],
            "grade": CODES[kind][1],
            "occurred_at": _time(record.get("startDate")).isoformat(),
            "lat": lat,
            "lon": lon,
            "summary": (record.get("incidentTitle") or f"{record.get('roadName', '')} {KINDS[kind]}".strip())[
                :SUMMARY_LENGTH
            ],
            "address": (record.get("addressNew") or record.get("addressJibun") or "")[:ADDRESS_LENGTH],
            "attributes": kept(record, KEPT),
        }
        if record.get("endDate"):
            event["expires_at"] = _time(record["endDate"], "endDate").isoformat()
        end_if_past(event, link)
        return versioned(f"utic-{number}", event)

    async def fetch(self, get: Get, link: Link) -> AsyncIterator[Fetched]:
        """One GET: the service knows no pages."""
        key = {"key": link.secret} if link.secret else {}
        body, content_type = await get(link.endpoint, params={**key, **link.options.get("params", {})})
        yield Fetched(body, content_type)


def _parse(document: bytes) -> Any:
    if len(document) > DOCUMENT_BYTES:
        raise NotADocument(f"Longer than {DOCUMENT_BYTES // 1024 // 1024} MiB")
    # Entities stay unresolved, nothing is loaded, and libxml2's limits on depth and size stay on.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise NotADocument(f"No XML: {str(error)[:160]}") from error
    if root.getroottree().docinfo.doctype:
        raise NotADocument("A document type is not allowed")
    return root


def _text(element: Any) -> str:
    return (element.text or "").strip()[:FIELD_LENGTH]


def _is_there(record: dict[str, str], regions: tuple[str, ...]) -> bool:
    return not regions or any(record.get(name, "").startswith(regions) for name in ("addressJibun", "addressNew"))


def _position(record: dict[str, str]) -> tuple[float | None, float | None]:
    """Where it is; the service leaves some without a position, as blanks or as 0, 0."""
    if not record.get("locationDataX") and not record.get("locationDataY"):
        return None, None
    lat, lon = (
        degrees(record.get("locationDataY"), "locationDataY"),
        degrees(record.get("locationDataX"), "locationDataX"),
    )
    return (None, None) if lat == lon == 0 else (lat, lon)


def _time(text: Any, name: str = "startDate") -> datetime:
    """Year, month, day, hour, minute and perhaps second, in whatever words, or run together."""
    parts = _DIGITS.findall(str(text or ""))
    if len(parts) == 1 and len(parts[0]) in (12, 14):
        digits = parts[0]
        parts = [digits[:4], *(digits[at : at + 2] for at in range(4, len(digits), 2))]
    try:
        if len(parts) < 5:
            raise ValueError
        return datetime(*map(int, parts[:6]), tzinfo=KOREAN_TIME)  # type: ignore[arg-type, misc]
    except ValueError:
        raise NotUsable(f"{name} is {str(text)[:40]!r}, no date with a time") from None
