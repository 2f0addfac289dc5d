"""manage.py renew_epoch: after a restored backup, makes every reader of the ledger start over."""

from typing import Any

from django.core.management.base import BaseCommand

from incidents.models import LedgerHead, new_epoch


class Command(BaseCommand):
    """Gives every municipality's ledger a new epoch.

    Run it once, after restoring a backup and before starting the web processes: numbers given out since the
    backup may come again with another content, and old cursors must not be taken for good ones (they answer 410).
    """

    help = "After a restored backup: old cursors answer 410 and readers start over."

    def handle(self, *args: Any, **options: Any) -> None:
        """Renews and says how many."""
        heads = list(LedgerHead.objects.all())
        for head in heads:
            head.epoch = new_epoch()
        LedgerHead.objects.bulk_update(heads, ["epoch"])
        self.stdout.write(f"{len(heads)} ledgers have a new epoch.")
