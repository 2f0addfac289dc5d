"""The page that makes a simulated agency misbehave, to see what the operators will see. Only in a demo, only on this machine."""

from __future__ import annotations

from typing import Any, Final

import orjson
from asgiref.sync import async_to_sync
from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from linkage import systems
from linkage.admin.panel import is_simulated
from linkage.admin_actions import act_page, by_of, system_or_404
from linkage.models import LinkedSystem
from linkage.transports import wire
from linkage.transports.base import NotSent, Target

DEADLINE_SECONDS: Final = 5.0
MODES: Final = (
    ("none", gettext_lazy("none: it behaves")),
    ("refuse", gettext_lazy("refuse: the connection is reset")),
    ("error", gettext_lazy("error: HTTP 500 or 503")),
    ("busy", gettext_lazy("busy: HTTP 429 with Retry-After")),
    ("timeout", gettext_lazy("timeout: it never answers")),
    ("slow", gettext_lazy("slow: the right answer, three seconds late")),
    ("drip", gettext_lazy("drip: a byte a second")),
    ("ackloss", gettext_lazy("ackloss: it takes the message and cuts the connection")),
    ("malformed", gettext_lazy("malformed: an answer that is none")),
    ("oversize", gettext_lazy("oversize: an answer of 100 MB")),
    ("redirect", gettext_lazy("redirect: it sends us elsewhere")),
    ("reject", gettext_lazy("reject: HTTP 422")),
)


class FaultForm(forms.Form):
    """The contract of `PUT …/faults`."""

    mode = forms.ChoiceField(label=gettext_lazy("fault"), choices=MODES, widget=UnfoldAdminSelectWidget)
    rate = forms.FloatField(
        label=gettext_lazy("share of requests, 0 to 1"), min_value=0, max_value=1, initial=1.0,
        widget=UnfoldAdminIntegerFieldWidget(attrs={"step": "0.05", "min": "0", "max": "1"}),
    )  # fmt: skip
    seed = forms.IntegerField(
        label=gettext_lazy("seed"), initial=0, widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("The same seed hits the same requests."),
    )  # fmt: skip


def set_faults(request: HttpRequest, system_id: int, *, model_admin: ModelAdmin) -> HttpResponse:
    """Shows the agency's present fault and sets another. 404 for everything that is no simulator of this demo (I10)."""
    system = system_or_404(request, model_admin, system_id)
    if not is_simulated(system):
        raise Http404(_("There is no such entry here."))
    if request.method == "POST":
        form = FaultForm(request.POST)
        if form.is_valid() and _put(request, system, form.cleaned_data):
            return redirect("admin:linkage_linkedsystem_change", system.pk)
    else:
        form = FaultForm(initial=_get(request, system))
    text = _("It behaves like this from now on, until it is set otherwise or the simulator restarts.")
    page = {"title": _("Faults of the simulated agency"), "form": form, "text": text, "button": _("Set the fault")}
    return act_page(request, model_admin, system, page)


def faults_address(system: LinkedSystem) -> str:
    """Where the simulator's faults are read and set."""
    return f"{system.endpoint.removesuffix('/').removesuffix('/incidents')}/faults"


def _put(request: HttpRequest, system: LinkedSystem, fault: dict[str, Any]) -> bool:
    try:
        _call(system, "PUT", orjson.dumps(fault))
    except NotSent as error:
        messages.error(request, _("The simulator did not take it: %s") % error.reason)
        return False
    systems.note(by_of(request), "system.fault_set", system, **fault)
    messages.success(request, _("The simulated agency now behaves like this: %(mode)s, %(rate)g.") % fault)
    return True


def _get(request: HttpRequest, system: LinkedSystem) -> dict[str, Any]:
    try:
        found = orjson.loads(_call(system, "GET"))
    except (NotSent, orjson.JSONDecodeError) as error:
        messages.warning(request, _("The simulator's present fault is not known: %s") % error)
        return {}
    return found if isinstance(found, dict) else {}


@async_to_sync
async def _call(system: LinkedSystem, method: str, body: bytes | None = None) -> bytes:
    target = Target(system.pk, system.slug, system.transport, (), system.allowed_network, DEADLINE_SECONDS)
    async with wire.open_session(target) as session:
        headers = {"Content-Type": "application/json"}
        reply = await wire.call(session, target, faults_address(system), method=method, body=body, headers=headers)
        return reply.body
