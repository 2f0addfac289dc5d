"""The admin site: who gets in, what is on it, and its sidebar.

The apps' `admin` modules list their pages; this one registers them, so one place says what the site shows.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from csp.constants import UNSAFE_EVAL
from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.views import LogoutView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from incidents import admin as incidents_admin
from incidents.codes import CODES, Family
from incidents.models import Camera, Change, CorrelationRule, Device, Event, Incident
from incidents.reports import NotUnderstood, understand
from linkage import admin as linkage_admin
from linkage.models import Attempt, Delivery, LinkedSystem, Quarantined, Relay
from ocenter.accounts import admin as accounts_admin
from ocenter.accounts import audit
from ocenter.accounts.models import AuditEntry, Municipality, User
from ocenter.accounts.roles import actions_of
from ocenter.accounts.session import client_address
from ocenter.admin_overview import overview
from services.procedures import admin as procedures_admin
from services.procedures.models import Procedure
from services.shifts import admin as shifts_admin
from services.shifts.models import Handover, Notice, ShiftDuty, ShiftPlan
from services.video import admin as video_admin
from services.video.models import VideoView

OPENING_ACTIONS: Final = frozenset({"administrate", "audit"})


class OcenterAdminSite(UnfoldAdminSite):
    """For administrators and auditors of a municipality, and superusers; everybody else gets 403."""

    site_title = site_header = _("ocenter administration")
    index_title = _("Overview")
    index_template = "admin/overview.html"
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the person's role opens the site; asked for each page."""
        user = request.user
        if not isinstance(user, User) or not user.is_current():
            return False
        opens = user.municipality_id is not None and OPENING_ACTIONS & actions_of(user.role)
        return user.is_superuser or bool(opens)

    def admin_view(self, view: Callable[..., HttpResponse], cacheable: bool = False) -> Callable[..., HttpResponse]:
        """Every page of the site. The theme's Alpine compiles its attributes, which needs unsafe-eval; only here."""
        return csp_update({"script-src": [UNSAFE_EVAL]})(super().admin_view(view, cacheable))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The one login page; who is signed in and not entitled is told so, not asked again."""
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next") or "/admin/", settings.LOGIN_URL)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Signs out (POST alone) and returns to the login page."""
        return LogoutView.as_view(next_page=settings.LOGOUT_REDIRECT_URL)(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The page for one's own password, audited."""
        with transaction.atomic():
            answer = super().password_change(request, extra_context)
            if answer.status_code == HTTPStatus.FOUND:
                name = request.user.get_username()
                audit.record(
                    actor=name,
                    action="password.changed",
                    subject=f"user:{name}",
                    detail={},
                    municipality_id=request.user.municipality_id,
                    address=client_address(request),
                )
        return answer

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The overview: links and people that need attention. An auditor starts at the audit chain."""
        if not request.user.is_superuser and "administrate" not in actions_of(request.user.role):
            return redirect("admin:accounts_auditentry_changelist")
        return super().index(request, {**(extra_context or {}), **overview(request.user)})


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: groups with the pages the person may see. Named in the theme's settings."""
    groups = (
        (None, ((_("Back to the map"), "map", "/", None), (_("Overview"), "dashboard", "admin:index", LinkedSystem))),
        (_("Linked systems"), (_page("hub", LinkedSystem), _page("report", Quarantined))),
        (_("Relays"), (_page("forward", Relay), _page("outbox", Delivery), _page("repeat", Attempt))),
        (_("People"), (_page("group", User), _page("location_city", Municipality))),
        (
            _("Registries"),
            (
                _page("videocam", Camera), _page("sensors", Device), _page("join", CorrelationRule),
                _page("warning", Incident), _page("notifications", Event), _page("menu_book", Change),
            ),
        ),
        (
            _("Shifts"),
            (_page("schedule", ShiftPlan), _page("badge", ShiftDuty), _page("assignment", Handover), _page("campaign", Notice)),
        ),
        (_("Services"), (_page("checklist", Procedure),)),
        (_("Audit"), (_page("verified_user", AuditEntry), _page("visibility", VideoView))),
    )  # fmt: skip
    shown = (
        {
            "title": title,
            "separator": title is not None,
            "items": [_item(*page) for page in pages if _may(request, page[3])],
        }
        for title, pages in groups
    )
    return [group for group in shown if group["items"]]


def _page(icon: str, model: type[Model]) -> tuple[Any, str, str, type[Model]]:
    title = capfirst(model._meta.verbose_name_plural)
    return title, icon, f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist", model


def _item(title: Any, icon: str, link: str, model: type[Model] | None) -> dict[str, Any]:
    if link.startswith("/"):  # outside the site, so never the page one is on
        return {"title": title, "icon": icon, "link": link, "active": False}
    return {"title": title, "icon": icon, "link": reverse_lazy(link)}


def _may(request: HttpRequest, model: type[Model] | None) -> bool:
    return model is None or admin_site.get_model_admin(model).has_view_permission(request)


class _LinkedSystemAdmin(linkage_admin.LinkedSystemAdmin):
    """Linkage knows no code family, no code and no intake; the project does."""

    family_choices = tuple(Family.choices)

    @property
    def code_choices(self) -> tuple[tuple[str, str], ...]:  # type: ignore[override]
        """The event codes with their names in the reader's language."""
        language = (get_language() or "ko")[:2]
        return tuple((code, row.name.get(language, row.ko)) for code, row in CODES.items())

    @staticmethod
    def event_errors(event: Any) -> list[Any]:
        """What the intake has against an event."""
        try:
            understand(event, timezone.now())
        except NotUnderstood as error:
            return list(error.errors)
        return []


admin_site = OcenterAdminSite()
_PAGES: Final = (
    *accounts_admin.PAGES, *linkage_admin.PAGES, *incidents_admin.PAGES, *procedures_admin.PAGES, *shifts_admin.PAGES,
    *video_admin.PAGES,
)  # fmt: skip
for _model, _admin in _PAGES:
    admin_site.register(_model, _LinkedSystemAdmin if _admin is linkage_admin.LinkedSystemAdmin else _admin)
