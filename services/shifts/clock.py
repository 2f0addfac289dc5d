"""Which shift it is: pure arithmetic on Korean time. Korea keeps no summer time; were that to change, `KST` knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _

KST: Final = ZoneInfo("Asia/Seoul")
CREWS: Final = ("A", "B", "C", "D")
MIDNIGHT: Final = time(0)


class Shift(models.TextChoices):
    DAY = "day", _("day shift")
    EVENING = "evening", _("evening shift")
    NIGHT = "night", _("night shift")


class Span(NamedTuple):
    """One shift of one day: the night shift is of the day on which it began. `ends_at` is the next one's beginning."""

    shift: str
    day: date
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Plan:
    """A municipality's times, in Korean time, and its crews."""

    starts: tuple[tuple[str, time], ...] = (
        (Shift.DAY.value, time(6)), (Shift.EVENING.value, time(14)), (Shift.NIGHT.value, time(22)),
    )  # fmt: skip
    crews: tuple[str, ...] = CREWS


def shift_at(plan: Plan, at: datetime) -> Span:
    """The shift that is on at `at` (aware). A shift's first instant belongs to it, its last to the next."""
    spans = _spans_around(plan, at.astimezone(KST).date())
    return next(span for span in reversed(spans) if span.begins_at <= at)


def span_of(plan: Plan, shift: str, day: date) -> Span:
    """The span of that shift that began on `day`."""
    return next(span for span in _spans_around(plan, day) if (span.shift, span.day) == (shift, day))


def day_begins(day: date) -> datetime:
    """Midnight in Korea at the beginning of `day`."""
    return datetime.combine(day, MIDNIGHT, KST)


def _spans_around(plan: Plan, day: date) -> list[Span]:
    """The spans of the day before, of `day` and of the day after, in order."""
    days = [day + timedelta(days=n) for n in (-1, 0, 1, 2)]
    begins = sorted((datetime.combine(one, at, KST), shift, one) for one in days for shift, at in plan.starts)
    return [Span(shift, one, at, after[0]) for (at, shift, one), after in zip(begins, begins[1:], strict=False)]
