"""Disaster text messages of the Ministry of the Interior and Safety (행정안전부 긴급재난문자, DSSP-IF-00247).

`{"header": {"resultCode"}, "body": [{"SN", "CRT_DT", "MSG_CN", "RCPTN_RGN_NM", "EMRG_STEP_NM", "DST_SE_NM", "REG_YMD",
"MDFCN_YMD"}], "numOfRows", "pageNo", "totalCount"}`. Each message stands alone: nothing ends or corrects it, so it is
over after a time of its own. It names regions, not positions. Times are Korean, without offset.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from linkage.feeds.base import EventDocument, Feed, Fetched, Get, Link, NotADocument, NotUsable, Record, Reporter
from linkage.feeds.digits import KOREAN_TIME
from linkage.feeds.records import as_list, end_if_past, json_object, kept, pages, texts, versioned

NORMAL: Final = ("", "0", "00")
NO_DATA: Final = "03"
ROWS: Final = 100
PAGES_AT_MOST: Final = 100
OVERLAP: Final = timedelta(days=1)  # asked for by the day; what is published past midnight bears the day before
LOOK_BACK: Final = timedelta(days=1)  # of a first poll
SEEN_AT_MOST: Final = 5_000
TIME_FORMATS: Final = ("%Y/%m/%d %H:%M:%S.%f", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S")
SUMMARY_LENGTH: Final = 500
ADDRESS_LENGTH: Final = 300

# How urgent (EMRG_STEP_NM begins so) → grade, and how long it counts.
STEPS: Final[dict[str, tuple[str, timedelta]]] = {
    "위급": ("G1", timedelta(hours=24)),
    "긴급": ("G2", timedelta(hours=24)),
    "안전안내": ("G4", timedelta(hours=6)),
}
# What about (DST_SE_NM) → code. Fires stay out of FIR-01, which is relayed to 119 at once: 119 knows already.
CODES: Final[dict[str, str]] = {
    "호우": "DIS-01", "태풍": "DIS-02", "대설": "DIS-03", "강풍": "DIS-04", "풍랑": "DIS-04", "폭염": "DIS-05",
    "한파": "DIS-06", "지진": "DIS-07", "지진해일": "DIS-07", "산사태": "DIS-08", "홍수": "DIS-09",
    "환경오염사고": "DIS-10", "화학": "DIS-10", "교통사고": "TRF-1", "교통": "TRF-5", "교통통제": "TRF-5",
    "실종": "VUL-02",
}  # fmt: skip
OTHER: Final = "DIS-99"


class DisasterMessage(Feed):
    """Reads DSSP-IF-00247 answers. `options`: `region`, asked for as rgnNm; `regions`, how the names of one's own regions
    begin; `params`, added to the query. The service key is the system's secret."""

    name = "disaster_message"
    title = {"ko": "재난문자", "en": "Disaster messages"}
    unit = "item"
    reporter = Reporter("disaster-messages", "재난문자", "Disaster messages")

    def recognises(self, document: bytes) -> bool:
        """An object with the service's own field names."""
        return document.lstrip()[:1] == b"{" and b'"MSG_CN"' in document[:5000]

    def records(self, document: bytes) -> Iterator[Record]:
        """The messages, oldest first. Raises NotADocument."""
        items, _ = _items(document)
        numbered = [Record(position, item) for position, item in enumerate(items, 1)]
        yield from sorted(numbered, key=lambda one: _number(one.raw))

    def split(self, document: bytes, link: Link) -> Iterator[Record]:
        """The messages for the administrator's regions."""
        wanted = tuple(map(str, link.options.get("regions", ())))
        for record in self.records(document):
            named = record.raw.get("RCPTN_RGN_NM") if isinstance(record.raw, dict) else None
            if not wanted or not isinstance(named, str) or any(one.startswith(wanted) for one in _regions(named)):
                yield record

    def normalise(self, raw: Any, link: Link | None = None) -> EventDocument:
        """One message as an event. With a link, one whose time is past is said to be over."""
        item = texts(raw)
        if not item.get("SN") or not item.get("MSG_CN"):
            raise NotUsable("SN or MSG_CN is missing")
        grade, lasting = _step(item.get("EMRG_STEP_NM", ""))
        at = _time(item.get("CRT_DT"))
        what = item.get("DST_SE_NM", "")
        event: EventDocument = {
            "id": "",
            "code": CODES.get(what, OTHER),
            "grade": grade,
            "occurred_at": at.isoformat(),
            "lat": None,
            "lon": None,
            "summary": item["MSG_CN"][:SUMMARY_LENGTH],
            "address": ", ".join(_regions(item.get("RCPTN_RGN_NM", "")))[:ADDRESS_LENGTH],
            "expires_at": (at + lasting).isoformat(),
            "attributes": kept(item, ("SN", "EMRG_STEP_NM", "DST_SE_NM")),
        }
        end_if_past(event, link)
        return versioned(f"dms-{item['SN']}"[:100], event)

    async def fetch(self, get: Get, link: Link) -> AsyncIterator[Fetched]:
        """All messages from the day before the newest one known; pages without a new one are not handed over."""
        state = _State(link.state, link.now)
        query = _query(link, state)
        number, last, changed = 1, 1, False
        while number <= last:
            body, content_type = await get(link.endpoint, params={**query, "pageNo": str(number)})
            try:
                items, total = await asyncio.to_thread(_items, body)
            except NotADocument:
                yield Fetched(body, content_type)  # the intake keeps it, and says why
                return
            last = max([1, *pages(total, ROWS, PAGES_AT_MOST)])
            news = state.add(items)
            changed = changed or news
            # Kept with the last page only: an outage between two pages must not leave the later ones out.
            if news or (changed and number == last):
                yield Fetched(body, content_type, state.as_json() if number == last else None)
            number += 1


class _State:
    """The days and numbers of what was taken, as far back as it will be asked for again."""

    def __init__(self, kept: Mapping[str, Any], now: datetime) -> None:
        self._today = f"{now.astimezone(KOREAN_TIME):%Y%m%d}"
        day, seen = kept.get("day"), kept.get("seen")
        self.day = day if isinstance(day, str) and re.fullmatch(r"20\d{6}", day) else ""
        self._seen = {str(number): str(day) for number, day in seen.items()} if isinstance(seen, dict) else {}

    def add(self, items: list[Any]) -> bool:
        """Notes the messages; whether one of them is new."""
        before = len(self._seen)
        for item in items:
            if isinstance(item, dict):
                # A day that lies ahead is wrong, and would hide all that come before it.
                day = min(_day(item), self._today)
                self._seen.setdefault(str(item.get("SN")), day)
                self.day = max(self.day, day)
        return len(self._seen) > before

    def as_json(self) -> dict[str, Any]:
        """What `Fetched.state` keeps."""
        since = (datetime.strptime(self.day, "%Y%m%d") - OVERLAP).strftime("%Y%m%d") if self.day else ""
        recent = {number: day for number, day in self._seen.items() if day >= since}
        return {"day": self.day, "seen": dict(sorted(recent.items(), key=lambda one: one[1])[-SEEN_AT_MOST:])}


def _query(link: Link, state: _State) -> dict[str, str]:
    since = link.now.astimezone(KOREAN_TIME) - LOOK_BACK
    if state.day:
        since = datetime.strptime(state.day, "%Y%m%d").replace(tzinfo=KOREAN_TIME) - OVERLAP
    query = {"numOfRows": str(ROWS), "returnType": "json", "crtDt": f"{since:%Y%m%d}"}
    if link.options.get("region"):
        query["rgnNm"] = str(link.options["region"])
    if link.secret:
        query["serviceKey"] = link.secret
    return {**query, **link.options.get("params", {})}


def _items(document: bytes) -> tuple[list[Any], int]:
    """The messages and how many there are over all pages. Raises NotADocument, with the service's own words."""
    answer = json_object(document)
    header = answer.get("header")
    code = str(header.get("resultCode", "")).strip() if isinstance(header, dict) else ""
    if code == NO_DATA:
        return [], 0
    if code not in NORMAL:
        raise NotADocument(f"The source answers {code}: {header.get('errorMsg') or header.get('resultMsg', '')}"[:200])
    if "body" not in answer:
        raise NotADocument("No DSSP-IF-00247 answer: it has no body")
    items = as_list(answer["body"])
    total = str(answer.get("totalCount", len(items)))
    return items, int(total) if total.isdecimal() else len(items)


def _number(item: Any) -> int:
    number = str(item.get("SN", "")) if isinstance(item, dict) else ""
    return int(number) if number.isdecimal() else 0


def _day(item: Mapping[str, Any]) -> str:
    """The day a message was made, in digits, or "" where it cannot be read."""
    try:
        return _time(str(item.get("CRT_DT", ""))).strftime("%Y%m%d")
    except NotUsable:
        return ""


def _step(text: str) -> tuple[str, timedelta]:
    for beginning, meaning in STEPS.items():
        if text.replace(" ", "").startswith(beginning):
            return meaning
    raise NotUsable(f"EMRG_STEP_NM is {text[:40]!r}, not one of {', '.join(STEPS)}")


def _time(text: str | None) -> datetime:
    for written in TIME_FORMATS:
        try:
            return datetime.strptime((text or "").strip(), written).replace(tzinfo=KOREAN_TIME)
        except ValueError:
            continue
    raise NotUsable(f"CRT_DT is {str(text)[:40]!r}, not yyyy/MM/dd HH:mm:ss")


def _regions(text: str) -> list[str]:
    return [one for one in (part.strip() for part in text.split(",")) if one]
