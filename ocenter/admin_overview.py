"""What an administrator should see first: links in trouble, relays waiting for somebody, accounts and keys running out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone

from linkage.admin_actions import local_name
from linkage.models import LinkedSystem, Relay, SystemKey
from linkage.standing import STANDING_COLOURS, Standing, standings
from ocenter.accounts.models import User

RUNS_OUT_WITHIN: Final = timedelta(days=30)
ROWS: Final = 10


def overview(user: User) -> dict[str, Any]:
    """The overview page's context, within the person's municipality; a superuser's covers all."""
    soon = timezone.now() + RUNS_OUT_WITHIN
    waiting = _within(Relay.objects.exclude(attention_reason=""), user)
    people = _within(User.objects.filter(is_active=True, is_superuser=False, expires_at__lt=soon), user)
    keys = _within(SystemKey.objects.filter(revoked_at=None, expires_at__lt=soon), user, "system__municipality")
    systems = list(_within(LinkedSystem.objects.select_related("municipality"), user))
    found = standings(systems)
    return {
        "systems": [_row(one, found[one.pk]) for one in systems],
        "waiting_count": waiting.count(),
        "waiting": [(one, local_name(one.system)) for one in waiting.select_related("system")[:ROWS]],
        "people": people.order_by("expires_at")[:ROWS],
        "keys": [(one, local_name(one.system)) for one in keys.select_related("system").order_by("expires_at")[:ROWS]],
        "now": timezone.now(),
    }


def _within(rows: QuerySet, user: User, path: str = "municipality") -> QuerySet:
    return rows if user.is_superuser else rows.filter(**{path: user.municipality_id})


def _row(system: LinkedSystem, standing: Standing) -> dict[str, Any]:
    return {
        "system": system, "name": local_name(system), "state": standing.word, "colour": STANDING_COLOURS[standing.state]
    }  # fmt: skip
