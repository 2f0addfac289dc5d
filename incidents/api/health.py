"""How every link and every part of this system is: what the health page shows, for machines too."""

from __future__ import annotations

from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from drf_spectacular.plumbing import resolve_type_hint
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from incidents.api.base import CallerView, json_response
from linkage.models import LinkedSystem
from linkage.vitals import HealthReport, health_report
from ocenter.accounts.principal import Principal

HEALTH: Final = resolve_type_hint(HealthReport)


def may_see_health(caller: Principal) -> bool:
    """The municipality's own people, whatever their role, and central agencies; no feed and no agency."""
    return caller.user is not None or caller.system_kind == LinkedSystem.Kind.CENTRAL


class Health(CallerView):
    """Links and parts."""

    @extend_schema(responses={200: HEALTH})
    def get(self, request: Request) -> HttpResponse:
        """Each linked system of the caller's municipalities with its state, since when, why and its figures; the
        database, the bell, and every process that writes a heartbeat. For signed-in staff and central agencies."""
        if not may_see_health(self.caller):
            raise PermissionDenied
        answer = json_response(health_report(self.caller.municipalities))
        answer["Cache-Control"] = "no-store"
        return answer
