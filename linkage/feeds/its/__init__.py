"""Traffic events of the National Transport Information Centre (국가교통정보센터 돌발, eventInfo).

`{"body": {"items": [{"type", "eventType", "eventDetailType", "startDate", "coordX", "coordY", "linkId", …}]}}`;
a single result may be an object instead of a list. All values are text, times are Korean and without offset.
There is no id: link, start and detail together name an event, and stay the same while it lasts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from linkage.feeds.base import EventDocument, Feed, Link, NotADocument, NotUsable, Record, Reporter, degrees, stable_id

KOREAN_TIME: Final = timezone(timedelta(hours=9))
TIME_FORMAT: Final = "%Y%m%d%H%M%S"
SUMMARY_LENGTH: Final = 500

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


class Its(Feed):
    """Reads eventInfo answers."""

    name = "its"
    unit = "item"
    reporter = Reporter("traffic", "교통정보", "Traffic information")
    home = None

    def recognises(self, document: bytes) -> bool:
        """An object with a body, as the API wraps it."""
        return document.lstrip()[:1] == b"{" and b'"body"' in document[:200] and b'"items"' in document[:2000]

    def records(self, document: bytes) -> Iterator[Record]:
        """The items. Raises NotADocument."""
        try:
            items = json.loads(document)["body"]["items"]
        except (ValueError, KeyError, TypeError) as error:
            raise NotADocument(f"No eventInfo answer: {error!r}") from error
        for position, item in enumerate(items if isinstance(items, list) else [items], 1):
            yield Record(position, item)

    def normalise(self, raw: Any, link: Link | None = None) -> EventDocument:
        """One item as an event."""
        if not isinstance(raw, dict):
            raise NotUsable("not an object")
        # All values should be text; a number or a null in their place is taken as what it would read.
        item = {name: "" if value is None else str(value).strip() for name, value in raw.items()}
        code, grade = CODES.get(item.get("eventType", ""), UNKNOWN_KIND)
        kept = ("type", "eventType", "eventDetailType", "linkId", "roadName", "roadNo", "roadDrcType", "lanesBlocked")
        return {
            "id": stable_id("its", (item.get("linkId", ""), item.get("startDate", ""), item.get("eventDetailType", ""))),
            "code": code,
            "grade": grade,
            "occurred_at": _time(item.get("startDate")).isoformat(),
            "lat": degrees(item.get("coordY"), "coordY"),
            "lon": degrees(item.get("coordX"), "coordX"),
            "summary": _summary(item),
            "attributes": {name: item[name] for name in kept if item.get(name)},
        }


def _time(text: str | None) -> datetime:
    try:
        return datetime.strptime(text or "", TIME_FORMAT).replace(tzinfo=KOREAN_TIME)
    except ValueError:
        raise NotUsable(f"startDate is {text!r}, not yyyyMMddHHmmss") from None


def _summary(item: dict[str, str]) -> str:
    road = " ".join(filter(None, (item.get("roadName"), item.get("roadDrcType"))))
    what = item.get("message") or item.get("eventDetailType") or item.get("eventType") or ""
    return ": ".join(filter(None, (road, what)))[:SUMMARY_LENGTH]
