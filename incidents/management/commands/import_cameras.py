"""``manage.py import_cameras FILE``: a registry of cameras or street equipment into the database."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from incidents.imports.importer import Outcome, Registry, import_registry, read_registry
from incidents.imports.profiles import Profile, UnknownProfile, detect, named
from incidents.imports.report import write_report
from incidents.imports.table import Table, Unreadable, read_table
from linkage.demofile import demo_document
from ocenter.accounts.models import Municipality

REPORTS_FOLDER: Final = "imports"
# The share of a file that must lie inside a boundary for the file to be that municipality's.
OWN_SHARE: Final = 0.5


class Command(BaseCommand):
    """Reads, checks, writes, reports. Repeating it updates and never doubles."""

    help = "Import a registry of cameras: the national CCTV standard CSV, or another file by a profile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file and how to take it."""
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--municipality", metavar="CODE", help="whose cameras they are; else found from the positions")
        parser.add_argument("--profile", metavar="NAME", help="which column means what; else found from the header")
        parser.add_argument("--dry-run", action="store_true", help="count and report, write nothing into the database")
        parser.add_argument(
            "--keep-damaged-dates", action="store_true",
            help="import a row whose installation date is damaged, without the date, instead of rejecting it",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        """Ends with the line `created N, updated N, unchanged N, rejected N`. Raises CommandError for a bad FILE or option."""
        path: Path = options["file"]
        table = _read(path)
        profile = _profile(table, options["profile"])
        self.stdout.write(f"{path.name}: {len(table.rows)} rows, {table.encoding}, profile {profile.name} ({profile.title})")
        with _bar("Reading", len(table.rows)) as progress:
            registry = read_registry(
                table, profile, today=timezone.localdate(),
                keep_damaged_dates=options["keep_damaged_dates"], progress=progress,
            )  # fmt: skip
        municipality = self._municipality(registry, options["municipality"])
        with _bar("Writing", len(registry.things)) as progress:
            outcome = import_registry(
                registry, municipality=municipality, source=profile.source, dry_run=options["dry_run"], progress=progress
            )
        self._tell(registry, outcome, municipality, profile, dry_run=options["dry_run"])
        self._report(registry, path, municipality)
        self.stdout.write(
            f"created {outcome.created}, updated {outcome.updated}, "
            f"unchanged {outcome.unchanged}, rejected {outcome.rejected}"
        )

    def _municipality(self, registry: Registry, code: str | None) -> Municipality:
        known = list(Municipality.objects.all())
        if code:
            found = next((one for one in known if one.code == code), None)
            if found is None:
                raise CommandError(f"There is no municipality {code}. {_remedy(known)}")
            return found
        if len(known) == 1:
            return known[0]
        best = max(known, key=registry.inside, default=None)
        if best and registry.usable and registry.inside(best) >= OWN_SHARE * len(registry.usable):
            return best
        return self._demo_or_refuse(registry, known)

    def _demo_or_refuse(self, registry: Registry, known: list[Municipality]) -> Municipality:
        where = ", ".join(place for place, _ in registry.whereabouts().most_common(3)) or "no known place"
        said = f"The file's positions ({where}) lie in no municipality's boundary"
        demo = next((one for one in known if one.code == demo_document().get("municipality")), None)
        if demo is None:
            raise CommandError(f"{said}: name one with --municipality. {_remedy(known)}")
        self.stdout.write(
            f"{said}; imported into {demo.code} {demo.name_ko}, the demo's. Name another with --municipality."
        )
        return demo

    def _tell(
        self, registry: Registry, outcome: Outcome, municipality: Municipality, profile: Profile, *, dry_run: bool
    ) -> None:
        self.stdout.write(f"Municipality {municipality.code} {municipality.name_ko}")
        kinds = ", ".join(f"{kind} {count}" for kind, count in outcome.by_kind.most_common())
        self.stdout.write(f"{len(registry.usable)} rows usable: {kinds or 'nothing'}")
        outside = len(registry.usable) - registry.inside(municipality)
        if municipality.boundary and outside:
            self.stdout.write(f"{outside} of them outside the boundary of {municipality.name_ko}")
        if registry.rejected:
            self.stdout.write(
                f"{len(registry.rejected)} rows rejected, standing for {registry.rejected_things} cameras or devices:"
            )
            for why, count in registry.reasons().most_common():
                self.stdout.write(f"  {count} × {why}")
        if dates := registry.rejected_only_for(profile.columns.get("installed", ())):
            self.stdout.write(f"--keep-damaged-dates would import {dates} of them, without the date")
        if outcome.absent:
            self.stdout.write(f"{outcome.absent} further cameras of this registry are not in this file; they stay")
        if dry_run:
            self.stdout.write("Dry run: nothing was written")

    def _report(self, registry: Registry, path: Path, municipality: Municipality) -> None:
        entries = registry.entries
        if not entries:
            return
        stamp = timezone.localtime().strftime("%Y%m%d-%H%M%S")
        report = Path(settings.DATA_DIR) / REPORTS_FOLDER / f"{path.stem}-{municipality.code}-{stamp}.csv"
        write_report(report, entries)
        self.stdout.write(f"Report (line, field, value, why): {report}")


def _read(path: Path) -> Table:
    try:
        return read_table(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except Unreadable as error:
        raise CommandError(f"{path}: {error}") from error


def _profile(table: Table, name: str | None) -> Profile:
    try:
        profile = named(name) if name else detect(table.header)
    except UnknownProfile as error:
        raise CommandError(str(error)) from error
    if missing := profile.missing(table.header):
        raise CommandError(f"Profile {profile.name} needs the columns {', '.join(missing)}, which the file lacks.")
    return profile


def _remedy(known: list[Municipality]) -> str:
    there = ", ".join(f"{one.code} {one.name_ko}" for one in known)
    return f"There are: {there}." if there else "There is none yet: create one in the admin (Municipalities)."


@contextmanager
def _bar(what: str, total: int) -> Iterator[Any]:
    """A progress bar on standard error, so that standard output stays fit for scripts."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.advance(task, done)
