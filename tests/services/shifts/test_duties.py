"""Being on duty: signing in and out, the sound test, and what the room is told."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from incidents.work import Invalid
from ocenter.accounts import audit
from ocenter.accounts.models import AuditEntry
from services.shifts import duties
from services.shifts.duties import Refused
from services.shifts.models import Notice, NoticeRead, ShiftDuty, ShiftPlan
from services.shifts.selectors import current_notices, last_crew, on_duty, open_duty
from tests.incidents.cast import by
from tests.services.shifts.cast import at_once


def actions():
    return list(AuditEntry.objects.order_by("number").values_list("action", flat=True))


def in_an_hour():
    return timezone.now() + timedelta(hours=1)


def test_signing_in_puts_one_on_the_shift_of_the_moment(town, clock):
    clock("2026-11-27T23:10:00+09:00")
    duty, new = duties.duty_begin(by=by(town.kim), crew="B", sound="heard")
    assert new and (duty.crew, duty.shift, duty.day.isoformat(), duty.sound) == ("B", "night", "2026-11-27", "heard")
    assert duty.sound_at == duty.began_at and duty.ended_at is None
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.subject, entry.address) == ("user:kim", "shift.duty_began", "user:kim", "10.1.2.3")
    assert entry.detail == {"crew": "B", "shift": "night", "day": "2026-11-27", "sound": "heard"}
    assert audit.verify().whole


def test_repeating_it_changes_nothing(town):
    first, _ = duties.duty_begin(by=by(town.kim), crew="B")
    again, new = duties.duty_begin(by=by(town.kim), crew="B")
    assert not new and again.pk == first.pk and actions() == ["shift.duty_began"]
    tested, _ = duties.duty_begin(by=by(town.kim), crew="B", sound="not_heard")
    assert tested.pk == first.pk and tested.sound == "not_heard"


def test_another_crew_ends_the_duty_before(town):
    first, _ = duties.duty_begin(by=by(town.kim), crew="B")
    second, new = duties.duty_begin(by=by(town.kim), crew="C")
    first.refresh_from_db()
    assert new and first.ended == "relieved" and first.ended_at == second.began_at
    assert [one.pk for one in on_duty(town.municipality.pk)] == [second.pk] and last_crew(town.kim) == "C"


def test_who_comes_early_signs_in_for_the_next_shift(town, clock):
    clock("2026-11-27T05:40:00+09:00")
    duty, _ = duties.duty_begin(by=by(town.kim), crew="A", shift="day")
    assert (duty.shift, duty.day.isoformat()) == ("day", "2026-11-27")
    with pytest.raises(Invalid) as refusal:
        duties.duty_begin(by=by(town.kim), crew="A", shift="evening")
    assert refusal.value.field == "shift"


@pytest.mark.parametrize("wrong", [{"crew": "E"}, {"crew": ""}, {"sound": "loud"}, {"shift": "morning"}])
def test_a_crew_shift_or_sound_that_is_not_there_is_refused(town, wrong):
    with pytest.raises(Invalid):
        duties.duty_begin(by=by(town.kim), **{"crew": "A", **wrong})
    assert not ShiftDuty.objects.exists() and actions() == []


def test_a_municipality_has_its_own_times_and_crews(town, other, clock):
    ShiftPlan.objects.create(municipality=town.municipality, day_at="07:00", evening_at="15:00", night_at="23:00", crews="갑,을")
    clock("2026-11-27T06:30:00+09:00")
    assert duties.duty_begin(by=by(town.kim), crew="을")[0].shift == "night"
    assert duties.duty_begin(by=by(other.kim), crew="A")[0].shift == "day"
    with pytest.raises(Invalid):
        duties.duty_begin(by=by(other.kim), crew="을")


def test_the_sound_test_is_kept(town):
    with pytest.raises(Refused):
        duties.duty_test_sound(by=by(town.kim), heard=True)
    duties.duty_begin(by=by(town.kim), crew="A")
    assert duties.duty_test_sound(by=by(town.kim), heard=False).sound == "not_heard"
    assert duties.duty_test_sound(by=by(town.kim), heard=True).sound == "heard"
    assert actions() == ["shift.duty_began", "shift.sound_tested", "shift.sound_tested"]


def test_signing_out_ends_it_once(town):
    duties.duty_begin(by=by(town.kim), crew="A")
    assert duties.duty_end(by=by(town.kim)).ended == "signed_out"
    assert duties.duty_end(by=by(town.kim)) is None
    assert open_duty(town.kim) is None and actions() == ["shift.duty_began", "shift.duty_ended"]


def test_a_duty_nobody_ended_is_ended_after_sixteen_hours(town):
    duties.duty_begin(by=by(town.kim), crew="A"), duties.duty_begin(by=by(town.lee), crew="A")
    ShiftDuty.objects.filter(user=town.kim).update(began_at=timezone.now() - timedelta(hours=16, seconds=1))
    assert duties.duties_end_forgotten() == 1 and duties.duties_end_forgotten() == 0
    assert [one.user for one in on_duty(town.municipality.pk)] == [town.lee]
    assert AuditEntry.objects.latest("number").detail["because"] == "forgotten"


def test_who_moves_to_another_town_is_on_duty_nowhere(town, other):
    duties.duty_begin(by=by(town.kim), crew="A")
    town.kim.municipality = other.municipality
    town.kim.save()
    assert open_duty(town.kim) is None and last_crew(town.kim) == ""
    duty, _ = duties.duty_begin(by=by(town.kim), crew="D")
    assert duty.municipality == other.municipality and not on_duty(town.municipality.pk)


def test_signing_in_twice_at_once_makes_one_duty(town):
    results = at_once(*[lambda: duties.duty_begin(by=by(town.kim), crew="A")[1]] * 4)
    assert sorted(results) == [False, False, False, True] and ShiftDuty.objects.count() == 1


def test_the_database_allows_one_open_duty_a_person(town):
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'one_open_duty_per_user'")
        assert "WHERE (ended_at IS NULL)" in cursor.fetchone()[0]


def test_a_notice_holds_until_its_time(town, other):
    notice = duties.notice_post(by=by(town.park), text="  중앙로 3번 카메라 점검  ", until=in_an_hour(), importance="important")
    plain = duties.notice_post(by=by(town.park), text="물품 반입", until=in_an_hour())
    now = timezone.now()
    assert notice.text == "중앙로 3번 카메라 점검"
    assert list(current_notices(town.municipality.pk, now)) == [notice, plain]
    assert not current_notices(other.municipality.pk, now).exists()
    assert not current_notices(town.municipality.pk, now + timedelta(hours=2)).exists()
    assert AuditEntry.objects.first().detail["text"] == "물품 반입"


@pytest.mark.parametrize("wrong, field", [
    ({"text": "  "}, "text"), ({"text": "x" * 1001}, "text"), ({"text": "a\0b"}, "text"), ({"importance": "vital"}, "importance"),
    ({"until": timezone.now() - timedelta(seconds=1)}, "until"), ({"until": timezone.now() + timedelta(days=32)}, "until"),
])  # fmt: skip
def test_a_wrong_notice_is_refused(town, wrong, field):
    with pytest.raises(Invalid) as refusal:
        duties.notice_post(by=by(town.park), **{"text": "x", "until": in_an_hour(), **wrong})
    assert refusal.value.field == field and not Notice.objects.exists()


def test_notices_have_an_end(town):
    for n in range(duties.NOTICES_AT_MOST):
        duties.notice_post(by=by(town.park), text=str(n), until=in_an_hour())
    with pytest.raises(Refused):
        duties.notice_post(by=by(town.park), text="one more", until=in_an_hour())


def test_reading_and_withdrawing_count_once(town, other):
    notice = duties.notice_post(by=by(town.park), text="x", until=in_an_hour())
    for _ in range(2):
        duties.notice_read(notice_id=notice.pk, by=by(town.kim))
        duties.notice_withdraw(notice_id=notice.pk, by=by(town.park))
    assert NoticeRead.objects.count() == 1 and not current_notices(town.municipality.pk, timezone.now()).exists()
    assert actions() == ["shift.notice_posted", "shift.notice_read", "shift.notice_withdrawn"]
    for operation in (duties.notice_read, duties.notice_withdraw):
        with pytest.raises(Notice.DoesNotExist):
            operation(notice_id=notice.pk, by=by(other.park))
