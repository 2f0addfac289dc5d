"""The advisory lock that the intake and whoever changes its rules take turns by."""

from __future__ import annotations

from typing import Final

from django.db import connection

INTAKE_LOCK: Final = 0x0CE7  # the advisory lock's class; its second number is the municipality


def lock_intake(municipality_id: int) -> None:
    """Waits for the municipality's turn; held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [INTAKE_LOCK, municipality_id])
