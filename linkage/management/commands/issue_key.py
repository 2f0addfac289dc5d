"""``manage.py issue_key SYSTEM``: a new API key for a linked system, shown once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from linkage.models import LinkedSystem
from linkage.systems import By, key_issue


class Command(BaseCommand):
    """Issues one key. The older keys of the system stay valid until they are revoked in the admin."""

    help = "Issue an API key to a linked system and print it, this once: only its hash is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The system, and what the key is for."""
        parser.add_argument("system", metavar="SYSTEM", help="short name, or municipality:short name (30000:bells)")
        parser.add_argument("--label", default="issue_key", help="what the key is for, as shown in the admin")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the key alone on standard output. Raises CommandError where SYSTEM is unknown or ambiguous."""
        system = find_system(options["system"])
        secret = key_issue(system=system, by=By("manage.py issue_key"), label=options["label"][:60])
        self.stderr.write(f"A new key for {system.municipality.code}:{system.slug}. It is not shown again.")
        self.stdout.write(secret)


def find_system(name: str) -> LinkedSystem:
    """The linked system called `slug` or `municipality:slug`; raises CommandError unless it is exactly one."""
    municipality, _, slug = name.rpartition(":")
    found = LinkedSystem.objects.filter(slug=slug).select_related("municipality")
    if municipality:
        found = found.filter(municipality__code=municipality)
    systems = list(found)
    if not systems:
        known = ", ".join(f"{one.municipality.code}:{one.slug}" for one in _all_systems())
        raise CommandError(f"There is no linked system {name}. There are: {known or 'none'}.")
    if len(systems) > 1:
        choices = ", ".join(f"{one.municipality.code}:{one.slug}" for one in systems)
        raise CommandError(f"{name} names several systems; say which: {choices}.")
    return systems[0]


def _all_systems() -> list[LinkedSystem]:
    return list(LinkedSystem.objects.select_related("municipality"))
