"""Alarm management over REST: the load, the sources that spoil it, suppressed sources, and who is here to hand over to."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from incidents import flood, load, nuisance, suppression
from incidents.api import schema
from incidents.api.base import CallerView, fields_of, json_response, text_of, whole_of
from incidents.api.problems import problem
from incidents.payloads import person
from incidents.presence import ROLES_ON_DUTY, on_duty
from ocenter.accounts.models import User

ENDED_LISTED: Final = 20


class _StaffView(CallerView):
    """For people: machines have no business with how a room works."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuses machines."""
        super().initial(request, *args, **kwargs)
        if self.caller.user is None:
            raise PermissionDenied(_("Only people who work here may see this."))


def _whole(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.INT, description=description)


class AlarmLoad(_StaffView):
    """The alarm load."""

    @extend_schema(parameters=[_whole("hours", "Over how long, 1 to 168; 8 by default")], responses={200: schema.LOAD})
    def get(self, request: Request) -> HttpResponse:
        """Alarms for each operator on duty now and over `hours`, how soon they were acknowledged, priorities and time in
        flood, beside the norms of EEMUA 191 and ISA-18.2."""
        hours = whole_of(request.query_params, "hours", 8, 1, 168)
        return json_response(load.load_of(self.caller.municipalities, hours=hours))


class Nuisances(_StaffView):
    """What makes the load bad."""

    @extend_schema(
        parameters=[
            _whole("hours", "Over how long, 1 to 168; 24 by default"), _whole("times", "Chattering: so many reports, 2 to 1,000; 5"),
            _whole("minutes", "… within so many minutes, 1 to 60; 10"), _whole("stale_hours", "Unchanged for so long, 1 to 720; 4"),
        ],
        responses={200: schema.NUISANCES},
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """Chattering sources, open incidents nothing has happened to, and the ten worst sources with their share."""
        params, ids = request.query_params, self.caller.municipalities
        hours = whole_of(params, "hours", 24, 1, 168)
        times, minutes = whole_of(params, "times", 5, 2, 1_000), whole_of(params, "minutes", 10, 1, 60)
        worst = nuisance.bad_actors(ids, hours=hours)
        body = {
            "hours": hours,
            "chattering": nuisance.chattering(ids, times=times, minutes=minutes, hours=hours),
            "stale": nuisance.stale(ids, hours=whole_of(params, "stale_hours", 4, 1, 720)),
            "bad_actors": worst,
            "ten_worst_share": round(sum(one["share"] for one in worst), 4),
        }
        return json_response(body)


class Floods(_StaffView):
    """The floods that go on."""

    @extend_schema(responses={200: schema.FLOODS})
    def get(self, request: Request) -> HttpResponse:
        """Since when, and on how many alarms for how many operators they were declared; consoles hear it by the ledger."""
        return json_response({"floods": flood.floods_now(self.caller.municipalities)})


class Colleagues(_StaffView):
    """Who may hold an incident here."""

    @extend_schema(responses={200: schema.COLLEAGUES})
    def get(self, request: Request) -> HttpResponse:
        """The municipality's operators and supervisors; `present`: their page was connected within the last minute."""
        ids = self.caller.municipalities
        here = set(on_duty(ids).values_list("pk", flat=True))
        staff = User.objects.filter(municipality_id__in=ids, role__in=ROLES_ON_DUTY).order_by("username")
        rows = [{**person(one), "role": one.role, "present": one.pk in here} for one in staff if one.is_current()]
        return json_response({"colleagues": rows})


class Suppressions(_StaffView):
    """Suppressed sources."""

    @extend_schema(operation_id="suppressions_list", responses={200: schema.SUPPRESSIONS})
    def get(self, request: Request) -> HttpResponse:
        """Those that hold, and the last twenty that have ended, the newest first."""
        rows = suppression.visible(self.caller)
        listed = [*rows.filter(ended_at=None), *rows.exclude(ended_at=None)[:ENDED_LISTED]]
        return json_response({"suppressions": [suppression.payload(one) for one in listed]})

    @extend_schema(request=schema.json_body(schema.SUPPRESS), responses={201: schema.SUPPRESSION})
    def post(self, request: Request) -> HttpResponse:
        """A supervisor puts a source aside for at most eight hours: what it opens of G3 to G5 opens shelved."""
        self.require("suppress")
        user = self.caller.user
        if user is None or user.municipality is None:
            raise PermissionDenied(_("Your account belongs to no municipality."))
        fields = fields_of(request, "system", "device_id", "reason", "minutes")
        pk = suppression.source_suppress(
            municipality=user.municipality, by=self.caller, system=text_of(fields, "system"),
            device_id=text_of(fields, "device_id", ""), reason=text_of(fields, "reason", ""),
            minutes=whole_of(fields, "minutes", 60, 1, 480),
        )  # fmt: skip
        return json_response(suppression.payload(suppression.visible(self.caller).get(pk=pk)), 201)


class SuppressionEnd(_StaffView):
    """Ending a suppression by hand."""

    @extend_schema(request=None, responses={200: schema.SUPPRESSION, 409: schema.PROBLEM})
    def post(self, request: Request, suppression_id: int) -> HttpResponse:
        """Ends it and brings back what it holds; 409 where it has ended already."""
        self.require("suppress")
        fields_of(request)
        found = suppression.visible(self.caller).filter(pk=suppression_id)
        if not found.exists():
            raise Http404
        try:
            suppression.suppression_end(pk=suppression_id, by=self.caller)
        except suppression.AlreadyOver:
            return problem(409, _("It has ended already."))
        return json_response(suppression.payload(found.get()))


