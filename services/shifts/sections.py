"""What a handover is made of: sections, each by a function that an app registers.

A section is a list of rows of one shape, or of figures, so that the page, the printed sheet and a reader a year from
now need to know nothing of who contributed it. Texts come in both languages: the document is frozen, its reader is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypedDict

from django.utils import translation
from django.utils.translation import gettext

from ocenter.accounts.models import Municipality
from services.shifts.clock import Span

Names = dict[str, str]
LANGUAGES: Final = ("ko", "en")
ROWS_AT_MOST: Final = 500


class Last(TypedDict):
    """The last thing the ledger says of an incident: its row's kind, when, and who."""

    kind: str
    at: str
    who: str


class Row(TypedDict, total=False):
    """One line. Only `what` is always there; `subject` is an incident's number, `who` a person or an agency."""

    what: Names
    subject: str
    grade: str
    where: str
    state: Names
    who: str
    note: Names
    at: str
    until: str
    last: Last


class Figure(TypedDict):
    """One count of the shift; `of` is what it is a part of, where it is one."""

    name: str
    label: Names
    value: int
    of: int | None


class Section(TypedDict):
    """One section. `total` counts what there is; at most `ROWS_AT_MOST` rows are listed."""

    name: str
    title: Names
    total: int
    rows: list[Row]
    figures: list[Figure]


@dataclass(frozen=True)
class Scope:
    """What a contributor is asked about: one municipality, one shift, the moment."""

    municipality: Municipality
    span: Span
    at: datetime


Contributor = Callable[[Scope], Section]
_contributors: dict[str, Contributor] = {}


def register_section(name: str, contributor: Contributor) -> None:
    """Has `contributor(scope)` asked for section `name` of each handover; sections come in the order of registration.

    It runs in a read-only transaction with the others and must only read. Registering a name again replaces it.
    """
    _contributors[name] = contributor


def sections(scope: Scope) -> list[Section]:
    """Every section, in order."""
    return [contributor(scope) for contributor in _contributors.values()]


def both(text: Any, **values: Any) -> Names:
    """The text in both languages: a msgid or a lazy translation, filled from `values`."""
    found: Names = {}
    for language in LANGUAGES:
        with translation.override(language):
            words = gettext(text) if isinstance(text, str) else str(text)
            found[language] = words % values if values else words
    return found


def same(text: str) -> Names:
    """A text that people wrote: the same in both languages."""
    return dict.fromkeys(LANGUAGES, text)


def rows_section(name: str, title: Names, rows: list[Row], total: int | None = None) -> Section:
    """A section that lists; `total` where there are more than are given."""
    kept = rows[:ROWS_AT_MOST]
    return {"name": name, "title": title, "total": len(rows) if total is None else total, "rows": kept, "figures": []}


def figures_section(name: str, title: Names, figures: list[Figure]) -> Section:
    """A section that counts."""
    return {"name": name, "title": title, "total": len(figures), "rows": [], "figures": figures}
