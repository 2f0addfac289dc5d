"""What a sample holds, as paths ready for a mapping: its lists of records, and the fields of those."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

DEPTH: Final = 5
RECORDS_LOOKED_AT: Final = 50
PATHS_AT_MOST: Final = 80
EXAMPLE_LENGTH: Final = 60
_BARE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Found(NamedTuple):
    """A path with what stands there: how many records of a list, or an example of a field."""

    path: str
    example: str


def lists_in(content: Any) -> list[Found]:
    """The lists of objects in a document, the longest first. A document that is a list itself has the path ""."""
    found = sorted(_lists(content, "", DEPTH), key=lambda one: -one[1])
    return [Found(path, str(count)) for path, count in found[:PATHS_AT_MOST]]


def paths_in(records: Sequence[Any]) -> list[Found]:
    """The fields of these records, each with the first value it has, in the order of appearance."""
    found: dict[str, str] = {}
    for raw in records[:RECORDS_LOOKED_AT]:
        for path, value in _fields(raw, "", DEPTH):
            if len(found) < PATHS_AT_MOST or path in found:
                found[path] = found.get(path) or _example(value)
    return [Found(path, example) for path, example in found.items()]


def quoted(name: str) -> str:
    """A member's name as JMESPath takes it: in double quotes where it is more than letters, digits and _."""
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _lists(value: Any, path: str, depth: int) -> Iterator[tuple[str, int]]:
    if isinstance(value, list):
        if value and all(isinstance(one, dict) for one in value):
            yield path, len(value)
    elif isinstance(value, dict) and depth:
        for name, one in value.items():
            yield from _lists(one, _joined(path, name), depth - 1)


def _fields(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and depth:
        if "coordinates" in value and "type" in value:
            yield path or "@", value
        for name, one in value.items():
            yield from _fields(one, _joined(path, name), depth - 1)
    elif path:
        yield path, value


def _joined(path: str, name: str) -> str:
    return f"{path}.{quoted(name)}" if path else quoted(name)


def _example(value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= EXAMPLE_LENGTH else f"{text[:EXAMPLE_LENGTH]}…"
