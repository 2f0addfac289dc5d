"""``manage.py simulate city|agencies``: start a simulator (see :mod:`linkage.simulators`)."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from linkage.simulators import cli


class Command(BaseCommand):
    """Run the simulated city or the simulated agencies until stopped."""

    help = "Run the simulated city or the simulated agencies until stopped."
    requires_system_checks: list[str] = []  # it talks HTTP alone: our configuration is not its business

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The simulators' own options."""
        cli.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped; exit status 1 when a city had to leave events unanswered."""
        status = cli.run(options)
        if status:
            sys.exit(status)
