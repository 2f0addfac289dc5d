"""Traffic events of the National Transport Information Centre (국가교통정보센터 돌발, eventInfo).

`{"header": …, "body": {"totalCount", "items": [{"type", "eventType", "eventDetailType", "startDate", "coordX", …}]}}`;
a single result may be an object instead of a list. All values are text, times are Korean and without offset.
There is no id: link, start and detail together name an event, and stay the same while it lasts; what it says may
change. A document lists everything that goes on in the box asked for: what it no longer lists has ended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any, Final

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
    stable_id,
)
from linkage.feeds.digits import KOREAN_TIME
from linkage.feeds.records import as_list, end_if_past, has_begun, json_object, kept, texts, versioned

TIME_FORMAT: Final = "%Y%m%d%H%M%S"
SUMMARY_LENGTH: Final = 500
NORMAL_RESULTS: Final = ("", "0", "00")
PARAMETERS: Final = {"type": "all", "eventType": "all", "getType": "json"}

# eventType → our code and grade. A breakdown or lost load ("기타돌발") endangers those behind like an
# accident, but calls for less haste.
CODES: Final[dict[str, tuple[str, str]]] = {
    "교통사고": ("TRF-1", "G3"),
    "기타돌발": ("TRF-1", "G4"),
    "공사": ("TRF-2", "G4"),
    "작업": ("TRF-2", "G4"),
    "행사": ("TRF-3", "G4"),
    "기상": ("TRF-4", "G4"),
    "재난": ("TRF-5", "G3"),
    "통제": ("TRF-5", "G5"),
}
UNKNOWN_KIND: Final = ("TRF-1", "G4")
KEPT: Final = ("type", "eventType", "eventDetailType", "linkId", "roadName", "roadNo", "roadDrcType", "lanesBlocked")


class Its(Feed):
    """Reads eventInfo answers. `options`: `params`, added to the query (the box `minX, maxX, minY, maxY` at least);
    the access key is the system's secret."""

    name = "its"
    title = {"ko": "국가교통정보센터 돌발", "en": "ITS road events"}
    unit = "item"
    reporter = Reporter("traffic", "교통정보", "Traffic information")
    home = None
    is_snapshot = True

    def recognises(self, document: bytes) -> bool:
        """An object with a body, as the API wraps it."""
        return document.lstrip()[:1] == b"{" and b'"body"' in document[:200] and b'"items"' in document[:2000]

    def records(self, document: bytes) -> Iterator[Record]:
        """The items. Raises NotADocument, also where the answer says itself that it is no good or not all of it."""
        answer = json_object(document)
        header, body = answer.get("header"), answer.get("body")
        code = str(header.get("resultCode", "")).strip() if isinstance(header, dict) else ""
        if code not in NORMAL_RESULTS:
            raise NotADocument(f"The source answers {code}: {header.get('resultMsg', '')}"[:200])
        if not isinstance(body, dict) or "items" not in body:
            raise NotADocument("No eventInfo answer: it has no body with items")
        items = as_list(body["items"])
        total = body.get("totalCount")
        if total is not None and str(total).strip() != str(len(items)):
            raise NotADocument(f"Not whole: totalCount is {total}, and there are {len(items)} items")
        for position, item in enumerate(items, 1):
            yield Record(position, item)

    def split(self, document: bytes, link: Link) -> Iterator[Record]:
        """The items that have begun: works are listed days ahead."""
        for record in self.records(document):
            raw = record.raw if isinstance(record.raw, dict) else {}
            if has_begun(raw.get("startDate"), _time, link.now):
                yield record

    def normalise(self, raw: Any, link: Link | None = None) -> EventDocument:
        """One item as an event about its subject."""
        item = texts(raw)
        code, grade = CODES.get(item.get("eventType", ""), UNKNOWN_KIND)
        begins = _time(item.get("startDate"))
        event: EventDocument = {
            "id": "",
            "code": code,
            "grade": grade,
            "occurred_at": begins.isoformat(),
            "lat": degrees(item.get("coordY"), "coordY"),
            "lon": degrees(item.get("coordX"), "coordX"),
            "summary": _summary(item),
            "attributes": kept(item, KEPT),
        }
        if item.get("endDate"):
            event["expires_at"] = _time(item["endDate"], "endDate").isoformat()
        end_if_past(event, link)
        subject = stable_id("its", (item.get(name, "") for name in ("linkId", "startDate", "eventDetailType")))
        return versioned(subject, event)

    async def fetch(self, get: Get, link: Link) -> AsyncIterator[Fetched]:
        """One GET: the API knows no pages."""
        key = {"apiKey": link.secret} if link.secret else {}
        body, content_type = await get(link.endpoint, params={**PARAMETERS, **key, **link.options.get("params", {})})
        yield Fetched(body, content_type)


def _time(text: Any, name: str = "startDate") -> datetime:
    try:
        return datetime.strptime(str(text or "").strip(), TIME_FORMAT).replace(tzinfo=KOREAN_TIME)
    except ValueError:
        raise NotUsable(f"{name} is {text!r}, not yyyyMMddHHmmss") from None


def _summary(item: dict[str, str]) -> str:
    road = " ".join(filter(None, (item.get("roadName"), item.get("roadDrcType"))))
    what = item.get("message") or item.get("eventDetailType") or item.get("eventType") or ""
    return ": ".join(filter(None, (road, what)))[:SUMMARY_LENGTH]
