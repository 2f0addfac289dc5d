"""Procedure, Checklist, StepMark."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from incidents.models import Incident
from ocenter.accounts.models import Municipality
from services.procedures.definition import Definition


class Procedure(models.Model):
    """One version of one procedure. A version never changes: editing writes the next, and only one is active.

    Without a municipality it is every centre's; a centre's own goes before it, an exact code before its family.
    """

    municipality = models.ForeignKey(
        Municipality, models.PROTECT, null=True, blank=True, related_name="procedures", verbose_name=_("municipality"),
        help_text=_("Empty: for every centre that has none of its own."),
    )  # fmt: skip
    applies_to = models.CharField(_("event code or family"), max_length=10)
    version = models.PositiveIntegerField(_("version"), editable=False)
    active = models.BooleanField(_("active"), default=True)
    title_ko = models.CharField(_("title in Korean"), max_length=200)
    title_en = models.CharField(_("title in English"), max_length=200)
    steps = models.JSONField(_("steps"), default=list, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    created_by = models.CharField(_("created by"), max_length=160, editable=False)

    class Meta:
        app_label = "services"
        verbose_name = _("procedure")
        verbose_name_plural = _("procedures")
        ordering = ["applies_to", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["municipality", "applies_to", "version"], nulls_distinct=False, name="one_row_per_version"
            ),
            models.UniqueConstraint(
                fields=["municipality", "applies_to"], condition=models.Q(active=True), nulls_distinct=False,
                name="one_active_version",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.applies_to} v{self.version}"

    @property
    def definition(self) -> Definition:
        """As a checklist keeps it."""
        return {
            "applies_to": self.applies_to, "version": self.version,
            "title": {"ko": self.title_ko, "en": self.title_en}, "steps": self.steps,
        }  # fmt: skip


class Checklist(models.Model):
    """A procedure being followed for one incident, with the version it began with.

    `since_seq` is the ledger's number of the reopening it belongs to, 0 before any: a reopened incident begins
    anew. `timed` where a step has a time to be kept; `look_at` is when the sweeper looks again, None for never.
    """

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="checklists")
    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+")
    procedure = models.ForeignKey(Procedure, models.PROTECT, null=True, related_name="checklists")
    applies_to = models.CharField(max_length=10)
    version = models.PositiveIntegerField()
    definition = models.JSONField()
    since_seq = models.BigIntegerField(default=0)
    began_at = models.DateTimeField()
    timed = models.BooleanField(default=False)
    look_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "services"
        constraints = [models.UniqueConstraint(fields=["incident", "since_seq"], name="one_checklist_a_round")]
        indexes = [
            models.Index(fields=["look_at"], condition=models.Q(look_at__isnull=False), name="checklist_look_at"),
            models.Index(fields=["municipality", "began_at"], name="checklist_began"),
        ]


class StepMark(models.Model):
    """What was done to a step of a checklist; never changed or deleted, the last one counts."""

    class Kind(models.TextChoices):
        DONE = "done", _("done")
        CHOSEN = "chosen", _("chosen")
        SKIPPED = "skipped", _("skipped")
        UNDONE = "undone", _("undone")
        WAIVED = "waived", _("waived")
        OVERDUE = "overdue", _("overdue")

    checklist = models.ForeignKey(Checklist, models.PROTECT, related_name="marks")
    step = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    choice = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    by = models.CharField(max_length=160)
    owner = models.CharField(max_length=10, blank=True)
    at = models.DateTimeField()

    class Meta:
        app_label = "services"
        ordering = ["id"]
        indexes = [models.Index(fields=["kind", "at"], name="stepmark_kind_at")]
        constraints = [
            models.UniqueConstraint(
                fields=["checklist", "step"], condition=models.Q(kind="overdue"), name="overdue_said_once"
            )
        ]
