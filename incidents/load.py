"""The alarm load against the norms (EEMUA 191, ISA-18.2), read from the ledger and the incidents it wrote.

An alarm is what `flood` counts: an incident a source opened, G1 to G4, not suppressed. Times are seconds, shares 0 to 1;
a share or a time of nothing is None rather than a flattering 0.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict

from django.conf import settings
from django.db import connection
from django.utils import timezone

from incidents.codes import ACK_TARGET
from incidents.flood import ENTERS_ABOVE, LEAVES_BELOW, FloodPayload, floods_now, recent_alarms, window
from incidents.payloads import Names, person
from incidents.presence import on_duty
from incidents.states import UNACKNOWLEDGED
from ocenter.accounts.models import User

# Alarms in ten minutes for one operator: up to the first they are acceptable, up to the second manageable.
ACCEPTABLE: Final = 1
MANAGEABLE: Final = 2
NORMS: Final[dict[str, Any]] = {
    "source": "EEMUA 191 / ISA-18.2", "acceptable": ACCEPTABLE, "manageable": MANAGEABLE, "flood_above": ENTERS_ABOVE,
    "flood_ends_below": LEAVES_BELOW, "flood_share": 0.01, "ten_worst_share": 0.05,
    "priorities": {"low": 0.80, "medium": 0.15, "high": 0.05},
}  # fmt: skip
# Three classes of the norm from five grades: G5 is for the log and no alarm.
CLASS_OF: Final = {"G1": "high", "G2": "medium", "G3": "low", "G4": "low"}


class Times(TypedDict):
    """How soon alarms were acknowledged: `in_time` is the share within the target of their grade."""

    acknowledged: int
    median_s: float | None
    p90_s: float | None
    in_time: float | None


class OperatorLoad(Times):
    """One operator's acknowledgements; `on_duty` says whether their page is connected now."""

    operator: Names
    on_duty: bool


class Load(TypedDict):
    """The alarm load of the caller's municipalities over the last `hours`."""

    at: str
    hours: int
    window_s: int
    on_duty: list[Names]
    recent: int
    per_operator: float
    band: str
    unacknowledged: int
    escalated: int
    alarms: int
    average_per_operator: float
    times: Times
    operators: list[OperatorLoad]
    priorities: dict[str, int]
    flood: FloodPayload | None
    flood_share: float
    norms: dict[str, Any]


def band_of(per_operator: float) -> str:
    """Where so many alarms in the window for one operator lie between the norms."""
    if per_operator <= ACCEPTABLE:
        return "acceptable"
    if per_operator <= MANAGEABLE:
        return "manageable"
    return "flood" if per_operator > ENTERS_ABOVE else "high"


def load_of(municipality_ids: Collection[int], *, hours: int) -> Load:
    """The load now and over the last `hours`. A handful of indexed queries."""
    now = timezone.now()
    since, ids = now - timedelta(hours=hours), sorted(municipality_ids)
    present = {one.username: person(one) for one in on_duty(ids).order_by("username")}
    heads = max(1, len(present))
    recent = sum(recent_alarms(one, now - window()) for one in ids)
    counts = _counts(ids, since)
    alarms = sum(counts.values())
    floods = floods_now(ids)
    waiting, escalated = _waiting(ids)
    return {
        "at": now.isoformat(), "hours": hours, "window_s": settings.FLOOD_WINDOW_SECONDS, "on_duty": list(present.values()),
        "recent": recent, "per_operator": round(recent / heads, 2), "band": band_of(recent / heads),
        "unacknowledged": waiting, "escalated": escalated, "alarms": alarms,
        "average_per_operator": round(alarms / heads / (hours * 3600 / settings.FLOOD_WINDOW_SECONDS), 2),
        "times": _times(ids, since), "operators": _operators(ids, since, present), "priorities": counts,
        "flood": floods[0] if floods else None, "flood_share": _flood_share(ids, since, now), "norms": NORMS,
    }  # fmt: skip


def _rows(sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


_COUNTS: Final = """
SELECT grade, count(*) FROM incidents_incident
WHERE municipality_id = ANY(%s) AND received_at > %s AND grade <> 'G5' AND system_id IS NOT NULL AND suppression_id IS NULL
GROUP BY grade
"""


def _counts(ids: list[int], since: datetime) -> dict[str, int]:
    found = {"low": 0, "medium": 0, "high": 0}
    for grade, number in _rows(_COUNTS, [ids, since]):
        found[CLASS_OF[grade]] += number
    return found


_WAITING: Final = """
SELECT count(*), count(*) FILTER (WHERE escalation > 0) FROM incidents_incident
WHERE municipality_id = ANY(%s) AND status = ANY(%s) AND grade <> 'G5' AND coalesce(shelved_until <= now(), true)
"""


def _waiting(ids: list[int]) -> tuple[int, int]:
    waiting, escalated = _rows(_WAITING, [ids, sorted(UNACKNOWLEDGED)])[0]
    return int(waiting), int(escalated)


# From the moment an incident last asked for it (its target's time less the target) to the ledger row that says so.
# What an operator registered was known from the beginning, and G5 asks for nothing.
_ACKNOWLEDGED: Final = """
WITH target(grade, span) AS (SELECT * FROM unnest(%s::text[], %s::float8[])),
taken AS (
    SELECT c.body->'actor'->>'name' AS who, t.span,
           extract(epoch FROM c.at - (c.body->'incident'->>'ack_due_at')::timestamptz)::float8 + t.span AS took
    FROM incidents_change c JOIN target t ON t.grade = c.body->'incident'->>'grade'
    WHERE c.municipality_id = ANY(%s) AND c.at > %s AND c.kind = 'incident.acknowledged'
      AND c.body->'incident'->'source'->>'system' IS NOT NULL AND c.body->'incident'->>'ack_due_at' IS NOT NULL)
SELECT who, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY took), percentile_cont(0.9) WITHIN GROUP (ORDER BY took),
       avg((took <= span)::int)::float8
FROM taken GROUP BY GROUPING SETS ((), (who)) ORDER BY count(*) DESC, who
"""


def _acknowledged(ids: list[int], since: datetime) -> list[tuple[str | None, Times]]:
    grades, spans = [str(one) for one in ACK_TARGET], [span.total_seconds() for span in ACK_TARGET.values()]
    rows = _rows(_ACKNOWLEDGED, [grades, spans, ids, since])
    return [(who, _as_times(number, median, p90, in_time)) for who, number, median, p90, in_time in rows]


def _as_times(number: int, median: float | None, p90: float | None, in_time: float | None) -> Times:
    return {
        "acknowledged": number, "median_s": None if median is None else round(max(0.0, median), 1),
        "p90_s": None if p90 is None else round(max(0.0, p90), 1), "in_time": None if in_time is None else round(in_time, 3),
    }  # fmt: skip


def _times(ids: list[int], since: datetime) -> Times:
    return next((times for who, times in _acknowledged(ids, since) if who is None), _as_times(0, None, None, None))


def _operators(ids: list[int], since: datetime, present: dict[str, Names]) -> list[OperatorLoad]:
    """Whoever acknowledged something, and whoever is on duty."""
    found = {who: times for who, times in _acknowledged(ids, since) if who is not None}
    idle = {who: _as_times(0, None, None, None) for who in present if who not in found}
    names = {**{who: {"username": who, "name": who} for who in found}, **_names(found), **present}
    return [{"operator": names[who], "on_duty": who in present, **times} for who, times in {**found, **idle}.items()]


def _names(usernames: Collection[str]) -> dict[str, Names]:
    return {one.username: person(one) for one in User.objects.filter(username__in=list(usernames))}


_FLOODED: Final = """
SELECT coalesce(sum(extract(epoch FROM least(coalesce(ended_at, %s), %s) - greatest(began_at, %s))), 0)::float8
FROM incidents_flood WHERE municipality_id = ANY(%s) AND coalesce(ended_at, %s) > %s
"""


def _flood_share(ids: list[int], since: datetime, now: datetime) -> float:
    seconds = _rows(_FLOODED, [now, now, since, ids, now, since])[0][0]
    return round(seconds / ((now - since).total_seconds() * max(1, len(ids))), 4)
