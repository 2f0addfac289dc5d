"""Telling the worker that a lane has work. A hint only: the sweeper finds what nobody announced."""

from __future__ import annotations

import time
from functools import cache
from typing import Final

import structlog
from celery import current_app
from kombu import Connection
from kombu.exceptions import OperationalError
from kombu.pools import producers

log = structlog.get_logger(__name__)

DRAIN_TASK: Final = "linkage.drain_lane"
REST_SECONDS: Final = 5.0  # after the broker failed, commits do not wait for it again for this long
# Whoever commits waits for the broker, the intake too: a Redis that hangs may cost it no more than this.
PATIENCE: Final = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5, "retry_on_timeout": False, "max_retries": 0}

_rests_until = 0.0


@cache
def _broker() -> Connection:
    """A connection for hints alone: the worker's own has to be patient, since it waits for work on it."""
    return current_app.connection_for_write(transport_options=PATIENCE)


def lane(system_id: int) -> None:
    """Asks the worker to drain the lane of this agency. Never raises; loses the hint where Redis is gone."""
    global _rests_until
    if time.monotonic() < _rests_until:
        return
    try:
        with producers[_broker()].acquire(block=True) as producer:
            current_app.send_task(DRAIN_TASK, args=[system_id], producer=producer, retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        _rests_until = time.monotonic() + REST_SECONDS
        log.warning("nudge.lost", system=system_id, error=str(error))
