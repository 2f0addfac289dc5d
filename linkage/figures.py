"""The figures of many links at once: how long relays take, how many attempts fail, what waits and what lies in quarantine.

A few set queries over indexes, remembered for a moment: whoever looks every five seconds, and the scraper, cost the
database little however many they are.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict

from django.db import connection
from django.utils import timezone

QUANTILES: Final = (0.5, 0.95, 0.99)
WINDOWS: Final = {"last_15_min": timedelta(minutes=15), "last_24_h": timedelta(hours=24)}
REMEMBER_SECONDS: Final = 4.0
COUNT_AT_MOST: Final = 10_000


class Spread(TypedDict):
    """How long something took, in milliseconds; null where it did not happen in the window."""

    count: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class Window(TypedDict):
    """An agency's relays in a window: commit here to receipt there, the exchanges alone, and those that failed."""

    delivered: Spread
    http: Spread
    failures: int


NOTHING: Final[Spread] = {"count": 0, "p50_ms": None, "p95_ms": None, "p99_ms": None}


@dataclass
class Figures:
    """One link's figures. `quarantined` are waiting records, at most `COUNT_AT_MOST`; `under_way` leased messages."""

    windows: dict[str, Window] = field(
        default_factory=lambda: {name: {"delivered": NOTHING, "http": NOTHING, "failures": 0} for name in WINDOWS}
    )
    quarantined: int = 0
    under_way: int = 0


_remembered: dict[tuple[int, ...], tuple[float, dict[int, Figures]]] = {}


def figures_of(system_ids: Iterable[int]) -> dict[int, Figures]:
    """The figures of these systems, by id; at most `REMEMBER_SECONDS` old."""
    key = tuple(sorted(system_ids))
    known = _remembered.get(key)
    if known is None or known[0] < time.monotonic():
        found = _read(list(key))
        for old in [one for one, (until, _) in list(_remembered.items()) if until < time.monotonic()]:
            _remembered.pop(old, None)
        known = _remembered[key] = (time.monotonic() + REMEMBER_SECONDS, found)
    return known[1]


def _read(system_ids: list[int]) -> dict[int, Figures]:
    found = {one: Figures() for one in system_ids}
    now = timezone.now()
    for name, span in WINDOWS.items():
        for pk, count, quantiles in _rows(_DELIVERED, system_ids, now - span):
            found[pk].windows[name]["delivered"] = _spread(count, quantiles)
        for pk, count, quantiles, failures in _rows(_ATTEMPTS, system_ids, now - span):
            found[pk].windows[name] |= {"http": _spread(count, quantiles), "failures": failures}
    for pk, quarantined, under_way in _rows(_COUNTS, system_ids, now):
        found[pk].quarantined, found[pk].under_way = quarantined, under_way
    return found


def _rows(query: str, system_ids: list[int], at: datetime) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"systems": system_ids, "at": at, "quantiles": list(QUANTILES), "at_most": COUNT_AT_MOST})
        return cursor.fetchall()


def _spread(count: int, quantiles: list[float] | None) -> Spread:
    p50, p95, p99 = (round(one, 1) for one in quantiles) if quantiles else (None, None, None)
    return {"count": count, "p50_ms": p50, "p95_ms": p95, "p99_ms": p99}


_DELIVERED: Final = """
SELECT system_id, count(*), percentile_cont(%(quantiles)s::float8[]) WITHIN GROUP (
    ORDER BY 1000 * extract(epoch FROM settled_at - created_at)::float8)
FROM linkage_delivery
WHERE state = 'delivered' AND system_id = ANY(%(systems)s::bigint[]) AND settled_at > %(at)s GROUP BY system_id
"""
_ATTEMPTS: Final = """
SELECT d.system_id, count(*),
    percentile_cont(%(quantiles)s::float8[]) WITHIN GROUP (ORDER BY a.duration_ms::float8),
    count(*) FILTER (WHERE a.error <> '')
FROM linkage_attempt a JOIN linkage_delivery d ON d.id = a.delivery_id
WHERE a.started_at > %(at)s AND d.system_id = ANY(%(systems)s::bigint[]) GROUP BY d.system_id
"""
_COUNTS: Final = """
SELECT s.id, q.number, d.number FROM unnest(%(systems)s::bigint[]) AS s(id)
CROSS JOIN LATERAL (SELECT count(*) AS number FROM (
    SELECT 1 FROM linkage_quarantined WHERE system_id = s.id AND state = 'waiting' LIMIT %(at_most)s) AS waiting) AS q
CROSS JOIN LATERAL (
    SELECT count(*) AS number FROM linkage_delivery
    WHERE system_id = s.id AND state = 'pending' AND lease_until > %(at)s) AS d
"""
