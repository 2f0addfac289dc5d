"""`manage.py verify_audit`: is the audit chain whole?"""

from __future__ import annotations

import hmac
from argparse import ArgumentParser, ArgumentTypeError

from django.core.management.base import BaseCommand, CommandError

from ocenter.accounts import audit


def _anchor(text: str) -> tuple[int, str]:
    """`NUMBER:DIGEST` as printed by an earlier run."""
    number, _colon, digest = text.partition(":")
    if not number.isdecimal() or not digest:
        raise ArgumentTypeError("expected NUMBER:DIGEST, as an earlier run printed it")
    return int(number), digest


class Command(BaseCommand):
    """Prints `N entries, whole` and the head, or each finding; ends with 1 where there is one."""

    help = "Checks that no audit entry was changed, deleted or cut off."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One option: the head of an earlier run, kept outside this database."""
        parser.add_argument(
            "--expect",
            type=_anchor,
            metavar="NUMBER:DIGEST",
            help="a head printed earlier and kept elsewhere; shows a chain put back to an older state",
        )

    def handle(self, *, expect: tuple[int, str] | None, **options: object) -> None:
        """Verifies and prints; raises CommandError (exit 1) where something was found."""
        report = audit.verify()
        if expect:
            self._compare(report, *expect)
        for finding in report.findings:
            self.stdout.write(f"{finding.kind}: {finding.text}")
        if not report.whole:
            raise CommandError(f"{report.entries} entries, {report.finding_count} findings", returncode=1)
        self.stdout.write(f"{report.entries} entries, whole")
        self.stdout.write(f"head {report.number}:{report.digest}")

    def _compare(self, report: audit.Report, number: int, digest: str) -> None:
        found = audit.digest_at(number) or ""
        if not hmac.compare_digest(found, digest):
            text = f"entry {number} is not the one that was there when its digest was noted"
            report.add(audit.Finding(number, "unexpected", text))
