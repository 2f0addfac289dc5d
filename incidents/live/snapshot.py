"""The snapshot: what is active, and the cursor it is true at, from one view of the database."""

from __future__ import annotations

import time
from typing import Final

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from incidents import ledger
from incidents.flood import floods_now
from incidents.ledger import Cursor
from incidents.live.hub import feeds_of
from incidents.live.protocol import snapshot_message
from incidents.payloads import incident_payloads
from incidents.selectors import active_incidents, relays_by_subject
from ocenter.accounts.principal import Principal

# A screen that wants more than this is not read by anybody; the most urgent and newest come.
INCIDENTS_AT_MOST: Final = 3_000
# After a restart every console comes back at once: those who see the same share one snapshot this long.
SHARE_SECONDS: Final = 1.0

_recent: dict[frozenset[int], tuple[float, Cursor, str]] = {}


def snapshot_for(caller: Principal) -> tuple[Cursor, str]:
    """The cursor and the snapshot message for the caller. Rows after the cursor continue it exactly."""
    if caller.families is not None:
        return _take(caller)
    known = _recent.get(caller.municipalities)
    if known is None or known[0] < time.monotonic():
        known = (time.monotonic() + SHARE_SECONDS, *_take(caller))
        _recent[caller.municipalities] = known
    return dict(known[1]), known[2]


def _take(caller: Principal) -> tuple[Cursor, str]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            # One view for both reads: else a change between them would be shown twice or never.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        at = ledger.heads(caller.municipalities)
        active = active_incidents(caller)
        total = active.count()
        incidents = list(active.order_by("grade", F("id").desc())[:INCIDENTS_AT_MOST])
        payloads = incident_payloads(incidents, relays_by_subject([one.number for one in incidents]))
        feeds = feeds_of(caller.municipalities).told(caller.families is None)
        floods = floods_now(caller.municipalities) if caller.families is None else []
    return at, snapshot_message(at, timezone.now(), payloads, total, feeds, floods)
