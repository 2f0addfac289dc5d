"""Polling CAP messages from an Atom index (RFC 4287): each entry not yet taken, the oldest first.

What has been taken is remembered by entry and its `updated`, so that an outage leaves no gap and an entry that has
changed is read again. The memory holds no more than the index does: what the index has dropped is forgotten, and
should it come back, its message has the same identity and changes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import urljoin

import structlog

from linkage.cap.writing import CONTENT_TYPE
from linkage.cap.xml import Node, NotXml, parse
from linkage.feeds.base import Fetched, Get, Link, NotADocument
from linkage.feeds.fetching import NotFetched

NAMESPACE: Final = "http://www.w3.org/2005/Atom"
SIZE_AT_MOST: Final = 4 * 1024 * 1024
ELEMENTS_AT_MOST: Final = 100_000
MESSAGES_A_POLL: Final = 150  # the next poll goes on
SILENCES_AT_MOST: Final = 3  # entries without any answer before the poll is given up: each costs a whole deadline
MARK_DIGITS: Final = 16
HEAD_BYTES: Final = 4_096

log = structlog.get_logger(__name__)


class Entry(NamedTuple):
    """One line of the index: where its message is, and when that last changed."""

    id: str
    updated: str
    address: str

    @property
    def mark(self) -> str:
        """What it is remembered by: changes when the entry does."""
        return hashlib.sha256(f"{self.id}\x1f{self.updated}".encode()).hexdigest()[:MARK_DIGITS]


def recognises(document: bytes) -> bool:
    """Whether it looks like an Atom index; cheap, and never raises."""
    head = document[:HEAD_BYTES]
    return NAMESPACE.encode() in head and b"feed" in head


def entries(document: bytes, base: str) -> list[Entry]:
    """The entries that link to a message, the longest unchanged first. Raises NotADocument."""
    try:
        root = parse(document, size_at_most=SIZE_AT_MOST, elements_at_most=ELEMENTS_AT_MOST)
    except NotXml as error:
        raise NotADocument(f"the Atom index cannot be read: {error}") from error
    if (root.namespace, root.name) != (NAMESPACE, "feed"):
        raise NotADocument(f"the root is {root.name[:100]}, not feed of Atom")
    found = (_entry(node, base) for node in root.all("entry"))
    return sorted((one for one in found if one), key=lambda one: _moment(one.updated))


async def fetch(index: bytes, get: Get, link: Link) -> AsyncIterator[Fetched]:
    """The messages of the entries not yet taken. One that cannot be had is tried again at the next poll and stops
    no other; once all others are through, its NotFetched is raised, so that it is seen."""
    # A long index takes a second to parse; other sources' polls share this loop.
    listed = await asyncio.to_thread(entries, index, link.endpoint)
    before = set(link.state.get("taken", ()))
    taken = [one.mark for one in listed if one.mark in before]
    missing: NotFetched | None = None
    silent = 0
    for one in [one for one in listed if one.mark not in before][:MESSAGES_A_POLL]:
        try:
            body, content_type = await get(one.address)
        except NotFetched as error:
            log.warning("cap.entry_not_fetched", entry=one.id[:200], reason=error.reason)
            missing = missing or error
            silent += error.status is None
            if silent == SILENCES_AT_MOST:
                break
            continue
        taken.append(one.mark)
        yield Fetched(body, content_type, {"taken": list(taken)})
    if missing:
        raise missing


def _entry(node: Node, base: str) -> Entry | None:
    links = [one.attributes for one in node.all("link") if one.attributes.get("rel", "alternate") == "alternate"]
    usable = [one for one in links if one.get("href")]
    chosen = next((one for one in usable if one.get("type") == CONTENT_TYPE), usable[0] if usable else None)
    if chosen is None:
        return None
    address = urljoin(base, chosen["href"])
    return Entry(_text(node, "id") or address, _text(node, "updated"), address)


def _text(node: Node, name: str) -> str:
    found = node.first(name)
    return found.text.strip() if found else ""


def _moment(text: str) -> datetime:
    """The time, or the beginning of time where it is none: what cannot be ordered comes first."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min
    return found if found.tzinfo else found.replace(tzinfo=UTC)
