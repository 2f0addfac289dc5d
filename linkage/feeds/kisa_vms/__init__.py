"""Video systems in the KISA style: analytics events by webhook; the camera list, streams and PTZ are in `client`.

`{"camList": [{"camID", "eventUUID", "eventName", "startTime", "endTime"?, "eventDesc"?}]}`. Times are 17 digits
(yyyyMMddHHmmssSSS), Korean. A message with an `endTime` says that the event is over. Position is the camera's.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
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
    stable_id,
)
from linkage.feeds.digits import digits_time

# What products call it, without spaces and the word "detection" → our code. `options["codes"]` comes first.
CODES: Final[dict[str, str]] = {
    "배회": "VCA-01", "loitering": "VCA-01", "침입": "VCA-02", "intrusion": "VCA-02",
    "유기": "VCA-03", "abandonment": "VCA-03", "abandoned": "VCA-03", "싸움": "VCA-04", "폭력": "VCA-04",
    "fight": "VCA-04", "fighting": "VCA-04", "violence": "VCA-04", "방화": "VCA-05", "arson": "VCA-05",
    "쓰러짐": "VCA-06", "collapse": "VCA-06", "falldown": "VCA-06", "익수": "VCA-08", "drowning": "VCA-08",
    "실종자": "VCA-09", "missingperson": "VCA-09", "화재": "VCA-10", "연기": "VCA-10", "fire": "VCA-10", "smoke": "VCA-10",
    "군중": "CWD-01", "밀집": "CWD-01", "crowd": "CWD-01", "카메라장애": "SYS-01", "videoloss": "SYS-01",
}  # fmt: skip
_NOISE: Final = re.compile(r"[\s_\-]|감지|검출|detection|detected|event$")
NO_END: Final = ("", "0", "None")


class KisaVms(Feed):
    """Reads analytics events. Settings: `options["codes"]` {eventName: code}; those of `client` beside."""

    name = "kisa_vms"
    title = {"ko": "영상관제시스템(KISA 연동)", "en": "Video system, KISA style"}
    unit = "item"
    reporter = Reporter("analytics", "지능형 영상분석", "Video analytics")

    async def fetch(self, get: Get, link: Link) -> AsyncIterator[Fetched]:
        """Nothing: it sends by itself. Raises NotADocument, which tells whoever has set a poll interval."""
        raise NotADocument("a video system sends its events by itself: leave the poll interval empty")
        yield  # makes this the asynchronous generator it has to be

    def recognises(self, document: bytes) -> bool:
        """An object with a list of cameras' events."""
        start = document.lstrip()[:400]
        return start[:1] == b"{" and b'"camList"' in start and b'"eventUUID"' in document[:4000]

    def records(self, document: bytes) -> Iterator[Record]:
        """The events; one that is over comes twice, its beginning first: that is a repeat where the beginning has
        been told, and loses nothing where it has not. Raises NotADocument."""
        for position, raw in enumerate(_items(document), 1):
            if isinstance(raw, dict) and _ended(raw):
                yield Record(position, {name: value for name, value in raw.items() if name != "endTime"})
            yield Record(position, raw)

    def normalise(self, raw: Any, link: Link | None = None) -> EventDocument:
        """One beginning or end as an event. Raises NotUsable."""
        if not isinstance(raw, dict):
            raise NotUsable("not an object")
        camera, name = str(raw.get("camID") or "").strip(), str(raw.get("eventName") or "").strip()
        if not camera:
            raise NotUsable("no camID")
        if not name and "camName" in raw:
            raise NotUsable("an entry of the camera list, no event: mended in the video system, the next list brings it")
        begun = digits_time(raw.get("startTime"), "startTime")
        # Without an id of its own, an event is what one camera saw from one moment.
        subject = str(raw.get("eventUUID") or "").strip() or stable_id("vms", (camera, name, begun.isoformat()))
        event: EventDocument = {
            "id": subject, "code": _code(name, link), "occurred_at": begun.isoformat(), "lat": None, "lon": None,
            "summary": ": ".join(filter(None, (name, str(raw.get("eventDesc") or "").strip())))[:500],
            "device_id": camera, "subject": subject,
            "attributes": {key: raw[key] for key in ("eventName", "eventDesc") if raw.get(key)},
        }  # fmt: skip
        if _ended(raw):
            event |= {
                "id": f"{subject}/end", "action": "end",
                "occurred_at": digits_time(raw["endTime"], "endTime").isoformat(),
            }  # fmt: skip
        return event


def _items(document: bytes) -> list[Any]:
    try:
        items = json.loads(document)["camList"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotADocument(f"No list of events: {error!r}") from error
    if isinstance(items, dict):
        return [items]
    if not isinstance(items, list):
        raise NotADocument('"camList" is no list')
    return items


def _ended(raw: Mapping[str, Any]) -> bool:
    return str(raw.get("endTime")).strip() not in NO_END


def _code(name: str, link: Link | None) -> str:
    own = link.options.get("codes") if link else None
    code = (own.get(name) if isinstance(own, Mapping) else None) or CODES.get(_NOISE.sub("", name.lower()))
    if not isinstance(code, str):
        raise NotUsable(f"eventName {name[:60]!r} stands for no code; name one under codes in the system's settings")
    return code
