"""What operators have taken apart stays apart (decision 0012).

Two incidents are parted once somebody has split one off the other, or undone a merge of them. A source (a system and
its device) that has reported into either then follows its own newest event: correlation never puts its next one into
the other. Nothing has to be cancelled when they are put together again: then all their events lie in one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from django.db import connection

from incidents.models import Event


class Joining(NamedTuple):
    """An event about to join an incident: its place in the batch, the incident's id, and its source."""

    place: int
    incident_id: int
    system_id: int
    device_id: str


# Down from each incident asked about to all that was merged into it, over to what those were parted from, and up
# again to where that is now.
_PARTED: Final = """
WITH RECURSIVE inside AS (
    SELECT id AS root, id FROM unnest(%s::bigint[]) AS asked(id)
    UNION ALL
    SELECT inside.root, i.id FROM inside JOIN incidents_incident i ON i.merged_into_id = inside.id),
beyond AS (
    (SELECT inside.root, r.part_id AS id FROM inside JOIN incidents_regrouping r ON r.whole_id = inside.id
     UNION
     SELECT inside.root, r.whole_id FROM inside JOIN incidents_regrouping r ON r.part_id = inside.id)
    UNION ALL
    SELECT beyond.root, i.merged_into_id FROM beyond JOIN incidents_incident i ON i.id = beyond.id
    WHERE i.merged_into_id IS NOT NULL)
SELECT DISTINCT root, id FROM beyond WHERE id <> root
"""


def barred(joinings: Iterable[Joining]) -> set[tuple[int, int]]:
    """The (place, incident id) that may not be, since the source's newest event lies on the other side.

    One query where nothing near was ever taken apart. Sure only once the incidents' rows are locked.
    """
    asked = list(joinings)
    parted = _parted({one.incident_id for one in asked})
    return {(one.place, one.incident_id) for one in asked if one.incident_id in parted and _is_elsewhere(one, parted)}


def _parted(ids: set[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_PARTED, [sorted(ids)])
            for root, other in cursor.fetchall():
                found[root].add(other)
    return found


def _is_elsewhere(one: Joining, parted: dict[int, set[int]]) -> bool:
    sides = {one.incident_id, *parted[one.incident_id]}
    own = Event.objects.filter(system_id=one.system_id, device_id=one.device_id, incident_id__in=sides)
    newest = own.order_by("-id").values_list("incident_id", flat=True).first()
    return newest is not None and newest != one.incident_id
