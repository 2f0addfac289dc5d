"""An incident as a CAP 1.2 document, for systems that speak nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from incidents.api.base import CallerView
from incidents.models import Change, Incident
from incidents.payloads import incident_payload
from incidents.selectors import visible_incidents
from incidents.states import ENDED
from linkage.cap.incident import Frame, alert_of, sender_of
from linkage.cap.model import Reference
from linkage.cap.writing import CONTENT_TYPE, write

# A reader may have seen any of the earlier messages; of a long life the first and the newest are named.
REFERENCES_AT_MOST: Final = 50


class IncidentCap(CallerView):
    """One incident in the Common Alerting Protocol."""

    @extend_schema(responses={(200, CONTENT_TYPE): OpenApiTypes.STR})
    def get(self, request: Request, number: str) -> HttpResponse:
        """The incident as it is now, as CAP 1.2: an Alert, an Update with references once it has changed, a Cancel
        once it is over. The same state gives the same document. In a demonstration its status is Exercise."""
        incident = visible_incidents(self.caller).get(number=number)
        return HttpResponse(write(alert_of(incident_payload(incident), _frame(incident))), content_type=CONTENT_TYPE)


def _frame(incident: Incident) -> Frame:
    """Each ledger row of the incident itself is one message: its number and time make the identity."""
    rows = Change.objects.filter(incident=incident, kind__startswith="incident.").order_by("seq")
    told = list(rows.values_list("seq", "at")) or [(incident.version, incident.received_at)]
    *earlier, newest = [_identity(incident, seq, at) for seq, at in told]
    name = incident.municipality
    return Frame(
        identity=newest,
        message_type="Cancel" if incident.status in ENDED else "Update" if earlier else "Alert",
        references=tuple(earlier[:1] + earlier[1:][-REFERENCES_AT_MOST + 1 :]),
        sender_name=f"{name.name_ko} ({name.name_en})",
        is_exercise=settings.DEMO,
    )


def _identity(incident: Incident, seq: int, at: datetime) -> Reference:
    return Reference(sender_of(incident.number), f"{incident.number}.{seq}", at)
