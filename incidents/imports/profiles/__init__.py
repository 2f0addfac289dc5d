"""Which column of a file means what: one TOML file a kind of registry.

A new registry is a new file here: `title`, `source` (kept with every camera, part of its identity), `columns`
(our field → its headers, any of them), `required` fields, and what its rows are: `default_kind`, or
`kind_pattern` with a table `kinds`. `attributes` (name → headers) are kept with a device beside the fields
every device has; `attribute_kinds` says which of them are a "flag" or a "date", the others are text.
Nothing else has to change.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

CAMERA: Final = "camera"


class UnknownProfile(LookupError):
    """No profile has this name, or none fits the file's header; the message lists those there are."""


@dataclass(frozen=True)
class Profile:
    """One kind of registry file, as its TOML file says."""

    name: str
    title: str
    source: str
    columns: Mapping[str, Sequence[str]]
    required: Sequence[str]
    default_kind: str = ""
    kind_pattern: str = ""
    purpose_pattern: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    purposes: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    attribute_kinds: Mapping[str, str] = field(default_factory=dict)

    def bind(self, header: Sequence[str]) -> dict[str, int]:
        """Our fields and attributes → positions in the header; what the file lacks is absent."""
        places = {_plain(name): position for position, name in reversed(list(enumerate(header)))}
        bound = {}
        for ours, theirs in (*self.attributes.items(), *self.columns.items()):
            found = next((places[_plain(name)] for name in theirs if _plain(name) in places), None)
            if found is not None:
                bound[ours] = found
        return bound

    def missing(self, header: Sequence[str]) -> list[str]:
        """The headers the file would need and lacks, by their first name."""
        bound = self.bind(header)
        return [self.columns[name][0] for name in self.required if name not in bound]

    def kind_of(self, site_number: str) -> str | None:
        """"camera" or a device's kind; None where the number names no known one."""
        if not self.kind_pattern:
            return self.default_kind
        found = re.match(self.kind_pattern, site_number)
        return self.kinds.get(found["kind"]) if found else None

    def purpose_of(self, site_number: str) -> str:
        """The purpose hidden in the number, or ""."""
        found = re.match(self.purpose_pattern, site_number) if self.purpose_pattern else None
        return self.purposes.get(found["purpose"], "") if found else ""


def named(name: str) -> Profile:
    """The profile called `name`. Raises UnknownProfile."""
    try:
        return _all()[name]
    except KeyError:
        raise UnknownProfile(f"There is no profile {name!r}; there are: {', '.join(_all())}.") from None


def detect(header: Sequence[str]) -> Profile:
    """The profile whose required columns the header has. Raises UnknownProfile naming what each one misses."""
    for profile in _all().values():
        if not profile.missing(header):
            return profile
    wants = "; ".join(f"{one.name} misses {', '.join(one.missing(header))}" for one in _all().values())
    raise UnknownProfile(f"The header ({', '.join(header)[:300]}) fits no profile: {wants}.")


@lru_cache(maxsize=1)
def _all() -> dict[str, Profile]:
    files = sorted(Path(__file__).parent.glob("*.toml"))
    return {file.stem: Profile(name=file.stem, **tomllib.loads(file.read_text(encoding="utf-8"))) for file in files}


def _plain(header: str) -> str:
    return re.sub(r"\s", "", header).strip("\"'\ufeff").upper()
