"""manage.py sweep: the sweeper process."""

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand

from linkage import sweeper


class Command(BaseCommand):
    """Runs the sweeper until SIGTERM or Ctrl-C; several may run, one of them leads."""

    help = "Delivers overdue relays, raises what needs an operator; runs until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweeps every second."""
        asyncio.run(_run())


async def _run() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await sweeper.sweep(stop)
