"""Linked systems in the admin site: their addresses, formats, keys, state, and what can be done to each."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.contrib.admin import EmptyFieldListFilter
from django.contrib.admin.views.main import ChangeList
from django.core.validators import URLValidator
from django.db import models
from django.forms import BaseModelFormSet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from linkage import admin_actions
from linkage.admin import deeds, faults, mapping
from linkage.admin.panel import Condition, conditions, figures_text, panel_of, share_text
from linkage.feeds import FEEDS
from linkage.models import LinkedSystem, MaintenanceWindow, SystemKey
from linkage.standing import STANDING_COLOURS
from linkage.transports.ucri2.options import BadOptions, Settings
from ocenter.accounts.admin_base import VIEW, ReadOnlyInline, ScopedAdmin
from ocenter.accounts.pretty import badge

Kind = LinkedSystem.Kind
FEED_FIELDS: Final = (
    "feed_format", ("endpoint", "poll_interval_s"), ("allowed_network", "deadline_s"),
    ("quiet_limit_s", "late_limit_s", "noisy_limit_per_min"), "options",
)  # fmt: skip
AGENCY_FIELDS: Final = (
    "transport", ("endpoint", "secondary_endpoint"), ("allowed_network", "callback_base_url"),
    ("max_concurrent", "deadline_s"), "phone", "options",
)  # fmt: skip
# None: the kind is still to be chosen, and `conditional_fields` hides what it does not need.
CONNECTION_FIELDS: Final[dict[str | None, tuple[Any, ...]]] = {
    None: (
        "feed_format", "transport", ("endpoint", "secondary_endpoint"), "poll_interval_s",
        ("allowed_network", "callback_base_url"), ("max_concurrent", "deadline_s"), "phone",
        ("quiet_limit_s", "late_limit_s", "noisy_limit_per_min"), "options",
    ),
    Kind.AGENCY: AGENCY_FIELDS,
    Kind.FEED: FEED_FIELDS,
    Kind.CENTRAL: ("phone",),
}  # fmt: skip
BROKER_SCHEMES: Final = ("mqtt", "mqtts")
ENDPOINT_HELP: Final = _("Agencies: where relays are posted. Feeds: what is asked, or the broker that is listened to.")
# What a system's counterparts know it by: fixed once they do.
FIXED_AFTER_CREATION: Final = ("municipality", "kind", "slug")


class EndpointField(forms.URLField):
    """An address that is called over HTTP, or a broker that is listened to."""

    default_validators = [URLValidator(schemes=["http", "https", *BROKER_SCHEMES])]


class LinkedSystemForm(forms.ModelForm):
    """The fields of a linked system; each kind has its own that it cannot be without."""

    def _get_validation_exclusions(self) -> set[str]:
        # The model's own check knows no broker; `EndpointField` and `clean` know both.
        return {*super()._get_validation_exclusions(), "endpoint"}

    def clean_options(self) -> dict[str, Any]:
        """Refuses what is no JSON object."""
        value = self.cleaned_data.get("options") or {}
        if not isinstance(value, dict):
            raise forms.ValidationError(gettext("An object is needed."))
        return value

    def clean(self) -> dict[str, Any]:
        """Refuses an agency without an endpoint, and a feed that should be asked without one."""
        cleaned = super().clean() or self.cleaned_data
        kind = cleaned.get("kind") or self.instance.kind
        if kind == Kind.AGENCY and cleaned.get("transport") == LinkedSystem.Transport.UCRI2:
            self._check_ucri2(cleaned.get("options") or {})
        if "endpoint" in self.errors:
            return cleaned
        if cleaned.get("endpoint"):
            self._check_scheme(kind, cleaned)
        elif kind == Kind.AGENCY:
            self.add_error("endpoint", gettext("An agency needs the address relays are posted to."))
        elif kind == Kind.FEED and cleaned.get("poll_interval_s"):
            self.add_error("endpoint", gettext("A feed that is asked needs the address to ask."))
        return cleaned

    def _check_ucri2(self, options: dict[str, Any]) -> None:
        try:
            Settings.of(options)
        except BadOptions as error:
            self.add_error("options", gettext("UCRI2 cannot work with these settings: %s.") % error)

    def _check_scheme(self, kind: str, cleaned: dict[str, Any]) -> None:
        feed = FEEDS.get(cleaned.get("feed_format", ""))
        is_broker = cleaned["endpoint"].partition(":")[0] in BROKER_SCHEMES
        if is_broker and not (kind == Kind.FEED and feed is not None and feed.listens):
            self.add_error("endpoint", gettext("Only a feed in the format MQTT has a broker's address; this is http or https."))


class WindowInline(TabularInline):
    """Times in which an agency takes nothing; whoever may change the system may change them."""

    model = MaintenanceWindow
    fields = ("starts_at", "ends_at", "reason")
    ordering = ("-starts_at",)
    extra = 0
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """As of the system."""
        return self.admin_site.get_model_admin(LinkedSystem).has_change_permission(request, obj)

    has_change_permission = has_delete_permission = has_add_permission

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """The parent's page has already asked."""
        return True


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

    `family_choices` are the code families policy may grant, `code_choices` the event codes with their names, and
    `event_errors` what the intake has against an event: the project sets them, since linkage knows no incident.
    """

    family_choices: ClassVar[tuple[tuple[str, Any], ...]] = ()
    code_choices: ClassVar[tuple[tuple[str, Any], ...]] = ()
    event_errors: ClassVar[mapping.EventErrors | None] = None
    auditors_may = VIEW
    form = LinkedSystemForm
    inlines = (WindowInline, KeyInline)
    change_form_outer_before_template = "admin/linkage/linkedsystem/panel.html"
    list_display = ("name_and_slug", "kind_badge", "standing_badge", "last_hour", "last_contact_at", "last_error", "enabled")
    list_filter = ("kind", "enabled", "feed_format", "transport", ("last_error", EmptyFieldListFilter), ("paused_at", EmptyFieldListFilter))
    search_fields = ("slug", "name_ko", "name_en", "phone", "endpoint")
    actions = ("test_connections",)
    # Evaluated by the page's script as the kind is chosen; the form's own check does not depend on it.
    conditional_fields: ClassVar[dict[str, str]] = {
        "endpoint": "kind != 'central'",
        "allowed_network": "kind != 'central'",
        "options": "kind != 'central'",
        "deadline_s": "kind != 'central'",
        "callback_base_url": "kind == 'agency'",
        "secondary_endpoint": "kind == 'agency'",
        "transport": "kind == 'agency'",
        "max_concurrent": "kind == 'agency'",
        "phone": "kind != 'feed'",
        "feed_format": "kind == 'feed'",
        "poll_interval_s": "kind == 'feed'",
        "quiet_limit_s": "kind == 'feed'",
        "late_limit_s": "kind == 'feed'",
        "noisy_limit_per_min": "kind == 'feed'",
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
        """Code families as boxes to tick, formats as a list; an address typed without a scheme is https."""
        if db_field.name == "reads" and self.family_choices:
            return forms.MultipleChoiceField(
                label=db_field.verbose_name,
                choices=[(code, f"{code} · {name}") for code, name in self.family_choices],
                widget=UnfoldAdminCheckboxSelectMultipleWidget,
                required=False,
            )
        if db_field.name == "feed_format":
            return forms.ChoiceField(
                label=db_field.verbose_name,
                choices=format_choices,
                widget=UnfoldAdminSelectWidget,
                required=False,
                help_text=db_field.help_text,
            )
        if isinstance(db_field, models.URLField):
            kwargs["assume_scheme"] = "https"
        if db_field.name == "endpoint":
            kwargs |= {"form_class": EndpointField, "help_text": ENDPOINT_HELP}
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: LinkedSystem | None = None) -> list[type[TabularInline]]:
        """No keys before there is a system; maintenance windows for agencies alone."""
        if obj is None:
            return []
        return [one for one in self.inlines if one is not WindowInline or obj.kind == Kind.AGENCY]

    def get_urls(self) -> list[URLPattern]:
        """The usual pages, and those that do something to one system."""
        return [*self._own_urls(), *super().get_urls()]

    def _own_urls(self) -> list[URLPattern]:
        pages = {
            "test": ("test/", admin_actions.test_connection),
            "issue_key": ("keys/new/", admin_actions.issue_key),
            "revoke": ("keys/<int:key_id>/revoke/", admin_actions.revoke_key),
            "renew_secret": ("secret/", admin_actions.renew_secret),
            "set_secret": ("secret/set/", admin_actions.set_secret),
            "end_secret": ("secret/end/", deeds.end_previous_secret),
            "pause": ("pause/", deeds.pause),
            "resume": ("resume/", deeds.resume),
            "close_breaker": ("breaker/close/", deeds.close_breaker),
            "test_event": ("test-event/", deeds.send_test_event),
            "faults": ("faults/", faults.set_faults),
            "mapping": ("mapping/", mapping.mapping_page),
            "mapping_preview": ("mapping/preview/", mapping.mapping_preview),
        }
        return [
            path(
                f"<int:system_id>/{route}",
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

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The list, with the condition of all its systems read at once."""
        found = super().get_changelist_instance(request)
        rows = list(found.result_list)
        known = conditions(rows)
        for system in rows:
            system.condition = known[system.pk]
        found.result_list = rows
        return found

    @display(description=_("linked system"), header=True, ordering="name_ko")
    def name_and_slug(self, system: LinkedSystem) -> tuple[str, str]:
        """The name in the reader's language and the short name."""
        return admin_actions.local_name(system), system.slug

    @display(description=_("kind"), ordering="kind", label={"feed": "info", "agency": "primary", "central": "warning"})
    def kind_badge(self, system: LinkedSystem) -> tuple[str, str]:
        """The kind as a coloured word."""
        return system.kind, system.get_kind_display()

    @display(description=_("state"), ordering="standing", label=STANDING_COLOURS)
    def standing_badge(self, system: LinkedSystem) -> tuple[str, Any]:
        """How the link is right now."""
        found = _condition(system).standing
        return found.state, found.word

    @display(description=_("last hour"))
    def last_hour(self, system: LinkedSystem) -> SafeString | str:
        """How much got through and how fast."""
        figures = _condition(system).figures
        text = figures_text(system, figures)
        return format_html("{} {}", badge(figures.colour, share_text(figures)), text) if figures.colour else text

    def save_formset(
        self, request: HttpRequest, form: forms.ModelForm, formset: BaseModelFormSet, change: bool
    ) -> None:
        """Saves the maintenance windows, and notes for the audit which were set, changed and taken away."""
        super().save_formset(request, form, formset, change)
        changed = [("set", one) for one in formset.new_objects]
        changed += [("changed", one) for one, _fields in formset.changed_objects]
        changed += [("removed", one) for one in formset.deleted_objects]
        for what, window in changed:
            span = {"from": window.starts_at.isoformat(), "until": window.ends_at.isoformat(), "reason": window.reason}
            self.note(request, f"maintenance.{what}", form.instance, **span)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The system's page with its panel: state, figures, last error, and what can be done."""
        system = self.get_object(request, object_id)
        context = {"panel": panel_of(system)} if system else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})


def format_choices() -> list[tuple[str, str]]:
    """The formats of feeds of a city's own, with their titles in the reader's language."""
    language = (get_language() or "ko")[:2]
    own = [(name, feed.title.get(language, name)) for name, feed in FEEDS.items() if feed.home is None]
    plain = gettext("events, as POST /api/v1/events takes them")
    return [("", plain), *sorted(own, key=lambda one: one[1])]


def _condition(system: LinkedSystem) -> Condition:
    return getattr(system, "condition", None) or conditions([system])[system.pk]
