"""One row of a registry into what it stands for: the cameras of a site, or a device."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeVar

from django.utils.translation import gettext as _

from incidents.imports.fields import Damaged, Fault, camera_count, check_position, day, degrees, flag, month, whole
from incidents.imports.profiles import CAMERA, Profile
from incidents.imports.table import Row
from incidents.models import Camera, Device
from incidents.places import NOWHERE, Place, place_of

T = TypeVar("T")

# 카메라화소수 counts in units of ten thousand pixels: 200 is two megapixels.
PIXEL_UNITS_OF_A_MEGAPIXEL: Final = 100
ROTATES: Final = ("회전", "PTZ")
# Of a site without a number, this much of a digest: 60 bits, and a person can still compare two of them.
DERIVED_NUMBER_LENGTH: Final = 15
ATTRIBUTE_LENGTH: Final = 200

_CAMERA_LENGTHS: Final = {
    "name": 200, "manager": 100, "manager_phone": 40, "road_address": 300, "lot_address": 300,
    "purpose": 40, "direction": 200,
}  # fmt: skip


@dataclass(frozen=True)
class Thing:
    """A camera (of `index`) or a device: its identity and everything else the registry says of it."""

    kind: str
    number: str
    index: int
    values: dict[str, Any]


@dataclass
class Reading:
    """What one row gave: things, or the faults for which it is rejected; warnings lose no camera.

    `stands_for` is how many things the row speaks of, also where it is rejected.
    """

    line: int
    things: list[Thing] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    lat: float = 0.0
    lon: float = 0.0
    place: Place = NOWHERE
    position: Fault = Fault("", "", "")
    stands_for: int = 1


class Reader:
    """Reads the rows of one file, in order: it counts repeated rows and numbers as it goes."""

    def __init__(
        self, profile: Profile, header: Sequence[str], *, today: date, keep_damaged_dates: bool = False
    ) -> None:
        self._profile = profile
        self._header = header
        self._bound = profile.bind(header)
        self._today = today
        self._keep_damaged_dates = keep_damaged_dates
        self._repeats: Counter[str] = Counter()
        self._first_line: dict[str, int] = {}

    def read(self, row: Row) -> Reading:
        """The row's cameras or device; every fault of a bad row is listed, not only its first."""
        reading = Reading(row.line)
        if len(row.cells) != len(self._header):
            reading.faults.append(self._torn(row))
            return reading
        self._read_position(row, reading)
        number = self._number(row, reading)
        kind = self._profile.kind_of(number)
        if kind is None:
            reading.faults.append(self._fault(row, "site_number", _("the number names no known kind of equipment")))
        if kind == CAMERA:
            self._read_site(row, number, reading)
        elif kind and not reading.faults:
            reading.things.append(self._device(row, kind, number, reading))
        if reading.faults:
            reading.things = []
        return reading

    def _read_position(self, row: Row, reading: Reading) -> None:
        lat = self._parse(row, "latitude", degrees, reading.faults)
        lon = self._parse(row, "longitude", degrees, reading.faults)
        if lat is None or lon is None:
            return
        both = f"{self._header[self._bound['latitude']]},{self._header[self._bound['longitude']]}"
        reading.position = Fault(both, f"{self._cell(row, 'latitude')},{self._cell(row, 'longitude')}", "")
        try:
            check_position(lat, lon)
        except Damaged as damaged:
            reading.faults.append(reading.position._replace(why=damaged.why))
            return
        reading.lat, reading.lon, reading.place = lat, lon, place_of(lat, lon)
        if not reading.place:
            why = _("the position lies in no Korean dong, perhaps at sea")
            reading.warnings.append(reading.position._replace(why=why))

    def _number(self, row: Row, reading: Reading) -> str:
        number = self._cell(row, "site_number")
        if not number:
            return self._derived_number(row)
        if number in self._first_line:
            why = _("the same number as in line %d") % self._first_line[number]
            reading.faults.append(self._fault(row, "site_number", why))
        elif len(number) > Camera._meta.get_field("site_number").max_length:
            reading.faults.append(self._fault(row, "site_number", _("too long for a number")))
        self._first_line.setdefault(number, row.line)
        return number

    def _derived_number(self, row: Row) -> str:
        """A stable identity for a site without a number: where it is and what for, and which of several alike."""
        telling = ("manager", "road_address", "lot_address", "latitude", "longitude", "purpose")
        text = "\x1f".join(self._cell(row, name) for name in telling)
        digest = hashlib.sha256(text.encode()).hexdigest()[:DERIVED_NUMBER_LENGTH]
        self._repeats[digest] += 1
        return digest if self._repeats[digest] == 1 else f"{digest}-{self._repeats[digest]}"

    def _read_site(self, row: Row, number: str, reading: Reading) -> None:
        count = 1
        if "count" in self._bound:
            count = self._parse(row, "count", camera_count, reading.faults) or 0
        # The others are optional: empty is unknown.
        installed = self._parse(
            row, "installed", lambda text: month(text, self._today),
            reading.warnings if self._keep_damaged_dates else reading.faults,
        )  # fmt: skip
        pixels = self._optional_whole(row, "pixels", reading)
        retention = self._optional_whole(row, "retention", reading)
        reading.stands_for = count or 1
        if reading.faults:
            return
        values = self._site_values(row, number, reading)
        values |= {
            "installed_on": installed or "", "retention_days": retention,
            "megapixels": None if pixels is None else pixels / PIXEL_UNITS_OF_A_MEGAPIXEL,
        }  # fmt: skip
        name = values.pop("name")
        for index in range(1, count + 1):
            own_name = name if count == 1 else f"{name} {index}"
            reading.things.append(Thing(CAMERA, number, index, {**values, "name": own_name}))

    def _site_values(self, row: Row, number: str, reading: Reading) -> dict[str, Any]:
        direction = self._cell(row, "direction")
        texts = {
            "name": self._cell(row, "name") or self._name(row, number, reading.place),
            "manager": self._cell(row, "manager"),
            "manager_phone": self._cell(row, "phone"),
            "road_address": self._cell(row, "road_address"),
            "lot_address": self._cell(row, "lot_address"),
            "purpose": self._cell(row, "purpose") or self._profile.purpose_of(number),
            "direction": direction,
        }
        clipped = {name: text[: _CAMERA_LENGTHS[name] - (5 if name == "name" else 0)] for name, text in texts.items()}
        return {**clipped, "lat": reading.lat, "lon": reading.lon, "ptz": any(word in direction for word in ROTATES)}

    def _name(self, row: Row, number: str, place: Place) -> str:
        """What people would say: the address without its city and district."""
        address = self._cell(row, "lot_address") or self._cell(row, "road_address")
        words = address.split()
        while len(words) > 1 and words[0] in (place.city, place.district):
            words.pop(0)
        return " ".join(words) or number

    def _device(self, row: Row, kind: str, number: str, reading: Reading) -> Thing:
        address = self._cell(row, "road_address") or self._cell(row, "lot_address")
        values = {
            "kind": kind, "name": (self._cell(row, "name") or self._name(row, number, reading.place))[:200],
            "address": address[:300], "lat": reading.lat, "lon": reading.lon,
        }  # fmt: skip
        if self._profile.attributes:
            values["attributes"] = self._attributes(row, reading)
        return Thing(Device.Kind(kind).value, number, 1, values)

    def _attributes(self, row: Row, reading: Reading) -> dict[str, str | bool]:
        """What else the registry says; a value that cannot be read is left out and reported, the device stays."""
        read: dict[str, Callable[[str], str | bool]] = {"flag": flag, "date": day}
        found: dict[str, str | bool] = {}
        for name in self._profile.attributes:
            if not self._cell(row, name):
                continue
            value = self._parse(row, name, read.get(self._profile.attribute_kinds.get(name, ""), _clipped), reading.warnings)
            if value is not None:
                found[name] = value
        return found

    def _optional_whole(self, row: Row, name: str, reading: Reading) -> int | None:
        text = self._cell(row, name)
        value = whole(text)
        if text and value is None:
            reading.warnings.append(self._fault(row, name, _("not a whole number; left empty")))
        return value

    def _parse(self, row: Row, name: str, parse: Callable[[str], T], faults: list[Fault]) -> T | None:
        try:
            return parse(self._cell(row, name))
        except Damaged as damaged:
            faults.append(self._fault(row, name, damaged.why))
            return None

    def _cell(self, row: Row, name: str) -> str:
        position = self._bound.get(name)
        return "" if position is None else row.cells[position]

    def _fault(self, row: Row, name: str, why: str) -> Fault:
        return Fault(self._header[self._bound[name]], self._cell(row, name), why)

    def _torn(self, row: Row) -> Fault:
        why = _("%(found)d cells where the header has %(wanted)d: cut off, or an unquoted comma") % {
            "found": len(row.cells), "wanted": len(self._header),
        }  # fmt: skip
        return Fault("", ",".join(row.cells)[:200], why)


def _clipped(text: str) -> str:
    return text[:ATTRIBUTE_LENGTH]
