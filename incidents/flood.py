"""Alarm floods (EEMUA 191 / ISA-18.2), decided here for every console alike.

A flood begins above ten new alarms in ten minutes for each operator on duty and ends below five. An alarm is an
incident a source has opened, G1 to G4; what is suppressed, and what an operator registered, alarms nobody.
Beginning and ending are ledger rows without an incident; consoles group by them, and G1 and G2 stay as they are (I9).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from incidents import ledger
from incidents.alarm_models import Flood
from incidents.codes import Grade
from incidents.presence import operators_on_duty
from ocenter.accounts.models import Municipality
from ocenter.accounts.principal import SYSTEM_ACTOR

ENTERS_ABOVE: Final = 10
LEAVES_BELOW: Final = 5
# A flood is decided by far fewer; beyond this many nobody needs the exact number, and counting must stay cheap.
COUNTED_AT_MOST: Final = 2_000


class FloodPayload(TypedDict):
    """A flood that goes on: `alarms` in `window_s` seconds when it was declared, for `operators` on duty."""

    municipality: str
    since: str
    alarms: int
    operators: int
    window_s: int


def window() -> timedelta:
    """The span alarms are counted over: ten minutes, unless the setting says otherwise."""
    return timedelta(seconds=settings.FLOOD_WINDOW_SECONDS)


_RECENT: Final = """
SELECT count(*) FROM (
    SELECT 1 FROM incidents_incident
    WHERE municipality_id = %s AND received_at > %s AND grade <> %s AND system_id IS NOT NULL AND suppression_id IS NULL
    LIMIT %s) AS recent
"""


def recent_alarms(municipality_id: int, since: datetime) -> int:
    """New alarms since then, counted up to COUNTED_AT_MOST."""
    with connection.cursor() as cursor:
        cursor.execute(_RECENT, [municipality_id, since, Grade.G5, COUNTED_AT_MOST])
        return int(cursor.fetchone()[0])


def floods_decide() -> int:
    """Begins and ends floods; returns how many changed. The sweeper's duty; safe to repeat."""
    now, changed = timezone.now(), 0
    open_floods = {one.municipality_id: one for one in Flood.objects.filter(ended_at=None)}
    for municipality in Municipality.objects.defer("boundary"):
        alarms, flood = recent_alarms(municipality.pk, now - window()), open_floods.get(municipality.pk)
        if flood is None and alarms <= ENTERS_ABOVE:
            continue
        operators = operators_on_duty(municipality.pk)
        if flood is None and alarms > ENTERS_ABOVE * operators:
            changed += _begin(municipality, alarms, operators)
        elif flood is not None and alarms < LEAVES_BELOW * operators:
            changed += _end(municipality, flood.pk, alarms, operators)
    return changed


@transaction.atomic
def _begin(municipality: Municipality, alarms: int, operators: int) -> bool:
    now = timezone.now()
    found = {"began_at": now, "alarms": alarms, "operators": operators, "window_s": settings.FLOOD_WINDOW_SECONDS}
    flood, made = Flood.objects.get_or_create(municipality=municipality, ended_at=None, defaults=found)
    if made:
        _write("flood.began", municipality, payload(flood, municipality.code))
    return made


@transaction.atomic
def _end(municipality: Municipality, pk: int, alarms: int, operators: int) -> bool:
    now = timezone.now()
    if not Flood.objects.filter(pk=pk, ended_at=None).update(ended_at=now):
        return False
    flood = Flood.objects.get(pk=pk)
    lasted = round((now - flood.began_at).total_seconds())
    _write("flood.ended", municipality, {"since": flood.began_at.isoformat(), "alarms": alarms, "operators": operators,
                                         "window_s": settings.FLOOD_WINDOW_SECONDS, "lasted_s": lasted})  # fmt: skip
    return True


def _write(kind: str, municipality: Municipality, detail: Any) -> None:
    ledger.append(municipality, [ledger.Draft(kind, None, SYSTEM_ACTOR, dict(detail))])


def payload(flood: Flood, code: str) -> FloodPayload:
    """A flood from outside; `code` is its municipality's."""
    return {
        "municipality": code, "since": flood.began_at.isoformat(), "alarms": flood.alarms,
        "operators": flood.operators, "window_s": flood.window_s,
    }  # fmt: skip


def floods_now(municipality_ids: Collection[int]) -> list[FloodPayload]:
    """The floods that go on in these municipalities."""
    rows = Flood.objects.filter(municipality_id__in=municipality_ids, ended_at=None).select_related("municipality")
    return [payload(one, one.municipality.code) for one in rows.defer("municipality__boundary")]
