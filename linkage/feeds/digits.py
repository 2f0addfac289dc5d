"""Times written as digits run together, as Korean interfaces do: yyyyMMddHHmmss, with SSS for milliseconds."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Final

from linkage.feeds.base import NotUsable

KOREAN_TIME: Final = timezone(timedelta(hours=9))  # no summer time since 1988
SECONDS_DIGITS: Final = 14
MILLISECONDS_DIGITS: Final = 17


def digits_time(value: Any, name: str) -> datetime:
    """The aware time in 14 or 17 digits (a text or a number), Korean, or in ISO 8601 with an offset.

    Raises NotUsable naming the field where it is neither.
    """
    text = str(value).strip()
    try:
        if text.isdecimal() and len(text) in (SECONDS_DIGITS, MILLISECONDS_DIGITS):
            whole = datetime.strptime(text[:SECONDS_DIGITS], "%Y%m%d%H%M%S").replace(tzinfo=KOREAN_TIME)
            return whole.replace(microsecond=int(text[SECONDS_DIGITS:] or 0) * 1000)
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise NotUsable(f"{name} is {str(value)[:60]!r}, neither yyyyMMddHHmmssSSS nor ISO 8601 with an offset")
    return found
