"""Who is on duty: operators and supervisors whose page was connected within the last minute."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from ocenter.accounts.models import User
from ocenter.accounts.roles import ACTIONS_BY_ROLE

# A socket notes it when it opens and every 30 s (`consumers.RECHECK_SECONDS`).
PRESENT_FOR: Final = timedelta(seconds=60)
# Many sockets of one person are one presence: a process writes it no more often than this.
NOTED_SECONDS: Final = 15.0
ROLES_ON_DUTY: Final = tuple(role for role, actions in ACTIONS_BY_ROLE.items() if "acknowledge" in actions)

_noted: dict[int, float] = {}


def presence_note(*, user_id: int) -> None:
    """Writes that this person's page is connected now. Repeating is safe and mostly free."""
    if time.monotonic() - _noted.get(user_id, -NOTED_SECONDS) < NOTED_SECONDS:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO incidents_presence (user_id, seen_at) VALUES (%s, %s) "
            "ON CONFLICT (user_id) DO UPDATE SET seen_at = EXCLUDED.seen_at",
            [user_id, timezone.now()],
        )
    _noted[user_id] = time.monotonic()


def on_duty(municipality_ids: Collection[int]) -> QuerySet[User]:
    """The people of these municipalities who can act and are connected."""
    staff = User.objects.filter(municipality_id__in=municipality_ids, role__in=ROLES_ON_DUTY, is_active=True)
    return staff.filter(presence__seen_at__gte=timezone.now() - PRESENT_FOR)


def operators_on_duty(municipality_id: int) -> int:
    """How many share the load: at least one, since somebody must."""
    return max(1, on_duty([municipality_id]).count())
