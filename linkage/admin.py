"""Linked systems, their keys and tests, and what is on its way to them, in the admin site."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.contrib.admin import EmptyFieldListFilter, RelatedOnlyFieldListFilter
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from linkage import admin_actions
from linkage.masking import masked, masked_text
from linkage.models import Attempt, Delivery, LinkedSystem, Relay, SystemKey
from linkage.standing import STANDING_COLOURS, standing_of
from ocenter.accounts.admin_base import ReadOnlyAdmin, ReadOnlyInline, ScopedAdmin
from ocenter.accounts.pretty import badge, json_block, link_to

Kind = LinkedSystem.Kind
RELAY_COLOURS: Final = {
    "queued": "warning", "failed": "danger", "sent": "info", "accepted": "info", "dispatched": "primary",
    "arrived": "success", "closed": "success", "declined": "danger", "cancelled": "", "by_hand": "warning",
}  # fmt: skip
DELIVERY_COLOURS: Final = {"pending": "warning", "delivered": "success", "failed": "danger", "dropped": ""}
# None: the kind is still to be chosen, and `conditional_fields` hides what it does not need.
CONNECTION_FIELDS: Final[dict[str | None, tuple[str, ...]]] = {
    None: ("endpoint", "allowed_network", "callback_base_url", "phone", "quiet_limit_s"),
    Kind.AGENCY: ("endpoint", "allowed_network", "callback_base_url", "phone"),
    Kind.FEED: ("quiet_limit_s",),
    Kind.CENTRAL: ("phone",),
}
# What a system's counterparts know it by: fixed once they do.
FIXED_AFTER_CREATION: Final = ("municipality", "kind", "slug")


class LinkedSystemForm(forms.ModelForm):
    """The fields of a linked system; an agency cannot be without the address relays go to."""

    def clean(self) -> dict[str, Any]:
        """Refuses an agency without an endpoint."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("kind") == Kind.AGENCY and not cleaned.get("endpoint") and "endpoint" not in self.errors:
            self.add_error("endpoint", gettext("An agency needs the address relays are posted to."))
        return cleaned


class KeyInline(ReadOnlyInline):
    """A system's keys to look at: the secret itself is nowhere to be read."""

    model = SystemKey
    fields = readonly_fields = ("prefix", "label", "created_at", "expires_at", "key_state", "revoke")
    ordering = ("-created_at",)

    @display(description=_("state"))
    def key_state(self, key: SystemKey) -> str:
        """Whether the key opens anything now."""
        if key.is_current():
            return badge("success", _("in use"))
        return badge("danger", _("revoked")) if key.revoked_at else badge("warning", _("expired"))

    @display(description="")
    def revoke(self, key: SystemKey) -> SafeString | str:
        """The way to the page that revokes the key."""
        if key.revoked_at:
            return ""
        url = reverse("admin:linkage_linkedsystem_revoke", args=[key.system_id, key.pk])
        return format_html('<a class="oc-bad" href="{}">{}</a>', url, _("Revoke"))


class LinkedSystemAdmin(ScopedAdmin):
    """Feeds, agencies and central readers: their addresses, keys, secrets and health.

    `family_choices` are the code families policy may grant; the project sets them, since linkage knows no incident.
    """

    family_choices: ClassVar[tuple[tuple[str, Any], ...]] = ()
    form = LinkedSystemForm
    inlines = (KeyInline,)
    change_form_outer_before_template = "admin/linkage/linkedsystem/panel.html"
    list_display = ("name_and_slug", "kind_badge", "standing", "last_contact_at", "last_error", "enabled")
    list_filter = ("kind", "enabled", ("last_error", EmptyFieldListFilter))
    search_fields = ("slug", "name_ko", "name_en", "phone", "endpoint")
    actions = ("test_connections",)
    # Evaluated by the page's script as the kind is chosen; the form's own check does not depend on it.
    conditional_fields: ClassVar[dict[str, str]] = {
        "endpoint": "kind == 'agency'",
        "callback_base_url": "kind == 'agency'",
        "phone": "kind != 'feed'",
        "allowed_network": "kind == 'agency'",
        "quiet_limit_s": "kind == 'feed'",
        "covers": "kind == 'central'",
    }

    def get_fieldsets(self, request: HttpRequest, obj: LinkedSystem | None = None) -> list[tuple[Any, dict[str, Any]]]:
        """All groups while the kind is still open; afterwards those of the kind."""
        kind = obj.kind if obj else None
        reading = ("reads", "covers") if kind in (None, Kind.CENTRAL) and request.user.is_superuser else ("reads",)
        return [
            (None, {"fields": (("municipality", "kind"), ("slug", "enabled"), ("name_ko", "name_en"))}),
            (_("Connection"), {"fields": CONNECTION_FIELDS[kind]}),
            (_("May read"), {"fields": reading, "description": _("Denied unless chosen here.")}),
        ]

    def get_form(
        self, request: HttpRequest, obj: LinkedSystem | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        """The form; what counterparts know the system by is fixed once it exists."""
        form = super().get_form(request, obj, change=change, **kwargs)
        for name in FIXED_AFTER_CREATION:
            if change and name in form.base_fields:
                form.base_fields[name].disabled = True
        return form

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        """Code families as boxes to tick; an address typed without a scheme is https."""
        if db_field.name == "reads" and self.family_choices:
            return forms.MultipleChoiceField(
                label=db_field.verbose_name,
                choices=[(code, f"{code} · {name}") for code, name in self.family_choices],
                widget=UnfoldAdminCheckboxSelectMultipleWidget,
                required=False,
            )
        if isinstance(db_field, models.URLField):
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: LinkedSystem | None = None) -> tuple[type[ReadOnlyInline], ...]:
        """No keys before there is a system."""
        return self.inlines if obj else ()

    def get_urls(self) -> list[URLPattern]:
        """The usual pages, and those that do something to one system."""
        return [*self._own_urls(), *super().get_urls()]

    def _own_urls(self) -> list[URLPattern]:
        pages = {
            "test": ("<int:system_id>/test/", admin_actions.test_connection),
            "issue_key": ("<int:system_id>/keys/new/", admin_actions.issue_key),
            "revoke": ("<int:system_id>/keys/<int:key_id>/revoke/", admin_actions.revoke_key),
            "renew_secret": ("<int:system_id>/secret/", admin_actions.renew_secret),
        }
        return [
            path(
                route,
                self.admin_site.admin_view(view),
                {"model_admin": self},
                name=f"linkage_linkedsystem_{name}",
            )
            for name, (route, view) in pages.items()
        ]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without deleting several at once: each system's page shows what would go with it."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    @admin.action(description=_("Test the connection"), permissions=["change"])
    def test_connections(self, request: HttpRequest, queryset: models.QuerySet[LinkedSystem]) -> None:
        """Calls the endpoints of the chosen systems, all at once."""
        admin_actions.test_all(request, list(queryset))

    @display(description=_("linked system"), header=True, ordering="name_ko")
    def name_and_slug(self, system: LinkedSystem) -> tuple[str, str]:
        """The name in the reader's language and the short name."""
        return admin_actions.local_name(system), system.slug

    @display(description=_("kind"), ordering="kind", label={"feed": "info", "agency": "primary", "central": "warning"})
    def kind_badge(self, system: LinkedSystem) -> tuple[str, str]:
        """The kind as a coloured word."""
        return system.kind, system.get_kind_display()

    @display(description=_("state"), label=STANDING_COLOURS)
    def standing(self, system: LinkedSystem) -> tuple[str, Any]:
        """How the link is right now."""
        return standing_of(system)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The system's page with its panel: state, last contact, last error, and what can be done."""
        system = self.get_object(request, object_id)
        context = {"panel": admin_actions.panel_of(system)} if system else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})


class DeliveryInline(ReadOnlyInline):
    """A relay's messages in order."""

    model = Delivery
    fields = readonly_fields = ("page", "message", "state_badge", "attempts", "created_at", "settled_at")
    ordering = ("position",)

    @display(description=_("delivery"))
    def page(self, delivery: Delivery) -> str:
        """The way to the message, by its order within the relay."""
        return link_to(delivery, str(delivery.position))

    @display(description=_("state"))
    def state_badge(self, delivery: Delivery) -> str:
        """The state as a coloured word."""
        return badge(DELIVERY_COLOURS[delivery.state], delivery.get_state_display())


class RelayAdmin(ReadOnlyAdmin):
    """What was asked of whom, and how far it got."""

    list_display = ("subject", "system", "state_badge", "attention", "unit", "receipt", "created_at", "state_at")
    list_filter = ("state", ("system", RelatedOnlyFieldListFilter), ("attention_reason", EmptyFieldListFilter))
    search_fields = ("subject", "receipt", "unit", "id")
    date_hierarchy = "created_at"
    list_select_related = ("system",)
    inlines = (DeliveryInline,)
    fieldsets = (
        (None, {"fields": (("subject", "system"), ("state", "state_at"), ("created_at", "sent_at"), "receipt")}),
        (_("Attention"), {"fields": (("attention_reason", "attention_at"), "called_by")}),
        (_("On the way"), {"fields": (("unit", "eta_s"), ("lat", "lon"), "unit_at", "result_code")}),
    )

    @display(description=_("state"), ordering="state", label=RELAY_COLOURS)
    def state_badge(self, relay: Relay) -> tuple[str, str]:
        """The state as a coloured word."""
        return relay.state, relay.get_state_display()

    @display(description=_("needs attention because"), ordering="attention_reason", label={"yes": "danger"})
    def attention(self, relay: Relay) -> tuple[str, str] | str:
        """Why an operator has to do something, or nothing."""
        return ("yes", relay.attention_reason) if relay.attention_reason else ""


class AttemptInline(ReadOnlyInline):
    """Every try at one delivery, what was answered masked."""

    model = Attempt
    fields = readonly_fields = ("number", "started_at", "duration_ms", "status", "error_shown", "response_shown")
    ordering = ("number",)

    @display(description=_("error"))
    def error_shown(self, attempt: Attempt) -> str:
        """The error without personal data."""
        return masked_text(attempt.error) or "–"

    @display(description=_("response"))
    def response_shown(self, attempt: Attempt) -> str:
        """The answer without personal data."""
        return masked_text(attempt.response) or "–"


class DeliveryAdmin(ReadOnlyAdmin):
    """The outbox: each message, its state and its tries."""

    municipality_path = "relay__municipality"
    list_display = ("key", "incident", "agency", "message", "state_badge", "attempts", "due_at", "settled_at")
    list_filter = ("state", "message", ("system", RelatedOnlyFieldListFilter))
    search_fields = ("id", "relay__subject")
    date_hierarchy = "created_at"
    list_select_related = ("relay", "system")
    inlines = (AttemptInline,)
    fields = (
        "key", ("conversation", "agency"), ("message", "state"), ("attempts", "due_at"),
        ("created_at", "settled_at"), "lease_until", "payload_shown",
    )  # fmt: skip
    readonly_fields = ("key", "conversation", "agency", "payload_shown")

    @display(description=_("Idempotency-Key"), ordering="id")
    def key(self, delivery: Delivery) -> str:
        """The message's id, the same at every attempt."""
        return str(delivery.pk)

    @display(description=_("relay"))
    def conversation(self, delivery: Delivery) -> str:
        """The way to the relay."""
        return link_to(delivery.relay, delivery.relay.subject)

    @display(description=_("agency"), ordering="system")
    def agency(self, delivery: Delivery) -> str:
        """Whom it is for."""
        return admin_actions.local_name(delivery.system)

    @display(description=_("incident"), ordering="relay__subject")
    def incident(self, delivery: Delivery) -> str:
        """What the message is about."""
        return delivery.relay.subject

    @display(description=_("state"), ordering="state", label=DELIVERY_COLOURS)
    def state_badge(self, delivery: Delivery) -> tuple[str, str]:
        """The state as a coloured word."""
        return delivery.state, delivery.get_state_display()

    @display(description=_("payload, personal data covered"))
    def payload_shown(self, delivery: Delivery) -> str:
        """What is sent, masked."""
        return json_block(masked(delivery.payload))


class AttemptAdmin(ReadOnlyAdmin):
    """Every try of every delivery, newest first."""

    municipality_path = "delivery__relay__municipality"
    ordering = ("-started_at",)
    list_display = ("started_at", "system", "incident", "number", "status_badge", "duration_ms", "error_shown")
    list_filter = ("status", ("delivery__system", RelatedOnlyFieldListFilter), ("error", EmptyFieldListFilter))
    search_fields = ("delivery__relay__subject",)
    list_select_related = ("delivery__relay", "delivery__system")
    fields = (("page", "number"), ("started_at", "duration_ms", "status"), "error_shown", "response_shown")
    readonly_fields = ("page", "error_shown", "response_shown")

    @display(description=_("delivery"))
    def page(self, attempt: Attempt) -> str:
        """The way to the message."""
        return link_to(attempt.delivery, str(attempt.delivery_id))

    @display(description=_("agency"))
    def system(self, attempt: Attempt) -> str:
        """Whom it was for."""
        return admin_actions.local_name(attempt.delivery.system)

    @display(description=_("incident"))
    def incident(self, attempt: Attempt) -> str:
        """What it was about."""
        return attempt.delivery.relay.subject

    @display(description=_("HTTP status"), ordering="status", label={"ok": "success", "bad": "danger"})
    def status_badge(self, attempt: Attempt) -> tuple[str, Any]:
        """The status as a coloured number."""
        good = attempt.status is not None and attempt.status < 300 and not attempt.error
        return ("ok" if good else "bad"), attempt.status or _("none")

    @display(description=_("error"))
    def error_shown(self, attempt: Attempt) -> str:
        """The error without personal data."""
        return masked_text(attempt.error) or "–"

    @display(description=_("response"))
    def response_shown(self, attempt: Attempt) -> str:
        """The answer without personal data."""
        return masked_text(attempt.response) or "–"


PAGES: Final = (
    (LinkedSystem, LinkedSystemAdmin),
    (Relay, RelayAdmin),
    (Delivery, DeliveryAdmin),
    (Attempt, AttemptAdmin),
)
