"""Celery tasks: they take ids, call one function and keep nothing."""

from typing import Any, Final

from celery import shared_task
from celery.signals import worker_shutting_down

from linkage import health, nudge, quarantine
from linkage.dispatch import Courier

# Within what a stop may take; an attempt that is not answered by then comes back with its lease.
FINISH_SECONDS: Final = 3.0

_courier = Courier()


@shared_task(name=nudge.DRAIN_TASK, ignore_result=True)
def drain_lane(system_id: int) -> None:
    """Has one agency's lane drained. Safe to repeat and to lose: the sweeper does the same, a second later."""
    _courier.drain_soon(system_id)


@shared_task(name="linkage.worker_alive", ignore_result=True)
def worker_alive() -> None:
    """Writes the worker's heartbeat. Beat sends it every ten seconds."""
    health.heartbeat(health.WORKER)


@shared_task(name="linkage.prune_quarantine", ignore_result=True)
def prune_quarantine() -> None:
    """Lets go of what was settled long ago; see `quarantine.prune`. Safe to repeat."""
    quarantine.prune()


@worker_shutting_down.connect
def finish_lanes(**_signal: Any) -> None:
    """Sender: a Celery worker told to stop. What is on the wire gets its answer."""
    _courier.finish(FINISH_SECONDS)
