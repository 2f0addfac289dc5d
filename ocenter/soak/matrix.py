"""The matrix: a row a fault, as text for a terminal and as Markdown for a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ocenter.soak.books import Balance

HEADERS = (
    "fault", "tries", "events sent/accepted/in effect/twice/lost", "relays sent/accepted/in effect/twice/lost",
    "arrivals", "recovery", "holds",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One fault's outcome; `recovery_s` from the moment all was mended until everything was settled and shown."""

    name: str
    invariant: str
    balance: Balance
    recovery_s: float

    @property
    def cells(self) -> tuple[str, ...]:
        """As printed, in the order of HEADERS."""
        balance = self.balance
        return (
            self.name, self.invariant, str(balance.events), str(balance.relays), str(balance.arrivals),
            f"{self.recovery_s:.1f} s", "no" if balance.broken else "yes",
        )  # fmt: skip


def as_text(lines: Sequence[Line]) -> str:
    """Aligned columns."""
    table = [HEADERS, *(line.cells for line in lines)]
    widths = [max(len(row[n]) for row in table) for n in range(len(HEADERS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
    )


def as_markdown(lines: Sequence[Line]) -> str:
    """A Markdown table."""
    return "\n".join([HEAD, *(row_of(line.cells) for line in lines)])


def row_of(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


HEAD = f"{row_of(HEADERS)}\n{row_of(['---'] * len(HEADERS))}"
