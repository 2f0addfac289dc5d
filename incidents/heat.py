"""Where it has been busy: incidents counted in the cells of a grid, by the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypedDict

from django.db.models import Count, F, IntegerField, Min
from django.db.models.functions import Cast, Floor
from django.utils import timezone

from incidents.selectors import visible_incidents
from incidents.states import Status
from ocenter.accounts.principal import Principal

# About 280 metres either way in Korea.
CELL_LAT: Final = 0.0025
CELL_LON: Final = 0.003
# A merged incident is counted where it went; a test never happened.
LEFT_OUT: Final = (Status.MERGED, Status.TEST)


class Heat(TypedDict):
    """`cells` are `[row, column, incidents, worst grade]`; a cell begins at row × cell[0], column × cell[1] degrees."""

    hours: int
    since: str
    until: str
    cell: list[float]
    cells: list[list[Any]]


def heat_of(principal: Principal, hours: int, until: datetime | None = None) -> Heat:
    """What the caller may see of the `hours` before `until` (None: now); incidents without a place are in no cell."""
    end = until or timezone.now()
    since = max(end, datetime.min.replace(tzinfo=UTC) + timedelta(hours=hours)) - timedelta(hours=hours)
    found = (
        visible_incidents(principal)
        .filter(received_at__gte=since, received_at__lte=end, lat__isnull=False, lon__isnull=False)
        .exclude(status__in=LEFT_OUT)
        .order_by()
        .values(row=_cell("lat", CELL_LAT), column=_cell("lon", CELL_LON))
        .annotate(count=Count("pk"), worst=Min("grade"))
        .values_list("row", "column", "count", "worst")
    )
    return {
        "hours": hours,
        "since": since.isoformat(),
        "until": end.isoformat(),
        "cell": [CELL_LAT, CELL_LON],
        "cells": [list(one) for one in found],
    }


def _cell(field: str, size: float) -> Cast:
    return Cast(Floor(F(field) / size), IntegerField())
