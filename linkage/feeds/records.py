"""What formats that list records have in common: values as text, and ids that change with what is said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from linkage.feeds.base import EventDocument, Link, NotADocument, NotUsable

VERSION_DIGITS: Final = 12
VALUE_LENGTH: Final = 200
# A source's clock may run a little ahead of ours; the intake allows ten minutes.
AHEAD: Final = timedelta(minutes=5)
# Neither makes another message of it: the first is about when it was said, the others follow from the rest.
_NO_PART_OF_A_VERSION: Final = frozenset({"id", "occurred_at", "subject"})


def texts(raw: Any) -> dict[str, str]:
    """A record whose values are all text; a number or a null is taken as what it would read. Raises NotUsable."""
    if not isinstance(raw, dict):
        raise NotUsable("not an object")
    return {str(name): "" if value is None else str(value).strip() for name, value in raw.items()}


def kept(record: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """The values of these names that are set, shortened to what attributes may hold."""
    return {name: record[name][:VALUE_LENGTH] for name in names if record.get(name)}


def versioned(subject: str, event: EventDocument) -> EventDocument:
    """The event as a message about `subject`: its id changes when, and only when, it says something else."""
    said = {name: value for name, value in event.items() if name not in _NO_PART_OF_A_VERSION}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    return {**event, "id": f"{subject}-{digest[:VERSION_DIGITS]}", "subject": subject}


def has_begun(text: str | None, read: Any, now: datetime) -> bool:
    """Whether what the record announces has begun; `read(text)` gives the time. One that cannot be read stays, so
    that it is refused with its reason."""
    try:
        return read(text) <= now + AHEAD
    except NotUsable:
        return True


def end_if_past(event: EventDocument, link: Link | None) -> None:
    """Says that it is over where the time it was to last until is past: a source may go on listing it."""
    if link is not None and "expires_at" in event and datetime.fromisoformat(event["expires_at"]) <= link.now:
        event["action"] = "end"


def json_object(document: bytes) -> Mapping[str, Any]:
    """The JSON object a document is. Raises NotADocument."""
    try:
        found = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise NotADocument(f"No JSON: {str(error)[:120]}") from error
    if not isinstance(found, dict):
        raise NotADocument("No JSON object")
    return found


def as_list(items: Any) -> list[Any]:
    """What may be a list, a single object, or nothing at all ("", null)."""
    if isinstance(items, list):
        return items
    return [items] if items else []


def pages(total: int, rows: int, at_most: int) -> Iterator[int]:
    """The page numbers after the first that `total` rows take, at most up to page `at_most`."""
    yield from range(2, min(at_most, -(-total // rows)) + 1)
