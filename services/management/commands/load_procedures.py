"""``manage.py load_procedures FILE``: procedures from a TOML file, as new versions."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ocenter.accounts.models import Municipality
from services.procedures.builtin import NotAProcedure, read_file
from services.procedures.operations import procedures_load


class Command(BaseCommand):
    """Loads all procedures of a file, or none. What is already the active version stays as it is."""

    help = "Load procedures (SOP) from a TOML file for one municipality, or for every centre that has none of its own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file, and whose procedures they become."""
        parser.add_argument("file", metavar="FILE", type=Path, help="TOML as in services/procedures/builtin")
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--municipality", metavar="CODE")
        whose.add_argument("--all-centres", action="store_true", help="for every centre without one of its own")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ends with one line: `new versions N, unchanged N`. Raises CommandError where the file or the code is wrong."""
        code = options["municipality"]
        municipality = Municipality.objects.filter(code=code).first() if code else None
        if code and municipality is None:
            raise CommandError(f"There is no municipality {code}.")
        try:
            definitions = read_file(options["file"])
        except NotAProcedure as error:
            raise CommandError(str(error)) from error
        saved = procedures_load(municipality=municipality, definitions=definitions, by="manage.py load_procedures")
        for one in saved:
            self.stdout.write(f"{one.applies_to}: version {one.version}")
        self.stdout.write(f"new versions {len(saved)}, unchanged {len(definitions) - len(saved)}")
