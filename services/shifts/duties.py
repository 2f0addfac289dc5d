"""Being on duty and what the room is told: each a transaction with its ledger row and audit entry.

Refusals: `Invalid` (the input), `Refused` (the state).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from incidents import ledger
from incidents.reports import storable
from incidents.work import Invalid
from ocenter.accounts import audit
from ocenter.accounts.models import Municipality, User
from ocenter.accounts.principal import SYSTEM_ACTOR, Actor, Principal
from services.shifts.clock import Span, shift_at
from services.shifts.models import NOTICE_LENGTH, Handover, Notice, NoticeRead, ShiftDuty
from services.shifts.selectors import current_notices, open_duty, plan_of

# Nobody works longer: who forgot to sign out is signed out, and the list of those on duty stays true.
DUTY_AT_MOST: Final = timedelta(hours=16)
NOTICE_AT_MOST: Final = timedelta(days=31)
NOTICES_AT_MOST: Final = 50


class Refused(Exception):
    """The state forbids it. `detail` says what would help; `handover` is as it stands, where it is about one."""

    def __init__(self, detail: str, handover: Handover | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.handover = handover


def town_of(by: Principal) -> int:
    """The caller's municipality; callers without one have been refused before."""
    assert by.municipality_id is not None
    return by.municipality_id


def person(by: Principal) -> User:
    """The person calling; machines have been refused before."""
    assert by.user is not None
    return by.user


def record(by: Principal, action: str, subject: str, detail: Mapping[str, Any]) -> None:
    """The room's ledger row and the audit entry; called last."""
    _record(by.actor, action, subject, detail, town_of(by), by.address)


def _record(
    actor: Actor, action: str, subject: str, detail: Mapping[str, Any], municipality_id: int, address: str | None = None
) -> None:
    """The ledger row says only what has changed, for consoles to ask anew: its readers are more than the shift's."""
    municipality = Municipality.objects.defer("boundary").get(pk=municipality_id)
    ledger.append(municipality, [ledger.Draft(action, None, actor, {"subject": subject})])
    audit.record(
        actor=f"{actor['kind']}:{actor['name']}", action=action, subject=subject, detail=detail,
        municipality_id=municipality_id, address=address,
    )  # fmt: skip


@transaction.atomic
def duty_begin(*, by: Principal, crew: str, shift: str = "", sound: str = ShiftDuty.Sound.UNTESTED) -> tuple[ShiftDuty, bool]:
    """Puts the caller on duty with `crew` for the present shift, or the next one by its name; whether it is new.

    Repeating it for the same shift and crew changes nothing but the sound test; another one ends the duty before.
    Raises Invalid for a crew or shift that is not there.
    """
    plan, now = plan_of(town_of(by)), timezone.now()
    if crew not in plan.crews:
        raise Invalid("crew", _("One of the crews is needed: %s.") % ", ".join(plan.crews))
    _require_sound(sound)
    span = _chosen(shift_at(plan, now), shift_at(plan, shift_at(plan, now).ends_at), shift)
    user = User.objects.select_for_update(no_key=True).get(pk=person(by).pk)
    present = open_duty(user)
    if present and (present.crew, present.shift, present.day) == (crew, span.shift, span.day):
        if sound != ShiftDuty.Sound.UNTESTED:
            _note_sound(present, sound, by)
        return present, False
    ShiftDuty.objects.filter(user=user, ended_at=None).update(ended_at=now, ended=ShiftDuty.Ended.RELIEVED)
    duty = ShiftDuty.objects.create(
        municipality_id=town_of(by), user=user, crew=crew, shift=span.shift, day=span.day, began_at=now, sound=sound,
        sound_at=None if sound == ShiftDuty.Sound.UNTESTED else now,
    )  # fmt: skip
    record(by, "shift.duty_began", f"user:{user.username}", _told(duty) | {"sound": sound})
    return duty, True


def _chosen(present: Span, following: Span, shift: str) -> Span:
    if shift in ("", present.shift):
        return present
    if shift == following.shift:
        return following
    known = ", ".join((present.shift, following.shift))
    raise Invalid("shift", _("The present shift or the next one is needed: %s.") % known)


def _require_sound(sound: str) -> None:
    if sound not in ShiftDuty.Sound.values:
        raise Invalid("sound", _("One of these is needed: %s.") % ", ".join(ShiftDuty.Sound.values))


@transaction.atomic
def duty_test_sound(*, by: Principal, heard: bool) -> ShiftDuty:
    """Keeps whether the caller has heard the test tone. Raises Refused where they are not on duty."""
    duty = required_duty(by)
    _note_sound(duty, ShiftDuty.Sound.HEARD if heard else ShiftDuty.Sound.NOT_HEARD, by)
    return duty


def _note_sound(duty: ShiftDuty, sound: str, by: Principal) -> None:
    duty.sound, duty.sound_at = sound, timezone.now()
    duty.save(update_fields=["sound", "sound_at"])
    record(by, "shift.sound_tested", f"user:{duty.user.username}", {"sound": sound})


@transaction.atomic
def duty_end(*, by: Principal) -> ShiftDuty | None:
    """Takes the caller off duty; None where they were not on it, so that repeating is safe."""
    user = User.objects.select_for_update(no_key=True).get(pk=person(by).pk)
    duty = open_duty(user)
    if duty is None:
        return None
    duty.ended_at, duty.ended = timezone.now(), ShiftDuty.Ended.SIGNED_OUT
    duty.save(update_fields=["ended_at", "ended"])
    record(by, "shift.duty_ended", f"user:{user.username}", _told(duty))
    return duty


def required_duty(by: Principal) -> ShiftDuty:
    """The duty the caller is on. Raises Refused where they are on none."""
    duty = open_duty(person(by))
    if duty is None:
        raise Refused(_("Begin your duty first: a handover is between those on duty."))
    return duty


def duties_end_forgotten() -> int:
    """Ends every duty that has lasted longer than anybody works; returns how many. The sweeper's duty."""
    due = ShiftDuty.objects.filter(ended_at=None, began_at__lte=timezone.now() - DUTY_AT_MOST)
    return sum(_end_forgotten(pk) for pk in due.values_list("pk", flat=True)[:100])


@transaction.atomic
def _end_forgotten(pk: int) -> int:
    now = timezone.now()
    if not ShiftDuty.objects.filter(pk=pk, ended_at=None).update(ended_at=now, ended=ShiftDuty.Ended.FORGOTTEN):
        return 0
    duty = ShiftDuty.objects.select_related("user").get(pk=pk)
    detail = _told(duty) | {"because": "forgotten"}
    _record(SYSTEM_ACTOR, "shift.duty_ended", f"user:{duty.user.username}", detail, duty.municipality_id)
    return 1


def _told(duty: ShiftDuty) -> dict[str, str]:
    return {"crew": duty.crew, "shift": duty.shift, "day": duty.day.isoformat()}


@transaction.atomic
def notice_post(*, by: Principal, text: str, until: datetime, importance: str = Notice.Importance.NORMAL) -> Notice:
    """Tells the room something until a time, at most 31 days ahead. Raises Invalid, and Refused beyond 50 at once."""
    now, text = timezone.now(), text.strip()
    if not text or len(text) > NOTICE_LENGTH or not storable(text):
        raise Invalid("text", _("A text of 1 to 1,000 characters is needed."))
    if importance not in Notice.Importance.values:
        raise Invalid("importance", _("One of these is needed: %s.") % ", ".join(Notice.Importance.values))
    if not now < until <= now + NOTICE_AT_MOST:
        raise Invalid("until", _("A time in the next 31 days is needed."))
    if current_notices(town_of(by), now).count() >= NOTICES_AT_MOST:
        raise Refused(_("50 notices hold already; nobody reads more. Withdraw one first."))
    notice = Notice.objects.create(
        municipality_id=town_of(by), text=text, until=until, importance=importance, posted_by=person(by), posted_at=now
    )
    detail = {"text": text, "until": until.isoformat(), "importance": importance}
    record(by, "shift.notice_posted", f"notice:{notice.pk}", detail)
    return notice


@transaction.atomic
def notice_withdraw(*, notice_id: int, by: Principal) -> Notice:
    """Takes a notice back before its time. Repeating changes nothing. Raises Notice.DoesNotExist."""
    notice = _locked_notice(notice_id, by)
    if notice.withdrawn_at is None:
        notice.withdrawn_at, notice.withdrawn_by = timezone.now(), person(by)
        notice.save(update_fields=["withdrawn_at", "withdrawn_by"])
        record(by, "shift.notice_withdrawn", f"notice:{notice.pk}", {})
    return notice


@transaction.atomic
def notice_read(*, notice_id: int, by: Principal) -> Notice:
    """Keeps that the caller has read it; the first time counts. Raises Notice.DoesNotExist."""
    notice = _locked_notice(notice_id, by)
    _reading, first = NoticeRead.objects.get_or_create(notice=notice, user=person(by))
    if first:
        record(by, "shift.notice_read", f"notice:{notice.pk}", {})
    return notice


def _locked_notice(notice_id: int, by: Principal) -> Notice:
    return Notice.objects.select_for_update(no_key=True).get(pk=notice_id, municipality_id=town_of(by))
