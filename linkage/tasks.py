"""Celery tasks: they take ids, call one function and keep nothing."""

import asyncio

from celery import shared_task

from linkage import dispatch, nudge


@shared_task(name=nudge.DRAIN_TASK, ignore_result=True)
def drain_lane(system_id: int) -> None:
    """Drains one agency's lane. Safe to repeat and to lose: the sweeper does the same, a second later."""
    asyncio.run(dispatch.drain(system_id))
