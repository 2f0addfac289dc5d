"""One value at a time: what it says, or what is wrong with it in words a registry's keeper can act on."""

from __future__ import annotations

import math
import re
from datetime import date, timedelta
from typing import Final, NamedTuple

from django.utils.translation import gettext as _

from incidents.places import KOREA, in_korea

CAMERAS_OF_A_SITE_AT_MOST: Final = 500
EARLIEST_YEAR: Final = 1970
# A year typed into a date cell becomes so many days after this day, so 2009 to 2039 all show as 1905-07.
SPREADSHEET_DAY_ZERO: Final = date(1899, 12, 30)
_DAY: Final = re.compile(r"(\d{4})\D{0,2}(\d{1,2})\D{0,2}(\d{1,2})\D?$")
_YES: Final = frozenset({"Y", "YES", "O", "1", "TRUE", "유", "있음", "연계"})
_NO: Final = frozenset({"N", "NO", "X", "0", "FALSE", "무", "없음", "미연계"})
_MONTH: Final = re.compile(r"(\d{4})\D{0,2}(\d{1,2})?(?:\D{0,2}\d{1,2})?\D?$")


class Fault(NamedTuple):
    """What is wrong with one cell: the field as the file calls it, its value, and why."""

    field: str
    value: str
    why: str


class Damaged(ValueError):
    """A value cannot be used; `why` says it."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def degrees(text: str) -> float:
    """A coordinate as a finite number. Raises Damaged."""
    if not text:
        raise Damaged(_("the coordinate is missing"))
    try:
        value = float(text)
    except ValueError:
        raise Damaged(_("not a number")) from None
    if not math.isfinite(value):
        raise Damaged(_("not a number"))
    return value


def check_position(lat: float, lon: float) -> None:
    """Raises Damaged unless the position may be in Korea; says what it looks like instead."""
    if in_korea(lat, lon):
        return
    if lat == 0 and lon == 0:
        raise Damaged(_("0,0: the position was never entered"))
    if in_korea(lon, lat):
        raise Damaged(_("outside Korea: latitude and longitude look exchanged"))
    if abs(lat) > 90 or abs(lon) > 180:
        raise Damaged(_("no degrees: another projection than WGS84"))
    raise Damaged(
        _("outside Korea (%(south)g–%(north)g north, %(west)g–%(east)g east)")
        % {"south": KOREA.south, "north": KOREA.north, "west": KOREA.west, "east": KOREA.east}
    )


def camera_count(text: str) -> int:
    """How many cameras a site has. Raises Damaged where that is missing, zero or absurd."""
    if not text:
        raise Damaged(_("the number of cameras is missing"))
    count = whole(text.removesuffix("대"))
    if count is None or not 1 <= count <= CAMERAS_OF_A_SITE_AT_MOST:
        raise Damaged(_("not a number of cameras from 1 to %d") % CAMERAS_OF_A_SITE_AT_MOST)
    return count


def whole(text: str) -> int | None:
    """A whole number not below zero ("30", "30.0", "1,200"), or None for anything else."""
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return int(value) if math.isfinite(value) and value >= 0 and value == int(value) else None


def month(text: str, today: date) -> str:
    """A year and month ("2013-12") or a year ("2013") out of 2013-12, 201312, 2013.12.1, 2013년 12월; "" for "".

    Raises Damaged for anything else and for years in which there were no such cameras.
    """
    if not text:
        return ""
    found = _MONTH.match(text)
    if not found:
        raise Damaged(_("not a year and month"))
    year, number = int(found[1]), int(found[2] or 1)
    if not EARLIEST_YEAR <= year <= today.year + 1:
        raise Damaged(_spoilt_by_spreadsheet(year, number) or _("not a year in which cameras were installed"))
    if not 1 <= number <= 12:
        raise Damaged(_("there is no such month"))
    return f"{year}-{number:02d}" if found[2] else f"{year}"


def day(text: str) -> str:
    """A day ("2024-11-28") out of 2024-11-28, 20241128, 2024.11.28 or 2024년 11월 28일. Raises Damaged."""
    found = _DAY.match(text)
    try:
        return date(*(int(part) for part in found.groups())).isoformat()  # type: ignore[union-attr]
    except (AttributeError, ValueError):
        raise Damaged(_("not a day")) from None


def flag(text: str) -> bool:
    """Whether there is such a thing: Y, 1, 유, 있음, 연계 or N, 0, 무, 없음, 미연계. Raises Damaged for anything else."""
    plain = text.upper()
    if plain in _YES or plain in _NO:
        return plain in _YES
    raise Damaged(_("neither yes nor no"))


def _spoilt_by_spreadsheet(year: int, number: int) -> str:
    first = date(year, number, 1) if 1 <= number <= 12 else SPREADSHEET_DAY_ZERO
    lost = (first - SPREADSHEET_DAY_ZERO).days
    last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    if not EARLIEST_YEAR <= lost <= 2100:
        return ""
    years = {"from": lost, "to": (last - SPREADSHEET_DAY_ZERO).days}
    return _("damaged by a spreadsheet, which took a year (%(from)d to %(to)d) for a day count") % years
