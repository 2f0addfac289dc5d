"""Municipality, User, the API key every machine carries, and the audit chain's rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ocenter.accounts import keys


class Municipality(models.Model):
    """A local government: the border of everyone's data (invariant I7).

    `code` is the administrative standard code (행정표준코드), as text: Daejeon is "30000".
    `boundary` is a GeoJSON Polygon or MultiPolygon in WGS84, or null where unknown.
    """

    code = models.CharField(_("code"), max_length=10, unique=True)
    name_ko = models.CharField(_("Korean name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60)
    lat = models.FloatField(_("latitude of the centre"))
    lon = models.FloatField(_("longitude of the centre"))
    boundary = models.JSONField(_("boundary"), null=True, blank=True)

    class Meta:
        verbose_name = _("municipality")
        verbose_name_plural = _("municipalities")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.name_ko} ({self.code})"

    @property
    def name(self) -> dict[str, str]:
        """Both names, as every payload carries them."""
        return {"ko": self.name_ko, "en": self.name_en}


class User(AbstractUser):
    """A person. Everything a user sees is of `municipality`; without one, nothing is seen.

    Contractors' accounts (`employer` set) must expire: `expires_at` ends the session too.
    """

    class Role(models.TextChoices):
        OPERATOR = "operator", _("operator")
        SUPERVISOR = "supervisor", _("supervisor")
        ADMINISTRATOR = "administrator", _("administrator")
        AUDITOR = "auditor", _("auditor")

    role = models.CharField(_("role"), max_length=16, choices=Role.choices, default=Role.OPERATOR)
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, null=True, blank=True, related_name="users", verbose_name=_("municipality")
    )
    display_name = models.CharField(_("display name"), max_length=60, blank=True)
    employer = models.CharField(
        _("employer"), max_length=100, blank=True, help_text=_("Set for contractors, whose accounts must expire.")
    )
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)

    objects = UserManager()

    class Meta(AbstractUser.Meta):
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(employer="") | models.Q(expires_at__isnull=False),
                name="contractor_account_expires",
                violation_error_message=_("A contractor's account needs an expiry date."),
            )
        ]

    @property
    def label(self) -> str:
        """The name other people see."""
        return self.display_name or self.get_full_name() or self.username

    def is_current(self, at: datetime | None = None) -> bool:
        """Whether the account may be used at `at` (now by default)."""
        return self.is_active and (self.expires_at is None or self.expires_at > (at or timezone.now()))


class Preference(models.Model):
    """How one person likes the page, by name: any JSON value that the page itself understands."""

    user = models.ForeignKey(User, models.CASCADE, related_name="preferences", verbose_name=_("user"))
    name = models.CharField(_("name"), max_length=40)
    value: models.JSONField[Any] = models.JSONField(_("value"))

    class Meta:
        verbose_name = _("preference")
        verbose_name_plural = _("preferences")
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_preference_per_name")]

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """A machine's key, stored hashed: the secret is shown once, when issued.

    Abstract: the app that owns the key's bearer makes it concrete (`linkage.SystemKey`).
    """

    prefix = models.CharField(_("prefix"), max_length=keys.PREFIX_LENGTH, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    label = models.CharField(_("label"), max_length=60, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.prefix}…"

    def is_current(self, at: datetime | None = None) -> bool:
        """Whether the key is neither revoked nor expired at `at` (now by default)."""
        now = at or timezone.now()
        return (self.revoked_at is None or self.revoked_at > now) and (self.expires_at is None or self.expires_at > now)


class AuditEntry(models.Model):
    """One row of the tamper-evident audit chain; written only by `audit.record`.

    `digest` is the HMAC of this row and of the previous row's digest. Rows are numbered
    from 1 without holes; `AuditHead` holds the last one, so cutting the tail shows too.
    """

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(_("time"))
    municipality = models.ForeignKey(Municipality, models.PROTECT, null=True, related_name="+")
    actor = models.CharField(_("actor"), max_length=160)
    address = models.GenericIPAddressField(_("address"), null=True)
    action = models.CharField(_("action"), max_length=60)
    subject = models.CharField(_("subject"), max_length=160)
    detail = models.JSONField(_("detail"), default=dict, encoder=DjangoJSONEncoder)
    digest = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-number"]
        indexes = [models.Index(fields=["subject", "at"]), models.Index(fields=["municipality", "at"])]

    def __str__(self) -> str:
        return f"{self.number} {self.action} {self.subject}"


class AuditHead(models.Model):
    """The end of the audit chain: one row, locked while an entry is added."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="")
    seal = models.CharField(max_length=64, default="")
