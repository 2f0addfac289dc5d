"""Buttons of a system's page that need no form: pause, resume, close the breaker, end the old secret, send a test event.

Each is a POST that does one thing, says how it went, and goes back to the system's page.
"""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from linkage import demonstration, systems
from linkage.admin_actions import by_of, local_name, system_or_404
from linkage.models import LinkedSystem


def pause(request: HttpRequest, system_id: int, *, model_admin: ModelAdmin) -> HttpResponse:
    """Pauses polling a feed or sending to an agency."""

    def deed(system: LinkedSystem) -> str:
        systems.system_pause(system=system, by=by_of(request))
        if system.kind == LinkedSystem.Kind.AGENCY:
            return _("%s is paused: its relays wait, and the operators see it.") % local_name(system)
        return _("%s is paused: it is not asked any more. What it sends by itself is still taken.") % local_name(system)

    return _done(request, model_admin, system_id, deed)


def resume(request: HttpRequest, system_id: int, *, model_admin: ModelAdmin) -> HttpResponse:
    """Ends a pause."""

    def deed(system: LinkedSystem) -> str:
        systems.system_resume(system=system, by=by_of(request))
        return _("%s goes on.") % local_name(system)

    return _done(request, model_admin, system_id, deed)


def close_breaker(request: HttpRequest, system_id: int, *, model_admin: ModelAdmin) -> HttpResponse:
    """Has an agency called again at once."""

    def deed(system: LinkedSystem) -> str:
        systems.breaker_close(system=system, by=by_of(request))
        return _("The breaker is closed: what waits is sent now.")

    return _done(request, model_admin, system_id, deed)


def end_previous_secret(request: HttpRequest, system_id: int, *, model_admin: ModelAdmin) -> HttpResponse:
    """Ends the secret before the present one before its time."""

    def deed(system: LinkedSystem) -> str:
        systems.secret_previous_end(system=system, by=by_of(request))
        return _("The previous secret is worthless from now on.")

    return _done(request, model_admin, system_id, deed)


def send_test_event(request: HttpRequest, system_id: int, *, model_admin: ModelAdmin) -> HttpResponse:
    """Sends a test event as the feed would. Agencies get none: at a real one it could raise a case (I10)."""
    system = system_or_404(request, model_admin, system_id)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if system.kind != LinkedSystem.Kind.FEED:
        messages.error(request, _("Only a feed can report; an agency is tested by its connection alone."))
        return _back(system)
    by, now = by_of(request), timezone.now()
    try:
        number = demonstration.send(system, by=by.username, now=now)
    except (ValueError, demonstration.NoDoor) as error:
        systems.note(by, "system.test_event", system, ok=False, result=str(error))
        messages.error(request, _("The intake refused the test event: %s") % error)
        return _back(system)
    systems.note(by, "system.test_event", system, ok=True, incident=number)
    took = (timezone.now() - now).total_seconds() * 1000
    words = _("The test event is incident %(number)s, in the database after %(took)d ms. It leaves the queue in ten minutes.")
    messages.success(request, words % {"number": number, "took": took})
    return _back(system)


def _done(
    request: HttpRequest, model_admin: ModelAdmin, system_id: int, deed: Callable[[LinkedSystem], str]
) -> HttpResponse:
    system = system_or_404(request, model_admin, system_id)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    messages.success(request, deed(system))
    return _back(system)


def _back(system: LinkedSystem) -> HttpResponse:
    return redirect("admin:linkage_linkedsystem_change", system.pk)
