"""A registry file into the database: read whole, checked as a whole, then written; the same file twice changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import shapely
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from incidents.geo import METRES_PER_DEGREE
from incidents.imports.profiles import CAMERA, Profile
from incidents.imports.report import REJECTED, WARNING, Entry
from incidents.imports.sites import Reader, Reading, Thing
from incidents.imports.table import Table
from incidents.models import Camera, Device
from incidents.places import atlas
from ocenter.accounts.models import Municipality

BATCH: Final = 500
# A registry is one province's where nearly all of it lies there; what lies far from it is misplaced.
HOME_SHARE: Final = 0.9
HOME_MARGIN_METRES: Final = 10_000

Progress = Callable[[int], None]


@dataclass
class Outcome:
    """What an import did. Created, updated and unchanged count cameras and devices, `rejected` counts rows.

    `absent` are cameras of the same registry that this file does not name: they stay until someone removes them.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    absent: int = 0


class Registry:
    """One file as it was read: the readings that are usable, and everything that is to be reported."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self.rows = len(readings)
        _reject_misplaced(readings)
        self.usable = [one for one in readings if not one.faults]
        self.rejected = [one for one in readings if one.faults]
        self.things = [thing for one in self.usable for thing in one.things]

    @property
    def entries(self) -> list[Entry]:
        """The report's lines."""
        lost = [Entry(one.line, fault, REJECTED) for one in self.rejected for fault in one.faults]
        return lost + [Entry(one.line, fault, WARNING) for one in self.usable for fault in one.warnings]

    @property
    def rejected_things(self) -> int:
        """The cameras and devices that the rejected rows stand for, as far as they say."""
        return sum(one.stands_for for one in self.rejected)

    def rejected_only_for(self, fields: Sequence[str]) -> int:
        """How many rows were rejected for nothing but one of these columns."""
        return sum(all(fault.field in fields for fault in one.faults) for one in self.rejected)

    def reasons(self) -> Counter[str]:
        """How many rows were rejected for which first reason."""
        return Counter(one.faults[0].why for one in self.rejected)

    def whereabouts(self) -> Counter[str]:
        """How many usable rows lie in which city and district."""
        return Counter(f"{one.place.city} {one.place.district}".strip() for one in self.usable if one.place)

    def inside(self, municipality: Municipality) -> int:
        """How many usable rows lie inside the municipality's boundary; 0 where that is unknown."""
        if not municipality.boundary:
            return 0
        outline = shapely.geometry.shape(municipality.boundary)
        shapely.prepare(outline)
        within = shapely.contains_xy(outline, [one.lon for one in self.usable], [one.lat for one in self.usable])
        return int(within.sum())


def read_registry(
    table: Table, profile: Profile, *, today: date, keep_damaged_dates: bool = False, progress: Progress = lambda done: None
) -> Registry:
    """Reads every row; nothing is written. `progress` is told how many rows each step did."""
    reader = Reader(profile, table.header, today=today, keep_damaged_dates=keep_damaged_dates)
    readings = []
    for row in table.rows:
        readings.append(reader.read(row))
        progress(1)
    return Registry(readings)


def import_registry(
    registry: Registry, *, municipality: Municipality, source: str, dry_run: bool = False,
    progress: Progress = lambda done: None,
) -> Outcome:  # fmt: skip
    """Creates and updates what the registry holds, in one transaction; deletes nothing. Safe to repeat.

    Two imports into one municipality wait for each other; intake goes on meanwhile. `progress` is told
    how many things each step did. A dry run counts the same and writes nothing.
    """
    outcome = Outcome(rejected=len(registry.rejected), by_kind=Counter(one.kind for one in registry.things))
    cameras = [thing for thing in registry.things if thing.kind == CAMERA]
    devices = [thing for thing in registry.things if thing.kind != CAMERA]
    with transaction.atomic():
        # NO KEY: rows that refer to the municipality (every new event) need not wait.
        Municipality.objects.select_for_update(no_key=True).get(pk=municipality.pk)
        camera_shelf = _cameras(municipality, source)
        outcome.absent = camera_shelf.absent(cameras) if cameras else 0
        for shelf, things in ((camera_shelf, cameras), (_devices(municipality), devices)):
            for start in range(0, len(things), BATCH):
                batch = things[start : start + BATCH]
                shelf.store(batch, outcome, dry_run=dry_run)
                progress(len(batch))
    return outcome


@dataclass(frozen=True)
class Shelf:
    """Where things of one model are kept: the rows there are, by identity, and how to make a new one.

    `columns` are the columns that hold a thing's values, where those are not named like them.
    """

    rows: dict[Hashable, Any]
    identity: Callable[[Thing], Hashable]
    make: Callable[[Thing], Camera | Device]
    columns: Sequence[str] = ()

    def store(self, things: Sequence[Thing], outcome: Outcome, *, dry_run: bool = False) -> None:
        """Writes what is new or differs, and counts it."""
        new, changed = [], []
        for thing in things:
            row = self.rows.get(self.identity(thing))
            if row is None:
                new.append(self.make(thing))
            elif _apply(row, thing.values):
                changed.append(row)
        outcome.created += len(new)
        outcome.updated += len(changed)
        outcome.unchanged += len(things) - len(new) - len(changed)
        if new and not dry_run:
            type(new[0]).objects.bulk_create(new)
        if changed and not dry_run:
            type(changed[0]).objects.bulk_update(changed, [*(self.columns or things[0].values), "updated_at"])

    def absent(self, things: Iterable[Thing]) -> int:
        """How many rows the file no longer names."""
        return len(self.rows.keys() - {self.identity(thing) for thing in things})


def _cameras(municipality: Municipality, source: str) -> Shelf:
    def make(thing: Thing) -> Camera:
        return Camera(
            municipality=municipality, source=source, site_number=thing.number, index=thing.index, **thing.values
        )

    rows: dict[Hashable, Any] = {(one.site_number, one.index): one for one in municipality.cameras.filter(source=source)}
    return Shelf(rows, lambda thing: (thing.number, thing.index), make)


def _devices(municipality: Municipality) -> Shelf:
    def make(thing: Thing) -> Device:
        return Device(municipality=municipality, device_id=thing.number, **thing.values)

    return Shelf({one.device_id: one for one in municipality.devices.all()}, lambda thing: thing.number, make)


def _apply(row: Camera | Device, values: dict[str, Any]) -> bool:
    if all(getattr(row, name) == value for name, value in values.items()):
        return False
    for name, value in values.items():
        setattr(row, name, value)
    row.updated_at = timezone.now()
    return True


def _reject_misplaced(readings: Sequence[Reading]) -> None:
    """Rejects what lies far from where nearly all of the file lies: a slip in a digit puts a camera in another city."""
    placed = [one for one in readings if not one.faults]
    provinces = Counter(one.place.code[:2] for one in placed if one.place)
    home, count = provinces.most_common(1)[0] if provinces else ("", 0)
    if not count or count < HOME_SHARE * len(placed):
        return
    west, south, east, north = _box_of(home)
    city = next(one.place.city for one in placed if one.place.code.startswith(home))
    for one in placed:
        if not (south <= one.lat <= north and west <= one.lon <= east):
            why = _("lies in %(there)s, far from %(home)s, where the rest of the file lies") % {
                "there": one.place.address_ko or _("no known place"), "home": city,
            }  # fmt: skip
            one.faults.append(one.position._replace(why=why))
            one.things.clear()


def _box_of(province: str) -> tuple[float, float, float, float]:
    areas = [area for place, area in zip(atlas().places, atlas().areas, strict=True) if place.code.startswith(province)]
    west, south, east, north = shapely.total_bounds(areas)
    margin = HOME_MARGIN_METRES / METRES_PER_DEGREE
    return west - margin, south - margin, east + margin, north + margin
