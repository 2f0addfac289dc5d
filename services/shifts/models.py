"""ShiftPlan, ShiftDuty, Handover, Notice: written only by the operations beside."""

from __future__ import annotations

from datetime import time

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ocenter.accounts.models import Municipality, User
from services.shifts.clock import CREWS, Plan, Shift

CREW_LENGTH = 20
CREWS_AT_MOST = 12
NOTES_LENGTH = 4_000
NOTICE_LENGTH = 1_000


def crews_of(text: str) -> tuple[str, ...]:
    """The crews' names of a list with commas."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


class ShiftPlan(models.Model):
    """When a municipality's shifts begin (Korean time), and its crews. Without a row: 06, 14, 22 and A to D."""

    municipality = models.OneToOneField(
        Municipality, models.CASCADE, related_name="shift_plan", verbose_name=_("municipality")
    )
    day_at = models.TimeField(_("day shift from"), default=time(6))
    evening_at = models.TimeField(_("evening shift from"), default=time(14))
    night_at = models.TimeField(_("night shift from"), default=time(22))
    crews = models.CharField(
        _("crews"), max_length=200, default=",".join(CREWS), help_text=_("Names with commas between, such as A,B,C,D.")
    )

    class Meta:
        verbose_name = _("shift plan")
        verbose_name_plural = _("shift plans")

    def __str__(self) -> str:
        return f"{self.day_at:%H:%M} {self.evening_at:%H:%M} {self.night_at:%H:%M}"

    def clean(self) -> None:
        """Refuses shifts that begin at the same time, and crews that cannot be told apart."""
        if len({self.day_at, self.evening_at, self.night_at}) < 3:
            raise ValidationError(_("The three shifts must begin at different times."))
        names = crews_of(self.crews)
        if not names or len(names) > CREWS_AT_MOST or len(set(names)) < len(names) or max(map(len, names)) > CREW_LENGTH:
            raise ValidationError({"crews": _("From 1 to 12 different names of at most 20 characters are needed.")})

    @property
    def plan(self) -> Plan:
        """The plan as the arithmetic takes it."""
        starts = (Shift.DAY.value, self.day_at), (Shift.EVENING.value, self.evening_at), (Shift.NIGHT.value, self.night_at)
        return Plan(starts, crews_of(self.crews))


class ShiftDuty(models.Model):
    """One person's time on duty. At most one is open for a person."""

    class Sound(models.TextChoices):
        HEARD = "heard", _("heard")
        NOT_HEARD = "not_heard", _("not heard")
        UNTESTED = "untested", _("not tested")

    class Ended(models.TextChoices):
        SIGNED_OUT = "signed_out", _("signed out of duty")
        RELIEVED = "relieved", _("began another duty")
        FORGOTTEN = "forgotten", _("ended by the system")

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="duties", verbose_name=_("user"))
    crew = models.CharField(_("crew"), max_length=CREW_LENGTH)
    shift = models.CharField(_("shift"), max_length=8, choices=Shift.choices)
    day = models.DateField(_("day"), help_text=_("The day on which the shift began, in Korea."))
    began_at = models.DateTimeField(_("began at"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended = models.CharField(_("ended how"), max_length=10, choices=Ended.choices, blank=True)
    sound = models.CharField(_("sound test"), max_length=10, choices=Sound.choices, default=Sound.UNTESTED)
    sound_at = models.DateTimeField(_("sound tested at"), null=True, blank=True)

    class Meta:
        verbose_name = _("duty")
        verbose_name_plural = _("duties")
        ordering = ["-began_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=models.Q(ended_at=None), name="one_open_duty_per_user")
        ]
        indexes = [models.Index(fields=["municipality", "-began_at"])]

    def __str__(self) -> str:
        return f"{self.day} {self.shift} {self.crew} {self.user_id}"


class Handover(models.Model):
    """What one shift hands to the next: written by itself, signed by both.

    draft → signed (by the outgoing shift: frozen) → archived (countersigned) or returned (a new draft replaces it).
    `frozen` is the canonical JSON (RFC 8785) that was signed and `digest` its SHA-256; `countersigned` is the canonical
    JSON of that digest with who took over, and `seal` its SHA-256. The database refuses to change them (migration 0002).
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        SIGNED = "signed", _("waits for the incoming shift")
        ARCHIVED = "archived", _("archived")
        RETURNED = "returned", _("returned for correction")

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+")
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.DRAFT)
    version = models.PositiveIntegerField(default=1, help_text=_("Counts what is written; a signature names what it read."))
    shift = models.CharField(_("shift"), max_length=8, choices=Shift.choices)
    day = models.DateField(_("day"))
    crew = models.CharField(_("crew"), max_length=CREW_LENGTH)
    written_at = models.DateTimeField(_("state of"))
    content = models.JSONField(_("contents"), default=dict, encoder=DjangoJSONEncoder)
    notes = models.TextField(_("notes"), blank=True)
    written_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("written by"))
    frozen = models.TextField(_("document"), blank=True)
    digest = models.CharField(_("SHA-256"), max_length=64, blank=True)
    outgoing = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("handed over by"))
    outgoing_at = models.DateTimeField(_("handed over at"), null=True)
    incoming = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("taken over by"))
    incoming_at = models.DateTimeField(_("taken over at"), null=True)
    incoming_crew = models.CharField(_("incoming crew"), max_length=CREW_LENGTH, blank=True)
    countersigned = models.TextField(_("countersignature"), blank=True)
    seal = models.CharField(_("seal"), max_length=64, blank=True)
    returned_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("returned by"))
    returned_at = models.DateTimeField(_("returned at"), null=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="replaced_by", verbose_name=_("corrects")
    )

    class Meta:
        verbose_name = _("handover")
        verbose_name_plural = _("handovers")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["municipality"], condition=models.Q(state__in=["draft", "signed"]), name="one_open_handover"
            )
        ]
        indexes = [models.Index(fields=["municipality", "-written_at"])]

    def __str__(self) -> str:
        return f"{self.day} {self.shift} {self.crew}"


class Notice(models.Model):
    """Something the room must know, until a time."""

    class Importance(models.TextChoices):
        NORMAL = "normal", _("normal")
        IMPORTANT = "important", _("important")

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+")
    text = models.TextField(_("text"), max_length=NOTICE_LENGTH)
    importance = models.CharField(_("importance"), max_length=9, choices=Importance.choices, default=Importance.NORMAL)
    until = models.DateTimeField(_("until"))
    posted_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("posted by"))
    posted_at = models.DateTimeField(_("posted at"), default=timezone.now)
    withdrawn_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("withdrawn by"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-id"]
        indexes = [models.Index(fields=["municipality", "until"])]

    def __str__(self) -> str:
        return self.text[:60]


class NoticeRead(models.Model):
    """Who has read a notice, and when."""

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="reads")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["notice", "user"], name="one_reading_per_person")]
