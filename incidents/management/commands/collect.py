"""manage.py collect: the collector process."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand

from incidents.documents import document_take
from incidents.intake_queue import IntakeQueue
from linkage.feeds import collector
from linkage.feeds.base import Take
from linkage.models import LinkedSystem


class Command(BaseCommand):
    """Runs the collector until SIGTERM or Ctrl-C; several may run, one of them leads."""

    help = "Polls and listens to the feeds that do not send by themselves; runs until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        """Collects from every enabled feed."""
        asyncio.run(_run())


async def _run() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    queue = IntakeQueue()

    def take_for(system: LinkedSystem) -> Take:
        async def take(document: bytes, content_type: str) -> dict[str, Any]:
            name = system.feed_format or collector.DEFAULT_FORMAT
            return await document_take(
                queue, system=system, format_name=name, document=document, content_type=content_type
            )

        return take

    await collector.collect(stop, take_for)
