"""The report: what was not taken, or taken with a loss, one line each, for the registry's keeper."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from incidents.imports.fields import Fault

COLUMNS: Final = ("line", "field", "value", "why", "outcome")
REJECTED: Final = "rejected"
WARNING: Final = "imported"
# A spreadsheet would run a cell that begins with one of these.
FORMULA_STARTS: Final = ("=", "+", "@")


class Entry(NamedTuple):
    """One line of the report: the line of the source file, the fault, and whether the row was lost to it."""

    line: int
    fault: Fault
    outcome: str


def write_report(path: Path, entries: Iterable[Entry]) -> None:
    """Writes the report as CSV; UTF-8 with a mark, which Korean spreadsheets need to read it rightly."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for entry in sorted(entries):
            fault = entry.fault
            writer.writerow([entry.line, fault.field, _harmless(fault.value), fault.why, entry.outcome])


def _harmless(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value
