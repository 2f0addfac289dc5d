"""Weather warnings of the Korea Meteorological Administration (기상청 기상특보, WthrWrnInfoService getPwnCd).

`{"response": {"header": {"resultCode"}, "body": {"items": {"item": [{"stnId", "tmFc", "tmSeq", "areaCode", "areaName",
"warnVar", "warnStress", "command", "startTime", "endTime", "allEndTime", "cancel"}]}, "pageNo", "numOfRows",
"totalCount"}}}`. The items are messages in the life of warnings, not what is in force: issued, extended, corrected, changed
between advisory and warning, lifted. One warning is one (areaCode, warnVar); its messages follow one another by tmFc,
tmSeq. Commands are those of getPwnCd's guide, not those of the API hub's text tables (where 3 means "lift").
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from linkage.feeds.base import EventDocument, Feed, Fetched, Get, Link, NotADocument, NotUsable, Record, Reporter
from linkage.feeds.digits import KOREAN_TIME
from linkage.feeds.records import AHEAD, as_list, json_object, kept, pages, texts, versioned

NORMAL: Final = ("", "0", "00")
NO_DATA: Final = "03"  # this operation's answer where nothing was issued in the time asked for
ROWS: Final = 500
PAGES_AT_MOST: Final = 40
# Times are asked for by the day: the day before is asked for again, for what was published late.
OVERLAP: Final = timedelta(days=1)
LOOK_BACK_DAYS: Final = 5  # of a first poll, and the most the service reaches back
TIME_DIGITS: Final = (12, 14)
SUMMARY_LENGTH: Final = 500


class Kind(NamedTuple):
    """What is warned of: its Korean name, and our code (DIS-99 where there is none of its own)."""

    name: str
    code: str


KINDS: Final[dict[str, Kind]] = {
    "1": Kind("강풍", "DIS-04"),
    "2": Kind("호우", "DIS-01"),
    "3": Kind("한파", "DIS-06"),
    "4": Kind("건조", "DIS-99"),
    "5": Kind("폭풍해일", "DIS-09"),
    "6": Kind("풍랑", "DIS-04"),
    "7": Kind("태풍", "DIS-02"),
    "8": Kind("대설", "DIS-03"),
    "9": Kind("황사", "DIS-99"),
    "12": Kind("폭염", "DIS-05"),
    "13": Kind("열대야", "DIS-05"),
}
GRADES: Final = {"0": ("주의보", "G3"), "1": ("경보", "G2"), "2": ("중대경보", "G1")}
ISSUED, LIFTED, EXTENDED, CORRECTED, CHANGED, CHANGED_AWAY = "1", "2", "3", "6", "7", "8"
COMMANDS: Final = {
    ISSUED: "발표", LIFTED: "해제", EXTENDED: "연장", CORRECTED: "정정", CHANGED: "변경발표", CHANGED_AWAY: "변경해제",
}  # fmt: skip
OVER: Final = (LIFTED, CHANGED_AWAY)
KEPT: Final = (
    "stnId",
    "tmFc",
    "tmSeq",
    "areaCode",
    "areaName",
    "warnVar",
    "warnStress",
    "command",
    "startTime",
    "endTime",
)


class Weather(Feed):
    """Reads getPwnCd answers. `options`: `areaCodes`, the warning zones of one's own region, each asked for by itself
    (none: whatever the service gives); `areas`, what is known of a zone: `{"L1030100": {"lat", "lon", "area"}}`; `params`,
    added to the query. The service key is the system's secret, in its decoded form."""

    name = "weather"
    title = {"ko": "기상특보", "en": "Weather warnings"}
    unit = "item"
    reporter = Reporter("weather", "기상청 특보", "Weather warnings")

    def recognises(self, document: bytes) -> bool:
        """The public data portal's envelope around a warning."""
        return document.lstrip()[:1] == b"{" and b'"response"' in document[:200] and b'"warnVar"' in document[:5000]

    def records(self, document: bytes) -> Iterator[Record]:
        """The messages in the order of the warnings' lives. A change from one grade to another comes as two, one
        away and one to: only the second is kept. Raises NotADocument."""
        items, _ = _items(document)
        arriving = {_step(item) for item in items if _is(item, CHANGED)}
        numbered = [Record(position, item) for position, item in enumerate(items, 1)]
        left = [one for one in numbered if not (_is(one.raw, CHANGED_AWAY) and _step(one.raw) in arriving)]
        yield from sorted(left, key=lambda one: _order(one.raw))

    def split(self, document: bytes, link: Link) -> Iterator[Record]:
        """The messages, of each warning its last lift first. What came before a lift is then known to be over when it
        is read: a first poll, or one after an outage, keeps what has come and gone and alarms nobody with it."""
        listed = list(self.records(document))
        lifts = {_warning(one.raw): one for one in listed if _ends(one.raw, link.now)}
        yield from lifts.values()
        last = {one.position for one in lifts.values()}
        yield from (one for one in listed if one.position not in last)

    def normalise(self, raw: Any, link: Link | None = None) -> EventDocument:
        """One message as an event about its warning. With a link, a lift announced for later is one that expires."""
        item = texts(raw)
        kind, (stress, grade) = KINDS.get(item.get("warnVar", "")), GRADES.get(item.get("warnStress", ""), ("", ""))
        if kind is None or not stress or item.get("command") not in COMMANDS:
            named = ", ".join(f"{name}={item.get(name)!r}" for name in ("warnVar", "warnStress", "command"))
            raise NotUsable(f"an unknown code among {named}")
        if not item.get("areaCode"):
            raise NotUsable("areaCode is missing")
        action, at, expires = _meaning(item, link.now if link else None)
        place = _place(item["areaCode"], link)
        event: EventDocument = {
            "id": "",
            "code": kind.code,
            "grade": grade,
            "occurred_at": at.isoformat(),
            "lat": place.get("lat"),
            "lon": place.get("lon"),
            "summary": _summary(item, f"{kind.name}{stress}"),
            "address": item.get("areaName", ""),
            "attributes": kept(item, KEPT),
            "action": action,  # type: ignore[typeddict-item]
        }
        if place.get("area"):
            event["area"] = place["area"]
        if expires:
            event["expires_at"] = expires.isoformat()
        subject = f"kma-{item['areaCode']}-{item['warnVar']}"
        named = versioned(f"{subject}-{item.get('tmFc')}-{item.get('tmSeq')}", event)
        return {**named, "subject": subject}

    async def fetch(self, get: Get, link: Link) -> AsyncIterator[Fetched]:
        """All messages from the day before the newest one known, page by page, oldest first."""
        codes = [str(one) for one in link.options.get("areaCodes", ())] or [""]
        newest = known = _digits(link.state.get("tmFc"), link.now)
        for code in codes:
            documents = await _pages(get, link, code, known)
            for number, (document, content_type) in enumerate(documents, 1):
                newest = max(newest, await asyncio.to_thread(_newest, document, link.now))
                # Only with the very last document: an outage before it must not leave the others a gap.
                last = code == codes[-1] and number == len(documents)
                yield Fetched(document, content_type, {"tmFc": newest} if last and newest else None)


async def _pages(get: Get, link: Link, code: str, newest: str) -> list[tuple[bytes, str]]:
    query = _query(link, code, newest)
    first = await get(link.endpoint, params=query)
    try:
        _, total = await asyncio.to_thread(_items, first[0])
    except NotADocument:
        return [first]  # the intake keeps it, and says why
    found = [first]
    for number in pages(total, ROWS, PAGES_AT_MOST):
        found.append(await get(link.endpoint, params={**query, "pageNo": str(number)}))
    # The service gives the newest first; lives are told from their beginning.
    return found[::-1]


def _query(link: Link, code: str, newest: str) -> dict[str, str]:
    today = link.now.astimezone(KOREAN_TIME)
    earliest = today - timedelta(days=int(link.options.get("look_back_days", LOOK_BACK_DAYS)))
    since = earliest
    if newest:
        since = max(earliest, datetime.strptime(newest[:8], "%Y%m%d").replace(tzinfo=KOREAN_TIME) - OVERLAP)
    query = {
        "pageNo": "1", "numOfRows": str(ROWS), "dataType": "JSON",
        "fromTmFc": f"{since:%Y%m%d}", "toTmFc": f"{today:%Y%m%d}",
    }  # fmt: skip
    if code:
        query["areaCode"] = code
    if link.secret:
        query["serviceKey"] = link.secret
    return {**query, **link.options.get("params", {})}


def _items(document: bytes) -> tuple[list[Any], int]:
    """The items and how many there are over all pages. Raises NotADocument, with the service's own words."""
    if document.lstrip()[:1] == b"<":
        raise NotADocument(f"The portal's gateway refuses: {document[:200].decode('utf-8', 'replace')}")
    answer = json_object(document).get("response")
    header = answer.get("header") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or not isinstance(header, dict):
        raise NotADocument("No getPwnCd answer: it has no response with a header")
    code = str(header.get("resultCode", "")).strip()
    if code == NO_DATA:
        return [], 0
    if code not in NORMAL:
        raise NotADocument(f"The source answers {code}: {header.get('resultMsg', '')}"[:200])
    body = answer.get("body")
    if not isinstance(body, dict):
        raise NotADocument("No getPwnCd answer: it has no body")
    items = body.get("items")
    found = as_list(items.get("item") if isinstance(items, dict) else items)
    total = str(body.get("totalCount", len(found)))
    return found, int(total) if total.isdecimal() else len(found)


def _digits(text: Any, now: datetime) -> str:
    """A tmFc, or "" where it is none or lies ahead: one wrong record must not hide all that come before its time."""
    try:
        found = _time(str(text), "tmFc")
    except NotUsable:
        return ""
    return f"{found:%Y%m%d%H%M}" if found <= now + AHEAD else ""


def _newest(document: bytes, now: datetime) -> str:
    """The newest tmFc of a document, or "" where there is none."""
    try:
        items, _ = _items(document)
    except NotADocument:
        return ""
    return max((_digits(item.get("tmFc"), now) for item in items if isinstance(item, dict)), default="")


def _is(item: Any, command: str) -> bool:
    return isinstance(item, dict) and str(item.get("command")) == command and str(item.get("cancel")) != "1"


def _step(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Which warning, in which announcement."""
    return tuple(str(item.get(name)) for name in ("areaCode", "warnVar", "tmFc", "tmSeq"))


def _warning(item: Mapping[str, Any]) -> tuple[str, str]:
    """Which warning."""
    return str(item.get("areaCode")), str(item.get("warnVar"))


def _ends(item: Any, now: datetime) -> bool:
    """Whether the message says that its warning is over by now."""
    if not isinstance(item, dict):
        return False
    try:
        return _meaning(texts(item), now)[0] == "end"
    except (NotUsable, KeyError):
        return False


def _order(item: Any) -> tuple[str, int, bool]:
    """By time, then number; within one announcement what ends comes before what begins."""
    if not isinstance(item, dict):
        return "", 0, False
    number = str(item.get("tmSeq", ""))
    return str(item.get("tmFc", "")), int(number) if number.isdecimal() else 0, str(item.get("command")) not in OVER


def _meaning(item: Mapping[str, str], now: datetime | None) -> tuple[str, datetime, datetime | None]:
    """What the message does, when it was said, and when it will be over.

    A cancelled issue was wrong; a cancelled lift means that the warning goes on; of other cancelled messages the
    warning itself remains.
    """
    said = _time(item.get("tmFc"), "tmFc")
    ends = _first_time(item, ("endTime", "allEndTime"))
    cancelled, command = item.get("cancel") == "1", item["command"]
    if cancelled:
        return ("cancel" if command == ISSUED else "report"), said, None
    if command not in OVER:
        return "report", said, ends if ends and ends > said else None
    if ends is None or ends <= said:
        return "end", said, None
    # Seen again in every poll of a day and more: once its time has come it is the end itself.
    return ("end", ends, None) if now is not None and ends <= now else ("report", said, ends)


def _first_time(item: Mapping[str, str], names: Sequence[str]) -> datetime | None:
    """The first of the times that is set; "0" stands for none."""
    for name in names:
        if item.get(name, "").strip("0"):
            return _time(item[name], name)
    return None


def _time(text: str | None, name: str) -> datetime:
    digits = text or ""
    try:
        if not digits.isdecimal() or len(digits) not in TIME_DIGITS:
            raise ValueError
        return datetime.strptime(digits[:12], "%Y%m%d%H%M").replace(tzinfo=KOREAN_TIME)
    except ValueError:
        raise NotUsable(f"{name} is {digits[:40]!r}, not yyyyMMddHHmm") from None


def _place(code: str, link: Link | None) -> Mapping[str, Any]:
    areas = link.options.get("areas") if link else None
    known = areas.get(code) if isinstance(areas, dict) else None
    return known if isinstance(known, dict) else {}


def _summary(item: Mapping[str, str], what: str) -> str:
    done = COMMANDS[item["command"]] + (" 취소" if item.get("cancel") == "1" else "")
    return " ".join(filter(None, (item.get("areaName"), what, done)))[:SUMMARY_LENGTH]
