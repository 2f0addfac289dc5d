"""The snapshot: what is active, and the cursor it is true at, from one view of the database."""

from __future__ import annotations

from typing import Final

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from incidents import ledger
from incidents.ledger import Cursor
from incidents.live.hub import feeds_text
from incidents.live.protocol import snapshot_message
from incidents.payloads import incident_payloads
from incidents.selectors import active_incidents, relays_by_subject
from ocenter.accounts.principal import Principal

# A screen that wants more than this is not read by anybody; the most urgent and newest come.
INCIDENTS_AT_MOST: Final = 3_000


def take_snapshot(caller: Principal) -> tuple[Cursor, str]:
    """The cursor and the snapshot message for the caller. Rows after the cursor continue it exactly."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # One view for both reads: else a change between them would be shown twice or never.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        at = ledger.heads(caller.municipalities)
        active = active_incidents(caller)
        total = active.count()
        incidents = list(active.order_by("grade", F("id").desc())[:INCIDENTS_AT_MOST])
        payloads = incident_payloads(incidents, relays_by_subject([one.number for one in incidents]))
        feeds = feeds_text(caller.municipalities)
    return at, snapshot_message(at, timezone.now(), payloads, total, feeds)
