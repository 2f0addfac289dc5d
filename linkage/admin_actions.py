"""The admin pages that do something to one linked system: test it, issue and revoke keys, renew its secret.

What is done is done on POST alone; GET explains and asks. A new secret is in the answer to the POST and
nowhere else: not in the database in the clear, not in the session, not in a cache.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSplitDateTimeWidget, UnfoldAdminTextInputWidget

from linkage import systems
from linkage.models import LinkedSystem
from linkage.probe import ProbeResult, probe
from linkage.transports import probed_address
from linkage.transports.ucri2.options import with_password
from ocenter.accounts.session import client_address

PAGE: Final = "admin/linkage/linkedsystem/act.html"
MAX_TESTED_AT_ONCE: Final = 20


class KeyForm(forms.Form):
    """What to note about a new key."""

    label = forms.CharField(
        label=gettext_lazy("label"), max_length=60, required=False, widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Who or what will use it, to recognise it later."),
    )  # fmt: skip
    expires_at = forms.SplitDateTimeField(
        label=gettext_lazy("expires at"), required=False, widget=UnfoldAdminSplitDateTimeWidget,
        help_text=gettext_lazy("Empty: until it is revoked."),
    )  # fmt: skip

    def clean_expires_at(self) -> Any:
        """Refuses a key that would be born dead."""
        value = self.cleaned_data["expires_at"]
        if value and value <= timezone.now():
            raise forms.ValidationError(_("This lies in the past."))
        return value


class SecretForm(forms.Form):
    """What the other side has given us."""

    secret = forms.CharField(
        label=gettext_lazy("access secret"), max_length=500, strip=True,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("The service key, token or password that the other side gave us. It replaces the present one."),
    )  # fmt: skip


def local_name(system: LinkedSystem) -> str:
    """The system's name in the reader's language."""
    return system.name_en if (get_language() or "").startswith("en") else system.name_ko


def test_connection(request: HttpRequest, system_id: int, *, model_admin: ModelAdmin) -> HttpResponse:
    """Calls the system's endpoint and goes back to its page with the result."""
    system = system_or_404(request, model_admin, system_id)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    test_all(request, [system])
    return redirect("admin:linkage_linkedsystem_change", system.pk)


def test_all(request: HttpRequest, chosen: list[LinkedSystem]) -> None:
    """Calls the endpoints side by side and leaves a message for each; those without one say so."""
    called = [one for one in chosen if one.endpoint][:MAX_TESTED_AT_ONCE]
    for system, result in zip(called, async_to_sync(_probe_all)(called), strict=True):
        systems.probe_record(system=system, result=result, by=by_of(request))
        level = messages.SUCCESS if result.ok else messages.ERROR
        messages.add_message(request, level, f"{local_name(system)}: {result.text}{_measured(result)}")
    for system in chosen:
        if not system.endpoint:
            messages.info(request, f"{local_name(system)}: {_not_called(system)}")
    if len(called) < sum(bool(one.endpoint) for one in chosen):
        messages.warning(request, _("Only the first %d were called.") % MAX_TESTED_AT_ONCE)


def issue_key(request: HttpRequest, system_id: int, *, model_admin: ModelAdmin) -> HttpResponse:
    """Asks for a label and an expiry, then shows the new key, this once."""
    system = system_or_404(request, model_admin, system_id)
    form = KeyForm(request.POST or None)
    page = {"title": _("Issue a new key"), "form": form, "button": _("Issue the key")}
    if request.method == "POST" and form.is_valid():
        secret = systems.key_issue(system=system, by=by_of(request), **form.cleaned_data)
        page |= {"secret": secret, "how": _("Send it with every request: Authorization: Bearer …")}
    return act_page(request, model_admin, system, page)


def revoke_key(request: HttpRequest, system_id: int, key_id: int, *, model_admin: ModelAdmin) -> HttpResponse:
    """Asks, then ends a key at once."""
    system = system_or_404(request, model_admin, system_id)
    key = system.keys.select_related("system").filter(pk=key_id).first()
    if key is None:
        raise Http404(_("There is no such entry here."))
    if request.method == "POST":
        systems.key_revoke(key=key, by=by_of(request))
        messages.success(request, _("The key %s is revoked.") % key.prefix)
        return redirect("admin:linkage_linkedsystem_change", system.pk)
    text = _("Whoever uses the key %s is refused from now on. This cannot be undone.") % key.prefix
    page = {"title": _("Revoke a key"), "text": text, "button": _("Revoke"), "danger": True}
    return act_page(request, model_admin, system, page)


def renew_secret(request: HttpRequest, system_id: int, *, model_admin: ModelAdmin) -> HttpResponse:
    """Asks, then shows the new signing secret, this once."""
    system = system_or_404(request, model_admin, system_id)
    page: dict[str, Any] = {"title": _("Make a new signing secret"), "button": _("Make a new secret"), "danger": True}
    if request.method == "POST":
        secret = systems.secret_renew(system=system, by=by_of(request))
        page |= {"secret": secret, "how": _("Both sides sign with it (Standard Webhooks).")}
    else:
        page["text"] = _(
            "Both are in force for 24 hours: we sign with both and take either, so that the other side can change "
            "without an interruption. A secret from an earlier change that is still in force ends now."
        )
        page["danger"] = False
    return act_page(request, model_admin, system, page)


def set_secret(request: HttpRequest, system_id: int, *, model_admin: ModelAdmin) -> HttpResponse:
    """Takes a secret that the other side has given us; it is shown nowhere."""
    system = system_or_404(request, model_admin, system_id)
    form = SecretForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        systems.secret_set(system=system, by=by_of(request), secret=_kept(system, form.cleaned_data["secret"]))
        messages.success(request, _("The secret is kept, encrypted."))
        return redirect("admin:linkage_linkedsystem_change", system.pk)
    page = {"title": _("Enter its access secret"), "form": form, "button": _("Keep it")}
    return act_page(request, model_admin, system, page)


def _kept(system: LinkedSystem, secret: str) -> str:
    """What to keep of an entered secret: a UCRI2 partner's is its password, beside which our signing key stays."""
    return with_password(system.secret, secret) if system.transport == LinkedSystem.Transport.UCRI2 else secret


def system_or_404(request: HttpRequest, model_admin: ModelAdmin, system_id: int) -> LinkedSystem:
    """The system within the person's scope; Http404 outside it, PermissionDenied where only looking is allowed."""
    system = model_admin.get_queryset(request).filter(pk=system_id).first()
    if system is None:
        raise Http404(_("There is no such entry here."))
    if not model_admin.has_change_permission(request, system):
        raise PermissionDenied
    return system


def act_page(
    request: HttpRequest, model_admin: ModelAdmin, system: LinkedSystem, page: dict[str, Any], template: str = PAGE
) -> HttpResponse:
    """A page about one system within the admin site's frame; `page` is its context."""
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "system": system,
        "name": local_name(system),
        "media": model_admin.media + page["form"].media if "form" in page else model_admin.media,
        **page,
    }
    return TemplateResponse(request, template, context)  # the site marks every page no-store


def by_of(request: HttpRequest) -> systems.By:
    """Who asks, for the audit."""
    return systems.By(request.user.get_username(), client_address(request))


async def _probe_all(called: list[LinkedSystem]) -> list[ProbeResult]:
    return await asyncio.gather(*(probe(probed_address(one.transport, one.endpoint), one.allowed_network) for one in called))


def _measured(result: ProbeResult) -> str:
    parts = [*result.addresses] + ([f"{result.latency_ms} ms"] if result.latency_ms is not None else [])
    return f" ({', '.join(parts)})" if parts else ""


def _not_called(system: LinkedSystem) -> str:
    if system.kind == LinkedSystem.Kind.AGENCY:
        return _("It has no endpoint yet.")
    if system.last_contact_at is None:
        return _("It calls us, so there is nothing to call; it has never been heard.")
    at = timezone.localtime(system.last_contact_at).strftime("%Y-%m-%d %H:%M:%S")
    return _("It calls us, so there is nothing to call; last heard at %s.") % at
