"""``manage.py seed_demo``: the two demo cities. ``make run`` does it at every start."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from linkage.demofile import DEMO_FILE
from ocenter.demo.seed import Addresses, seed


class Command(BaseCommand):
    """Seeds the demo; safe to repeat, and refused where the demo is not switched on."""

    help = "Make up two demo cities with accounts, linked systems, cameras and devices. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        """Seeds and says where the accounts are. Raises CommandError outside a demo."""
        if not settings.DEMO:
            raise CommandError(
                "seed_demo makes up accounts and agencies, which have no place in a real installation. "
                "Set OCENTER_DEMO=1 to have them (make run does)."
            )
        addresses = Addresses(settings.BASE_URL.rstrip("/"), f"http://127.0.0.1:{settings.AGENCIES_PORT}")
        for done in seed(directory=Path(settings.DATA_DIR), addresses=addresses):
            self.stdout.write(
                f"{done.city.name_ko} ({done.city.code}): {done.cameras} cameras, {done.devices} devices, "
                f"{len(done.systems)} linked systems"
            )
        self.stdout.write(f"Accounts and keys: {Path(settings.DATA_DIR) / DEMO_FILE}")
