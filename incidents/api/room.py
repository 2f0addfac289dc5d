"""What the operator's page asks beside the incidents: who am I, what words exist, what was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import orjson
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from incidents.api.base import CallerView, json_response, moment_of, whole_of
from incidents.codes import ACK_TARGET, CODES, FALSE_ALARM_REASONS, RESULT_CODES, Grade
from incidents.operations import Invalid
from incidents.places import bounds_of
from incidents.selectors import visible_incidents
from incidents.states import ACTIVE
from linkage.models import LinkedSystem
from ocenter.accounts.models import Municipality

HISTORY_AT_MOST: Final = 5_000


class Me(CallerView):
    """The caller."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> HttpResponse:
        """Who one is, what one may do (`actions`) and see (`municipalities`, `families`)."""
        caller, user = self.caller, self.caller.user
        reach = Municipality.objects.filter(pk__in=caller.municipalities).order_by("code")
        own = user.municipality if user else reach.first() if len(reach) == 1 else None
        body = {
            "kind": "user" if user else "system",
            "username": caller.actor["name"],
            "name": user.label if user else caller.actor["name"],
            "role": user.role if user else caller.system_kind,
            "municipality": _municipality(own) if own else None,
            "municipalities": [one.code for one in reach],
            "families": "all" if caller.families is None else sorted(caller.families),
            "actions": sorted(caller.actions),
            "language": translation.get_language(),
        }
        return json_response(body)


def _municipality(one: Municipality) -> dict[str, Any]:
    return {"code": one.code, "name": one.name, "lat": one.lat, "lon": one.lon, "bounds": bounds_of(one)}


class Catalogue(CallerView):
    """The words of the field."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> HttpResponse:
        """Event codes, result codes, false-alarm reasons, the caller's agencies, and how soon each grade
        wants to be acknowledged (seconds)."""
        agencies = LinkedSystem.objects.filter(
            municipality_id__in=self.caller.municipalities, kind=LinkedSystem.Kind.AGENCY
        )
        codes = [
            {"code": one.code, "family": one.family, "service": one.service, "name": one.name, "grade": one.grade}
            for one in CODES.values()
        ]
        body = {
            "codes": codes,
            "result_codes": [{"code": code, "name": name} for code, name in RESULT_CODES.items()],
            "false_alarm_reasons": [{"code": code, "name": name} for code, name in FALSE_ALARM_REASONS.items()],
            "agencies": [
                {"slug": one.slug, "name": one.name, "phone": one.phone, "enabled": one.enabled} for one in agencies
            ],
            "ack_targets_s": {str(grade): int(target.total_seconds()) for grade, target in ACK_TARGET.items()},
        }
        return json_response(body)


class Activity(CallerView):
    """How busy it has been."""

    @extend_schema(
        parameters=[OpenApiParameter("hours", OpenApiTypes.INT), OpenApiParameter("buckets", OpenApiTypes.INT)],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> HttpResponse:
        """Incidents received in the last `hours` (1–168), counted by grade in `buckets` (1–500) equal spans."""
        hours = whole_of(request.query_params, "hours", 6, 1, 168)
        buckets = whole_of(request.query_params, "buckets", 36, 1, 500)
        until = timezone.now()
        since = until - timedelta(hours=hours)
        span = (until - since) / buckets
        counts = [dict.fromkeys(Grade.values, 0) for _ in range(buckets)]
        received = visible_incidents(self.caller).filter(received_at__gte=since, received_at__lt=until)
        for at, grade in received.values_list("received_at", "grade").iterator():
            counts[min(buckets - 1, int((at - since) / span))][grade] += 1
        body = [{"at": (since + span * n).isoformat(), **found} for n, found in enumerate(counts)]
        return json_response({"since": since.isoformat(), "until": until.isoformat(), "buckets": body})


class History(CallerView):
    """What the room saw at a past moment."""

    @extend_schema(parameters=[OpenApiParameter("at", OpenApiTypes.DATETIME, required=True)], responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> HttpResponse:
        """The incidents that were active at `at`, as they then were: the ledger read up to that moment."""
        at = moment_of(request.query_params, "at")
        if at is None:
            raise Invalid("at", _("A time in ISO 8601 with an offset is needed, such as 2026-11-23T20:04:13+09:00."))
        with connection.cursor() as cursor:
            cursor.execute(_AS_OF, [at, sorted(self.caller.municipalities), at, sorted(ACTIVE), HISTORY_AT_MOST])
            bodies = {pk: orjson.loads(body) for pk, body in cursor.fetchall()}
        seen = visible_incidents(self.caller).filter(pk__in=bodies).values_list("pk", flat=True)
        return json_response({"at": at.isoformat(), "incidents": [bodies[pk] for pk in sorted(seen, reverse=True)]})


# An incident received before `at` and ended after it, or not at all: its last row up to `at`.
_AS_OF: Final = """
SELECT i.id, (c.body->'incident')::text FROM incidents_incident i
JOIN LATERAL (
    SELECT body FROM incidents_change WHERE incident_id = i.id AND at <= %s ORDER BY seq DESC LIMIT 1
) c ON true
WHERE i.municipality_id = ANY(%s) AND i.received_at <= %s AND c.body->'incident'->>'status' = ANY(%s)
ORDER BY i.id DESC LIMIT %s
"""
