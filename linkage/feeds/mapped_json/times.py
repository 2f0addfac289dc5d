"""Times as a source writes them, in the zone it lives in: ISO 8601, seconds since 1970, or a pattern.

Patterns are those of interface documents (`yyyyMMddHHmmssSSS`) or strptime's (`%d.%m.%Y %H:%M`). A time
without an offset is local in the mapping's zone. In the hour that a change from summer time repeats,
`ambiguous` says which of the two is meant; the hour that the change to summer time skips is read as if
the clock had not been put forward, so that such a time is late by an hour rather than lost.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

ISO: Final = "iso"
EPOCH_SECONDS: Final = "epoch_s"
EPOCH_MILLISECONDS: Final = "epoch_ms"
# Seconds beyond this lie after the year 5138: somebody sends milliseconds.
MILLISECONDS_FROM: Final = 1e11
_LETTERS: Final = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S", "SSS": "%f"}
_LETTER: Final = re.compile("|".join(_LETTERS))
_LEFT_OVER: Final = re.compile(r"[A-Za-z]")
_RUN_TOGETHER: Final = re.compile(r"%[YmdHMS](?=%[YmdHMS])")


class NotATime(ValueError):
    """The value is no time in this form; the message says what was expected."""


@dataclass(frozen=True)
class Clock:
    """How a source writes times: `format` is iso, epoch_s, epoch_ms or a pattern; `later` picks the second of a
    repeated hour."""

    format: str = ISO
    zone: ZoneInfo = ZoneInfo("Asia/Seoul")
    later: bool = False

    @cached_property
    def pattern(self) -> str:
        """The format as strptime takes it; "" for ISO and epochs."""
        return "" if self.format in (ISO, EPOCH_SECONDS, EPOCH_MILLISECONDS) else strptime_of(self.format)

    def read(self, value: Any) -> datetime:
        """The aware time. Raises NotATime."""
        if self.format in (EPOCH_SECONDS, EPOCH_MILLISECONDS):
            return self._since_1970(value)
        text = str(value).strip()
        found = self._iso(text) if self.format == ISO else self._patterned(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=self.zone, fold=int(self.later))
        # A fixed offset instead of the zone: a fold would be lost on the way through JSON.
        return datetime.fromisoformat(found.isoformat())

    def _since_1970(self, value: Any) -> datetime:
        try:
            number = math.nan if isinstance(value, bool) else float(value)
            if self.format == EPOCH_SECONDS and abs(number) >= MILLISECONDS_FROM:
                raise NotATime(_("%s is too large for seconds; set the time format to milliseconds.") % _short(value))
            seconds = number / 1000 if self.format == EPOCH_MILLISECONDS else number
            return datetime.fromtimestamp(seconds, UTC).astimezone(self.zone)
        except NotATime:
            raise
        except (TypeError, ValueError, OverflowError, OSError):
            raise NotATime(_("%s is no number of seconds or milliseconds since 1970.") % _short(value)) from None

    def _iso(self, text: str) -> datetime:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            raise NotATime(_("%s is not ISO 8601; choose the source's time format.") % _short(text)) from None

    def _patterned(self, text: str) -> datetime:
        expected = _("%(value)s is not of the form %(format)s.") % {"value": _short(text), "format": self.format}
        try:
            found = datetime.strptime(text, self.pattern)
        except ValueError:
            raise NotATime(expected) from None
        # strptime takes one digit where two are meant: in digits run together, a short text would be another time.
        if "%" not in self.format:
            exact = len(text) == len(self.format)
        else:
            exact = (
                not _RUN_TOGETHER.search(self.pattern) or "%f" in self.pattern or found.strftime(self.pattern) == text
            )
        if not exact:
            raise NotATime(expected)
        return found


def strptime_of(pattern: str) -> str:
    """A pattern in strptime's form. Raises ValueError naming what it cannot read."""
    if "%" not in pattern:
        if _LEFT_OVER.search(_LETTER.sub("", pattern).replace("T", "")):
            raise ValueError(_("Use yyyy, MM, dd, HH, mm, ss and SSS, or a strptime pattern such as %Y-%m-%d."))
        pattern = _LETTER.sub(lambda match: _LETTERS[match.group()], pattern)
    if not ("%Y" in pattern and "%d" in pattern) and not any(one in pattern for one in ("%c", "%x", "%j", "%s", "%y")):
        raise ValueError(_("The pattern gives no whole date; it needs a year, a month and a day."))
    try:
        datetime.strptime(datetime(2026, 11, 23, 20, 4, 13).strftime(pattern), pattern)
    except ValueError as error:
        raise ValueError(_("strptime cannot read this pattern: %s") % error) from None
    return pattern


def _short(value: Any) -> str:
    return repr(value if isinstance(value, int | float) else str(value)[:60])
