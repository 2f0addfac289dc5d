"""All points of the map in one small binary answer, which a worker decodes without a single object a point.

    "OCP1" | header length (uint32, little endian) | header (JSON) | columns

The header says `purposes`, `kinds` and, for each set, its name, the number of points and its columns. A column is one
whole number a point: the differences between neighbours (registries list a site's cameras together), zigzag coded so
that small ones have few bits, and then all lowest bytes, all second bytes and so on: gzip finds the rest. Positions are
hundred-thousandths of a degree, a metre. Names are not in it; they are asked for when somebody points at one.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy
import orjson

MAGIC: Final = b"OCP1"
MEDIA_TYPE: Final = "application/vnd.ocenter.points"
PER_DEGREE: Final = 100_000
_BYTES: Final = 4

Column = Sequence[float]


def pack(head: Mapping[str, Any], sets: Mapping[str, Mapping[str, Column]]) -> bytes:
    """The document. Every value must fit into 31 bits; the columns of one set are equally long."""
    listed = [
        {"name": name, "count": len(next(iter(columns.values()))), "columns": list(columns)}
        for name, columns in sets.items()
    ]
    header = orjson.dumps({**head, "per_degree": PER_DEGREE, "sets": listed})
    body = b"".join(_column(values) for columns in sets.values() for values in columns.values())
    return MAGIC + struct.pack("<I", len(header)) + header + body


def degrees(values: Sequence[float]) -> Column:
    """Degrees as the whole numbers the document holds."""
    return numpy.rint(numpy.asarray(values, dtype=float) * PER_DEGREE).astype(numpy.int64)  # type: ignore[return-value]


def _column(values: Column) -> bytes:
    numbers = numpy.asarray(values, dtype=numpy.int64)
    steps = numpy.diff(numbers, prepend=0)
    zigzag = ((steps << 1) ^ (steps >> 63)).astype("<u4")
    return zigzag.view(numpy.uint8).reshape(-1, _BYTES).T.tobytes()
