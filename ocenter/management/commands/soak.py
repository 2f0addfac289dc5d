"""`manage.py soak`: a whole installation under load, broken in every way we know, and its books compared."""

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ocenter.soak.backstage import TimedOut
from ocenter.soak.drill import Drill, all_hold
from ocenter.soak.faults import FAULTS
from ocenter.soak.installation import Installation, NotHere
from ocenter.soak.matrix import as_markdown, as_text


class Command(BaseCommand):
    """Hands the options to the drill; the exit code says whether every invariant held."""

    help = "Break a running demo city for N minutes and compare all ledgers. Starts one of its own unless --data-dir is given."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """--minutes, --data-dir, --only, --scale, --seed, --markdown."""
        parser.add_argument("--minutes", type=float, default=10, help="stops by itself after this (default 10)")
        parser.add_argument(
            "--data-dir", type=Path, help="a demo installation that runs already (default: one of its own)"
        )
        parser.add_argument(
            "--only", action="append", metavar="TEXT", help="faults whose name contains this; repeatable"
        )
        parser.add_argument("--scale", type=float, default=1.0, help="below 1 shortens the faults")
        parser.add_argument("--seed", type=int, default=0, help="order of the rounds after the first")
        parser.add_argument("--markdown", action="store_true", help="print the matrix as Markdown")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, print, exit 1 where something did not hold."""
        wanted = options["only"] or [""]
        faults = [one for one in FAULTS if any(text.lower() in one.name.lower() for text in wanted)]
        if not faults:
            raise CommandError("no fault has such a name: " + ", ".join(one.name for one in FAULTS))
        own = options["data_dir"] is None
        try:
            installation = Installation(**CALM) if own else Installation.running_in(options["data_dir"].absolute())
        except NotHere as error:
            raise CommandError(str(error)) from error
        drill = Drill(installation, say=self._say, scale=options["scale"])
        try:
            if own:
                installation.start()
            drill.run(seconds=options["minutes"] * 60, faults=faults, seed=options["seed"])
        except (NotHere, TimedOut) as error:
            raise CommandError(str(error)) from error
        finally:
            self._say("\n" + (as_markdown if options["markdown"] else as_text)(drill.lines))
            if own:
                installation.remove()
        if not all_hold(drill.lines):
            raise SystemExit(1)

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


# Nobody reports but us, and agencies take messages without acting on them: what they would call back is tested apart.
CALM = {"OCENTER_CITY_RATE": "0", "OCENTER_AGENCIES_SPEED": "0.01", "OCENTER_LOG_LEVEL": "WARNING"}
