"""911 calls of Montgomery County, Pennsylvania, as published (`lat,lng,desc,zip,title,timeStamp,twp,addr,e`).

A recording to replay: real calls at their real pace. `title` begins with the service that went ("EMS:",
"Fire:", "Traffic:"). Times are local, without offset; the repeated hour in autumn counts as its first pass.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from linkage.feeds.base import (
    EventDocument,
    Feed,
    Home,
    Link,
    NotADocument,
    NotUsable,
    Record,
    Reporter,
    degrees,
    stable_id,
)

HEADER: Final = ("lat", "lng", "desc", "zip", "title", "timeStamp", "twp", "addr", "e")
LOCAL_TIME: Final = ZoneInfo("America/New_York")
TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
CODES: Final = {"EMS": "EMS-01", "Fire": "FIR-01", "Traffic": "TRF-1"}
SUMMARY_LENGTH: Final = 500
ADDRESS_LENGTH: Final = 300


class Montgomery911(Feed):
    """Reads the CSV."""

    name = "montgomery_911"
    unit = "line"
    reporter = Reporter("dispatch911", "911 신고", "911 dispatch")
    home = Home("US-MONT", "몽고메리 카운티(미국)", "Montgomery County, Pennsylvania")

    def recognises(self, document: bytes) -> bool:
        """Exactly this header."""
        return document.removeprefix(b"\xef\xbb\xbf").startswith(",".join(HEADER).encode())

    def records(self, document: bytes) -> Iterator[Record]:
        """The calls with the lines they begin on. Raises NotADocument."""
        try:
            reader = csv.reader(io.StringIO(document.decode("utf-8-sig"), newline=""))
            begins = 1
            for cells in reader:
                if begins > 1 and cells:
                    yield Record(begins, cells)
                begins = reader.line_num + 1
        except (UnicodeDecodeError, csv.Error) as error:
            raise NotADocument(f"No CSV in UTF-8: {error}") from error

    def normalise(self, raw: Any, link: Link | None = None) -> EventDocument:
        """One call as an event; its id is drawn from the whole row, since calls carry none."""
        if len(raw) != len(HEADER):
            raise NotUsable(f"cut off: {len(raw)} of {len(HEADER)} cells")
        call = dict(zip(HEADER, raw, strict=True))
        service = call["title"].partition(":")[0]
        if service not in CODES:
            raise NotUsable(f"title is {call['title']!r}, which names no service of {', '.join(CODES)}")
        place = ", ".join(filter(None, (call["addr"].strip(), call["twp"].strip())))
        return {
            "id": stable_id("911", raw),
            "code": CODES[service],
            "occurred_at": _time(call["timeStamp"]).isoformat(),
            "lat": degrees(call["lat"], "lat"),
            "lon": degrees(call["lng"], "lng"),
            "summary": call["title"].strip(" -")[:SUMMARY_LENGTH],
            "address": place[:ADDRESS_LENGTH],
            "attributes": {"desc": call["desc"], "zip": call["zip"], "twp": call["twp"]},
        }


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=LOCAL_TIME)
    except ValueError:
        raise NotUsable(f"timeStamp is {text!r}, not {TIME_FORMAT}") from None
