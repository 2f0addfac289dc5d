"""`manage.py up`: start everything on this machine and keep it running."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from rich.console import Console

from ocenter.supervisor import Options, Supervisor


class Command(BaseCommand):
    """Hands the settings to the supervisor."""

    help = "Start PostgreSQL, Redis, web, worker, sweeper, beat and (with OCENTER_DEMO=1) the simulators."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal; the exit code is the supervisor's."""
        chosen = Options(
            data_dir=settings.DATA_DIR,
            host=settings.HOST,
            port=settings.PORT,
            agencies_port=settings.AGENCIES_PORT,
            demo=settings.DEMO,
            web_processes=settings.WEB_PROCESSES,
            root=settings.BASE_DIR,
        )
        raise SystemExit(Supervisor(chosen, Console(soft_wrap=True)).run())
