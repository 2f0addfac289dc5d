"""manage.py video: the media gateway."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from linkage.video import listening


class Command(BaseCommand):
    """Runs the media gateway until SIGTERM or Ctrl-C."""

    help = "Shows cameras to browsers: RTSP in, HLS out, one ffmpeg a camera; runs until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        """Serves at OCENTER_VIDEO_ADDRESS."""
        try:
            asyncio.run(_run())
        except OSError as error:
            raise CommandError(f"OCENTER_VIDEO_ADDRESS {settings.VIDEO_ADDRESS} cannot be used: {error}") from error


async def _run() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await listening.serve(stop)
