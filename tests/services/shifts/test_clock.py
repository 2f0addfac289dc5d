"""Which shift it is, across midnight, across the change of shifts, and whatever zone the question comes in."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from services.shifts.clock import KST, Plan, Shift, day_begins, shift_at, span_of
from services.shifts.models import ShiftPlan

USUAL = Plan()


def kst(text):
    return datetime.fromisoformat(f"{text}+09:00")


@pytest.mark.parametrize(
    "at, shift, day",
    [
        ("2026-11-27T05:59:59", "night", "2026-11-26"),
        ("2026-11-27T06:00:00", "day", "2026-11-27"),
        ("2026-11-27T13:59:59", "day", "2026-11-27"),
        ("2026-11-27T14:00:00", "evening", "2026-11-27"),
        ("2026-11-27T21:59:59", "evening", "2026-11-27"),
        ("2026-11-27T22:00:00", "night", "2026-11-27"),
        ("2026-11-27T23:59:59", "night", "2026-11-27"),
        ("2026-11-28T00:00:00", "night", "2026-11-27"),
        ("2027-01-01T00:30:00", "night", "2026-12-31"),
    ],
)
def test_each_moment_has_its_shift(at, shift, day):
    span = shift_at(USUAL, kst(at))
    assert (span.shift, span.day.isoformat()) == (shift, day)
    assert span.begins_at <= kst(at) < span.ends_at


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati", "Asia/Seoul"])
def test_the_zone_of_the_question_changes_nothing(zone):
    """15:00 UTC is midnight in Korea; New York changes its clocks in November, Korea never does."""
    for text in ("2026-10-31T23:59:59", "2026-11-01T00:00:00", "2026-11-01T05:59:59", "2026-11-01T14:00:00", "2027-03-14T22:00:00"):
        at = kst(text).astimezone(ZoneInfo(zone))
        assert shift_at(USUAL, at) == shift_at(USUAL, kst(text))


def test_the_night_of_a_day_begins_in_utc_on_the_same_day_and_ends_on_the_same_utc_day():
    span = shift_at(USUAL, datetime(2026, 11, 27, 20, 59, 59, tzinfo=UTC))
    assert (span.shift, span.day) == ("night", date(2026, 11, 27))
    assert span.begins_at == datetime(2026, 11, 27, 13, tzinfo=UTC) and span.ends_at == datetime(2026, 11, 27, 21, tzinfo=UTC)


def test_shifts_follow_each_other_without_a_gap():
    span = shift_at(USUAL, kst("2026-12-30T12:00:00"))
    seen = []
    for _ in range(9):
        following = shift_at(USUAL, span.ends_at)
        assert following.begins_at == span.ends_at and following == span_of(USUAL, following.shift, following.day)
        seen.append(span.shift)
        span = following
    assert seen == ["day", "evening", "night"] * 3


def test_a_night_that_begins_after_midnight_is_of_that_day():
    plan = Plan(((Shift.DAY, time(8)), (Shift.EVENING, time(16)), (Shift.NIGHT, time(0))))
    assert shift_at(plan, kst("2026-11-27T00:00:00"))[:2] == ("night", date(2026, 11, 27))
    assert shift_at(plan, kst("2026-11-26T23:59:59"))[:2] == ("evening", date(2026, 11, 26))


def test_a_day_begins_at_midnight_in_korea():
    assert day_begins(date(2026, 11, 27)) == datetime(2026, 11, 27, tzinfo=KST)


def test_a_plan_is_refused_where_shifts_or_crews_cannot_be_told_apart():
    ShiftPlan(crews="갑, 을 ,병").clean()
    assert ShiftPlan(crews="갑, 을 ,병").plan.crews == ("갑", "을", "병")
    for wrong in ({"evening_at": time(6)}, {"crews": " , "}, {"crews": "A,B,A"}, {"crews": "x" * 21}, {"crews": ",".join(map(str, range(13)))}):
        with pytest.raises(ValidationError):
            ShiftPlan(**wrong).clean()
