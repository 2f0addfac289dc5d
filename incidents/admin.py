"""Registries to edit, incidents and the ledger to look at, in the admin site."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib.admin import EmptyFieldListFilter, RelatedOnlyFieldListFilter
from django.db import models
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from incidents.codes import CODES
from incidents.models import Camera, Change, CorrelationRule, Device, Event, Incident
from linkage.admin_actions import local_name
from linkage.masking import masked
from ocenter.accounts.admin_base import ReadOnlyAdmin, ReadOnlyInline, ScopedAdmin
from ocenter.accounts.pretty import json_block, link_to

GRADE_COLOURS: Final = {"G1": "danger", "G2": "warning", "G3": "primary", "G4": "info", "G5": ""}
STATUS_COLOURS: Final = {
    "open": "danger", "reopened": "danger", "received": "warning", "acked": "warning", "verifying": "warning",
    "confirmed": "primary", "notified": "primary", "responding": "primary", "resolved": "success",
    "closed": "success", "false_alarm": "", "test": "", "merged": "", "cancelled": "",
}  # fmt: skip


JOINS_SHOWN: Final = timedelta(hours=24)


def _counted(events: QuerySet[Event]) -> Coalesce:
    """How many, as a subquery."""
    return Coalesce(Subquery(events.order_by().values("code").annotate(n=Count("pk")).values("n")), 0)


class RegistryAdmin(ScopedAdmin):
    """A registry's rows: `updated_at` follows each save."""

    readonly_fields = ("updated_at",)

    def save_model(self, request: HttpRequest, obj: models.Model, form: forms.ModelForm, change: bool) -> None:
        """Saves, with the time."""
        obj.updated_at = timezone.now()
        super().save_model(request, obj, form, change)


class CameraAdmin(RegistryAdmin):
    """The cameras, one row each."""

    list_display = ("name", "site_number", "index", "purpose", "manager", "ptz", "gone_at", "updated_at")
    list_filter = ("purpose", "ptz", ("gone_at", EmptyFieldListFilter), "source")
    readonly_fields = ("system", "gone_at", "updated_at")
    search_fields = ("name", "site_number", "road_address", "lot_address", "manager")
    fieldsets = (
        (None, {"fields": (("municipality", "source"), ("site_number", "index"), ("name", "purpose"), "ptz",
            ("system", "gone_at"))}),
        (_("Place"), {"fields": (("lat", "lon"), "direction", "road_address", "lot_address")}),
        (_("Upkeep"), {"fields": (
            ("manager", "manager_phone"), ("megapixels", "retention_days", "installed_on"), "updated_at",
        )}),
    )  # fmt: skip


class DeviceAdmin(RegistryAdmin):
    """Bells, sensors, detectors and signs."""

    list_display = ("name", "kind", "device_id", "address", "updated_at")
    list_filter = ("kind",)
    search_fields = ("name", "device_id", "address")
    fieldsets = (
        (None, {"fields": (("municipality", "kind"), ("device_id", "name"))}),
        (_("Place"), {"fields": (("lat", "lon"), "address", "updated_at")}),
        (_("Registry"), {"fields": ("attributes",)}),
    )


class CorrelationRuleAdmin(ScopedAdmin):
    """How near events of a code must be to belong together."""

    list_display = ("event", "radius_m", "window_s", "joined_lately")
    search_fields = ("code",)
    fields = (("municipality", "code"), ("radius_m", "window_s"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[CorrelationRule]:
        """With how many events of the code came in the last day, and how many of them joined an incident."""
        since = timezone.now() - JOINS_SHOWN
        # By system: the index on events is theirs.
        own = Event.objects.filter(
            system__municipality=OuterRef("municipality"), code=OuterRef("code"), received_at__gte=since
        )  # fmt: skip
        return super().get_queryset(request).annotate(
            came=_counted(own), joined=_counted(own.filter(rule_radius_m__isnull=False))
        )  # fmt: skip

    @display(description=_("joined in 24 h"))
    def joined_lately(self, rule: CorrelationRule) -> str:
        """How many events the rule has joined; one that matches nothing says so, and whether anything could have."""
        came, joined = rule.came, rule.joined  # type: ignore[attr-defined]
        if joined:
            return gettext("%(joined)d of %(came)d") % {"joined": joined, "came": came}
        return gettext("none of %d: it matches nothing") % came if came else gettext("no event of this code came")

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        """The codes by name."""
        if db_field.name == "code":
            return forms.ChoiceField(label=db_field.verbose_name, choices=_code_choices, widget=UnfoldAdminSelectWidget)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @display(description=_("event code"), ordering="code")
    def event(self, rule: CorrelationRule) -> str:
        """The code with its name."""
        return _code_name(rule.code)


class EventInline(ReadOnlyInline):
    """The reports an incident is made of."""

    model = Event
    fields = readonly_fields = ("page", "source", "code", "occurred_at", "summary", "distance_m", "gap_s")
    per_page = 20

    @display(description=_("event"))
    def page(self, event: Event) -> str:
        """The way to the event."""
        return link_to(event, event.source_id)

    @display(description=_("source"))
    def source(self, event: Event) -> str:
        """Who reported it."""
        return local_name(event.system)


class IncidentAdmin(ReadOnlyAdmin):
    """Incidents, to look at: they are worked on at the map."""

    list_display = ("number", "grade_badge", "event", "status_badge", "place", "system", "event_count", "occurred_at")
    list_filter = ("status", "grade", "family", ("system", RelatedOnlyFieldListFilter))
    search_fields = ("number", "summary", "address")
    date_hierarchy = "occurred_at"
    list_select_related = ("system",)
    inlines = (EventInline,)
    fieldsets = (
        (None, {"fields": (("number", "code", "grade"), ("status", "status_at"), "summary", ("holder", "version"))}),
        (_("Place"), {"fields": ("address", ("place", "lat", "lon"))}),
        (_("Source"), {"fields": (("system", "device_id", "event_count"),)}),
        (_("Times"), {"fields": (
            ("occurred_at", "received_at", "last_event_at"), ("ack_due_at", "acknowledged_at", "closed_at"),
            "shelved_until",
        )}),
        (_("Outcome"), {"fields": (("result_code", "merged"), "reason")}),
    )  # fmt: skip

    readonly_fields = ("merged",)

    @display(description=_("merged into"))
    def merged(self, incident: Incident) -> str:
        """The way to the incident it became part of."""
        return link_to(incident.merged_into)

    @display(description=_("grade"), ordering="grade", label=GRADE_COLOURS)
    def grade_badge(self, incident: Incident) -> tuple[str, str]:
        """The grade as a coloured word."""
        return incident.grade, f"{incident.grade} {incident.get_grade_display()}"

    @display(description=_("status"), ordering="status", label=STATUS_COLOURS)
    def status_badge(self, incident: Incident) -> tuple[str, str]:
        """The status as a coloured word."""
        return incident.status, incident.get_status_display()

    @display(description=_("event code"), ordering="code")
    def event(self, incident: Incident) -> str:
        """The code with its name."""
        return _code_name(incident.code)


class EventAdmin(ReadOnlyAdmin):
    """Reports as they were understood."""

    list_display = ("source_id", "source", "event", "grade", "joined", "summary", "occurred_at")
    list_filter = ("grade", ("system", RelatedOnlyFieldListFilter))
    search_fields = ("source_id", "incident__number", "device_id")
    date_hierarchy = "occurred_at"
    list_select_related = ("system", "incident")
    readonly_fields = ("source", "joined", "attributes_shown")
    fieldsets = (
        (None, {"fields": (("source_id", "source"), ("code", "grade"), "summary", "joined")}),
        (_("Place"), {"fields": ("address", ("lat", "lon"), "device_id")}),
        (_("Correlation"), {"fields": (("distance_m", "gap_s"), ("occurred_at", "received_at"))}),
        (_("Attributes, personal data covered"), {"fields": ("attributes_shown",)}),
    )

    @display(description=_("event code"), ordering="code")
    def event(self, event: Event) -> str:
        """The code with its name."""
        return _code_name(event.code)

    @display(description=_("source"), ordering="system")
    def source(self, event: Event) -> str:
        """Who reported it."""
        return local_name(event.system)

    @display(description=_("incident"), ordering="incident")
    def joined(self, event: Event) -> str:
        """The way to its incident."""
        return link_to(event.incident)

    @display(description=_("attributes"))
    def attributes_shown(self, event: Event) -> str:
        """What the source said beside, masked."""
        return json_block(masked(event.attributes))


class ChangeAdmin(ReadOnlyAdmin):
    """The ledger, newest first."""

    ordering = ("-municipality_id", "-seq")
    list_display = ("ledger_number", "recorded_at", "what", "about", "actor")
    search_fields = ("incident__number", "kind")
    list_select_related = ("incident",)
    readonly_fields = ("ledger_number", "recorded_at", "what", "actor", "about", "body_shown")
    fields = (("ledger_number", "recorded_at"), ("what", "actor"), "about", "body_shown")

    @display(description=_("incident"), ordering="incident")
    def about(self, change: Change) -> str:
        """The way to the incident."""
        return link_to(change.incident)

    @display(description=_("ledger number"), ordering="seq")
    def ledger_number(self, change: Change) -> int:
        """The row's place in its municipality's ledger."""
        return change.seq

    @display(description=_("recorded at"), ordering="at")
    def recorded_at(self, change: Change) -> Any:
        """When it was committed."""
        return change.at

    @display(description=_("what happened"), ordering="kind")
    def what(self, change: Change) -> str:
        """The kind of change."""
        return change.kind

    @display(description=_("by"))
    def actor(self, change: Change) -> str:
        """Who did it."""
        return str((change.body.get("actor") or {}).get("name", "–"))

    @display(description=_("row as clients get it, personal data covered"))
    def body_shown(self, change: Change) -> str:
        """The body, masked."""
        return json_block(masked(change.body))


def _code_name(code: str) -> str:
    known = CODES.get(code)
    return f"{code} {known.name['en' if (get_language() or '').startswith('en') else 'ko']}" if known else code


def _code_choices() -> list[tuple[str, str]]:
    return [(code, _code_name(code)) for code in CODES]


PAGES: Final = (
    (Camera, CameraAdmin),
    (Device, DeviceAdmin),
    (CorrelationRule, CorrelationRuleAdmin),
    (Incident, IncidentAdmin),
    (Event, EventAdmin),
    (Change, ChangeAdmin),
)
