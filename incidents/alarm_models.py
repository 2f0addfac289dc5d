"""What alarm management keeps beside the incidents: who is on duty, floods, and suppressed sources."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from linkage.models import LinkedSystem
from ocenter.accounts.models import Municipality, User


class Presence(models.Model):
    """When a person's page was last connected: written while a socket is open (`presence`)."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="presence")
    seen_at = models.DateTimeField(_("seen at"))


class Flood(models.Model):
    """One flood of alarms of a municipality; while `ended_at` is empty it goes on, and there is at most one such.

    `alarms` and `operators` are those on which it was declared, counted over `window_s` seconds.
    """

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="floods")
    began_at = models.DateTimeField(_("began at"))
    ended_at = models.DateTimeField(_("ended at"), null=True)
    alarms = models.PositiveIntegerField(_("alarms"))
    operators = models.PositiveIntegerField(_("operators on duty"))
    window_s = models.PositiveIntegerField(_("window, seconds"))

    class Meta:
        verbose_name = _("alarm flood")
        verbose_name_plural = _("alarm floods")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["municipality"], condition=models.Q(ended_at=None), name="one_flood_at_a_time"
            )
        ]
        indexes = [models.Index(fields=["municipality", "-began_at"])]


class Suppression(models.Model):
    """A chattering source put aside by a supervisor: what it opens of G3 to G5 opens shelved, until `until`.

    `device_id` empty means everything of `system`. While `ended_at` is empty it holds.
    """

    class Ending(models.TextChoices):
        TIME = "time", _("its time was over")
        HAND = "hand", _("by hand")

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="suppressions")
    system = models.ForeignKey(LinkedSystem, models.PROTECT, related_name="+", verbose_name=_("source"))
    device_id = models.CharField(_("device id"), max_length=120, blank=True)
    reason = models.CharField(_("reason"), max_length=300)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("suppressed by"))
    began_at = models.DateTimeField(_("began at"), default=timezone.now)
    until = models.DateTimeField(_("until"))
    ended_at = models.DateTimeField(_("ended at"), null=True)
    ending = models.CharField(_("how it ended"), max_length=5, choices=Ending.choices, blank=True)

    class Meta:
        verbose_name = _("suppressed source")
        verbose_name_plural = _("suppressed sources")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["municipality", "system", "device_id"], condition=models.Q(ended_at=None),
                name="one_suppression_a_source",
            )
        ]  # fmt: skip
        indexes = [models.Index(fields=["until"], condition=models.Q(ended_at=None), name="suppression_running")]

    def __str__(self) -> str:
        return f"{self.system.slug} {self.device_id}".strip()
