"""A CSV file as cities export it: Korean Windows, UTF-8 with or without a mark, commas or tabs."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DELIMITERS: Final = ",\t;|"
# A quote that is never closed would swallow the rest of the file into one cell.
CELL_AT_MOST: Final = 20_000


class Unreadable(ValueError):
    """The file is no table we can read; the message says what is wrong and where."""


@dataclass(frozen=True)
class Row:
    """One record: the line of the file it begins on, and its cells with whitespace made plain."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Table:
    """A file's header and records. `encoding` is how it was read."""

    encoding: str
    header: list[str]
    rows: list[Row]


def read_table(path: Path) -> Table:
    """The whole file. Raises OSError where it cannot be opened and Unreadable where it is no table."""
    encoding, text = decode(path.read_bytes())
    records = list(_records(text))
    if not records:
        raise Unreadable("The file is empty.")
    return Table(encoding, records[0].cells, records[1:])


def decode(content: bytes) -> tuple[str, str]:
    """The text and the name of its encoding: UTF-8 (with or without a mark), UTF-16 with one, or CP949.

    CP949 accepts almost any bytes, so it is the last to be tried. Raises Unreadable.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", _decoded(content, "utf-16")
    if content.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", _decoded(content, "utf-8-sig")
    try:
        return "utf-8", content.decode("utf-8")
    except UnicodeDecodeError:
        return "cp949", _decoded(content, "cp949")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"Line {line} is neither UTF-8 nor {encoding}: {error.reason}.") from error


def _records(text: str) -> Iterator[Row]:
    if "\x00" in text:
        raise Unreadable("The file holds zero bytes: it is not a text table.")
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    csv.field_size_limit(CELL_AT_MOST)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begins = 1
    try:
        for cells in reader:
            plain = [" ".join(cell.split()) for cell in cells]
            if any(plain):
                yield Row(begins, plain)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(f"From line {begins} on the file is no table: {error}. Is a quote left open?") from error
