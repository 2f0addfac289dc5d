"""How an incident begins: its number and its first state, whoever reported it."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone
from shapely.geometry import shape

from incidents.codes import ACK_TARGET, CODES
from incidents.models import Incident
from incidents.places import place_of
from incidents.reports import Report
from incidents.states import Status
from linkage.models import LinkedSystem
from ocenter.accounts.models import Municipality

KOREA: Final = ZoneInfo("Asia/Seoul")


def next_numbers(municipality: Municipality, count: int) -> list[str]:
    """The next `count` incident numbers of today (Korean time), such as 30000-20261123-0042.

    The counter's row stays locked until the transaction ends; a rollback gives the numbers back.
    """
    day = timezone.now().astimezone(KOREA).date()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO incidents_incidentcounter (municipality_id, day, last) VALUES (%s, %s, %s) "
            "ON CONFLICT (municipality_id, day) DO UPDATE SET last = incidents_incidentcounter.last + EXCLUDED.last "
            "RETURNING last",
            [municipality.pk, day, count],
        )
        last = int(cursor.fetchone()[0])
    return [f"{municipality.code}-{day:%Y%m%d}-{n:04d}" for n in range(last - count + 1, last + 1)]


def position_of(report: Report) -> tuple[float | None, float | None]:
    """Where a report is shown: its position, or a point inside its area."""
    if report.lat is not None or report.area is None:
        return report.lat, report.lon
    point = shape(report.area).buffer(0).representative_point()
    return (None, None) if point.is_empty else (point.y, point.x)


def new_incident(
    municipality: Municipality, number: str, report: Report, system: LinkedSystem | None, now: datetime
) -> Incident:
    """The incident a report opens, not yet saved; address and place are looked up offline where it gives none."""
    lat, lon = position_of(report)
    place = place_of(lat, lon) if lat is not None and lon is not None else None
    target = ACK_TARGET.get(report.grade)
    return Incident(
        municipality=municipality,
        number=number,
        code=report.code,
        family=CODES[report.code].family,
        grade=report.grade,
        status=Status.OPEN,
        status_at=now,
        summary=report.summary,
        address=report.address or (place.address_ko if place else ""),
        place=place.dong if place else "",
        lat=lat,
        lon=lon,
        system=system,
        device_id=report.device_id,
        occurred_at=report.occurred_at,
        last_event_at=report.occurred_at,
        received_at=now,
        ack_due_at=now + target if target else None,
        area=report.area,
        expires_at=report.expires_at,
    )
