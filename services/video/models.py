"""One look at one camera."""

from __future__ import annotations

import uuid
from typing import Final

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from incidents.models import Camera, Incident
from ocenter.accounts.models import Municipality, User

REASON_LENGTH: Final = 300


class VideoView(models.Model):
    """Somebody watched a camera: who, from where, which, for which incident or reason, from when to when.

    Rows are kept, and `seconds` counts only while there was a picture. The audit chain holds the beginning and the
    end of each; this table is what makes them easy to ask for.
    """

    class Ending(models.TextChoices):
        VIEWER = "viewer", _("by the viewer")
        SILENCE = "silence", _("page gone")
        EXPIRY = "expiry", _("time over")
        ACCESS = "access", _("right withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+", verbose_name=_("municipality"))
    camera = models.ForeignKey(Camera, models.PROTECT, related_name="views", verbose_name=_("camera"))
    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("user"))
    incident = models.ForeignKey(Incident, models.PROTECT, null=True, related_name="views", verbose_name=_("incident"))
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH, blank=True)
    address = models.GenericIPAddressField(_("address"), null=True)
    begun_at = models.DateTimeField(_("begun at"), default=timezone.now)
    heard_at = models.DateTimeField(_("last heard at"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires at"))
    first_picture_at = models.DateTimeField(_("first picture at"), null=True)
    ended_at = models.DateTimeField(_("ended at"), null=True)
    ended_by = models.CharField(_("ended"), max_length=8, choices=Ending.choices, blank=True)
    seconds = models.FloatField(_("seconds viewed"), default=0)

    class Meta:
        verbose_name = _("viewing")
        verbose_name_plural = _("viewings")
        ordering = ["-begun_at"]
        indexes = [
            models.Index(fields=["heard_at"], condition=models.Q(ended_at=None), name="view_open"),
            models.Index(fields=["municipality", "-begun_at"], name="view_recent"),
            models.Index(fields=["camera", "-begun_at"], name="view_of_camera"),
        ]

    def __str__(self) -> str:
        return f"{self.camera_id} {self.begun_at:%Y-%m-%d %H:%M}"
