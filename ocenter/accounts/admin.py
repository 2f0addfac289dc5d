"""People, municipalities and the audit chain in the admin site."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from ocenter.accounts.admin_base import EVERYTHING, VIEW, ReadOnlyAdmin, ScopedAdmin, audited
from ocenter.accounts.models import AuditEntry, Municipality, User
from ocenter.accounts.pretty import json_block

EXPIRES_SOON: Final = timedelta(days=14)
# What a person may not change about themselves: nobody raises or locks out their own account.
OWN_FIXED_FIELDS: Final = ("role", "is_active", "expires_at", "employer", "municipality")


class MunicipalityAdmin(ScopedAdmin):
    """One's own municipality to look at; superusers add and change them."""

    municipality_path = "pk"
    administrators_may = VIEW
    superusers_may = EVERYTHING - {"delete"}
    list_display = ("code", "name_ko", "name_en", "lat", "lon")
    search_fields = ("code", "name_ko", "name_en")
    fieldsets = (
        (None, {"fields": (("code",), ("name_ko", "name_en"), ("lat", "lon"))}),
        (_("Boundary"), {"fields": ("boundary",), "classes": ("collapse",)}),
    )


class UserAdmin(ScopedAdmin, DjangoUserAdmin):
    """The people of one's own municipality.

    Nobody becomes a superuser or moves to another municipality here. Accounts are switched off, not
    deleted: the ledger and the audit chain name them.
    """

    administrators_may = superusers_may = EVERYTHING - {"delete"}
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    ordering = ("username",)
    list_display = ("person", "role_badge", "employer", "state_badge", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username", "display_name", "employer", "email")
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    add_fieldsets = (
        (None, {"fields": (("username", "display_name"), ("municipality", "role"), ("password1", "password2"))}),
        (_("Contractor"), {"fields": ("employer", "expires_at")}),
    )
    fieldsets = (
        (None, {"fields": (("username", "display_name"), "email", "password")}),
        (_("Role"), {"fields": (("municipality", "role"), "is_active")}),
        (_("Contractor"), {"fields": ("employer", "expires_at")}),
        (_("Last seen"), {"fields": (("last_login", "date_joined"),)}),
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[User]:
        """A superuser's account is nobody's to change but a superuser's."""
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(is_superuser=False)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Of one's own account the role and the like are fixed."""
        fixed = OWN_FIXED_FIELDS if obj is not None and obj.pk == request.user.pk else ()
        return (*super().get_readonly_fields(request, obj), *fixed)

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        """Everybody but a superuser needs a municipality: without one, nothing is seen."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name == "municipality":
            field.required = not request.user.is_superuser
        return field

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """The password page, audited. The person's sessions end with the old password."""
        with audited(request):
            request.audit_changes = {"password": ["***", "***"]}
            return super().user_change_password(request, id, form_url)

    def subject_of(self, obj: User) -> str:
        """The user name, as signing in and out is recorded."""
        return f"user:{obj.username}"

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm, change: bool) -> None:
        """Saves; `is_staff` follows the role, for whatever still asks Django's own flag."""
        obj.is_staff = obj.is_superuser or obj.role in (User.Role.ADMINISTRATOR, User.Role.AUDITOR)
        super().save_model(request, obj, form, change)

    @display(description=_("user"), header=True, ordering="username")
    def person(self, user: User) -> tuple[str, str]:
        """The name people see, and the user name."""
        return user.label, user.username

    @display(
        description=_("role"),
        ordering="role",
        label={"operator": "info", "supervisor": "primary", "administrator": "warning", "auditor": "success"},
    )
    def role_badge(self, user: User) -> tuple[str, str]:
        """The role as a coloured word."""
        return user.role, user.get_role_display()

    @display(description=_("state"), label={"off": "danger", "expired": "danger", "soon": "warning", "ok": "success"})
    def state_badge(self, user: User) -> tuple[str, Any]:
        """Whether the account may be used, and for how long."""
        return _account_state(user)


def _account_state(user: User) -> tuple[str, Any]:
    if not user.is_active:
        return "off", _("switched off")
    if not user.is_current():
        return "expired", _("expired")
    if user.expires_at and user.expires_at - timezone.now() < EXPIRES_SOON:
        return "soon", _("expires soon")
    return "ok", _("active")


class AuditEntryAdmin(ReadOnlyAdmin):
    """The audit chain, to read: administrators and auditors within their municipality."""

    auditors_may = VIEW
    date_hierarchy = "at"
    list_display = ("entry_number", "at", "actor", "action_badge", "subject", "summary", "address")
    list_display_links = ("entry_number", "at")
    list_filter = ("action", "at")
    search_fields = ("actor", "subject", "action", "detail__object")
    search_help_text = _("Actor, subject (such as user:kim), action or name")
    readonly_fields = ("entry_number", "town", "contents", "chained")
    fields = (("entry_number", "at"), ("actor", "address"), ("action", "subject"), "town", "contents", "chained")

    @display(description=_("number"), ordering="number")
    def entry_number(self, entry: AuditEntry) -> int:
        """Its place in the chain."""
        return entry.number

    @display(description=_("digest"))
    def chained(self, entry: AuditEntry) -> str:
        """What ties it to the entry before."""
        return entry.digest

    @display(
        description=_("action"),
        ordering="action",
        label={"danger": "danger", "good": "success", "plain": "info"},
    )
    def action_badge(self, entry: AuditEntry) -> tuple[str, str]:
        """The action as a coloured word: refusals and deletions stand out."""
        bad = entry.action in ("login.failed", "audit.damaged", "admin.deleted") or entry.action.endswith(".refused")
        return ("danger" if bad else "plain"), entry.action

    @display(description=_("what"))
    def summary(self, entry: AuditEntry) -> str:
        """The thing's name and which fields changed."""
        changed = ", ".join(entry.detail.get("changes") or {})
        return " · ".join(part for part in (str(entry.detail.get("object", "")), changed) if part) or "–"

    @display(description=_("detail"))
    def contents(self, entry: AuditEntry) -> str:
        """The whole detail."""
        return json_block(entry.detail)


PAGES: Final = ((Municipality, MunicipalityAdmin), (User, UserAdmin), (AuditEntry, AuditEntryAdmin))
