"""How a link has done in the last hour, in figures for a list and a page: two queries, however many systems."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

from linkage import standing
from linkage.models import LinkedSystem

HOUR: Final = timedelta(hours=1)
# A share below this is shown as bad, between the two as doubtful.
BAD_SHARE: Final = 0.9
GOOD_SHARE: Final = 0.99


@dataclass(frozen=True)
class Figures:
    """The last hour. Agencies: attempts, how many got through, milliseconds at the median and the 95th percentile.
    Feeds: events taken in, records refused in that hour, and what waits in quarantine altogether."""

    attempts: int = 0
    delivered: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    events: int = 0
    rejected: int = 0
    quarantined: int = 0

    @property
    def share(self) -> float | None:
        """The part of the attempts that got through, or None without any."""
        return self.delivered / self.attempts if self.attempts else None

    @property
    def colour(self) -> str:
        """The colour of the share's badge."""
        if self.share is None:
            return ""
        return "success" if self.share >= GOOD_SHARE else "warning" if self.share >= BAD_SHARE else "danger"


_FIGURES: Final = """
SELECT s.id, a.tried, a.through, a.p50, a.p95, q.refused, q.waiting
FROM unnest(%(systems)s::bigint[]) AS s(id)
LEFT JOIN (
    SELECT d.system_id, count(*) AS tried, count(*) FILTER (WHERE t.error = '') AS through,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY t.duration_ms) AS p50,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY t.duration_ms) AS p95
    FROM linkage_attempt t JOIN linkage_delivery d ON d.id = t.delivery_id
    WHERE t.started_at > %(since)s AND d.system_id = ANY(%(systems)s::bigint[])
    GROUP BY d.system_id) AS a ON a.system_id = s.id
LEFT JOIN (
    SELECT system_id, count(*) FILTER (WHERE last_at > %(since)s) AS refused, count(*) FILTER (WHERE state = 'waiting') AS waiting
    FROM linkage_quarantined WHERE system_id = ANY(%(systems)s::bigint[])
    GROUP BY system_id) AS q ON q.system_id = s.id
"""


def figures_of(systems: Iterable[LinkedSystem], *, now: datetime | None = None) -> dict[int, Figures]:
    """The figures of each system, by id."""
    systems, since = list(systems), (now or timezone.now()) - HOUR
    feeds = [one.pk for one in systems if one.kind == LinkedSystem.Kind.FEED]
    events = standing.count_events(feeds, since) if feeds else {}
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, {"systems": [one.pk for one in systems], "since": since})
        return {
            pk: Figures(tried or 0, through or 0, p50, p95, events.get(pk, 0), refused or 0, waiting or 0)
            for pk, tried, through, p50, p95, refused, waiting in cursor.fetchall()
        }
