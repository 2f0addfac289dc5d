"""Telling the worker that a lane has work. A hint only: the sweeper finds what nobody announced."""

from __future__ import annotations

import time
from typing import Final

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)

DRAIN_TASK: Final = "linkage.drain_lane"
REST_SECONDS: Final = 5.0  # after the broker failed, commits do not wait for it again for this long

_rests_until = 0.0


def lane(system_id: int) -> None:
    """Asks the worker to drain the lane of this agency. Never raises; loses the hint where Redis is gone."""
    global _rests_until
    if time.monotonic() < _rests_until:
        return
    try:
        current_app.send_task(DRAIN_TASK, args=[system_id], retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        _rests_until = time.monotonic() + REST_SECONDS
        log.warning("nudge.lost", system=system_id, error=str(error))
