"""CAP 1.2 and CAP-KR (OASIS Common Alerting Protocol): pushed one message a document, or polled from an Atom index.

See docs/feeds/cap.md for the mapping.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import structlog

from linkage.cap.model import Alert
from linkage.cap.reading import NotCap, read
from linkage.feeds.base import EventDocument, Feed, Fetched, Get, Link, NotADocument, NotUsable, Record, Reporter
from linkage.feeds.cap import atom
from linkage.feeds.cap.events import event_of, home_of, is_elsewhere, is_real

HEAD_BYTES: Final = 4_096

log = structlog.get_logger(__name__)


class Cap(Feed):
    """Reads CAP messages."""

    name = "cap"
    title = {"ko": "CAP 재난경보(CAP 1.2·CAP-KR)", "en": "CAP alerts (CAP 1.2, CAP-KR)"}
    unit = "message"
    reporter = Reporter("cap", "재난경보", "Public alerts")

    def recognises(self, document: bytes) -> bool:
        """An alert element in one of CAP's namespaces near the start."""
        head = document[:HEAD_BYTES]
        return b"urn:oasis:names:tc:emergency:cap:1." in head and b"alert" in head and not atom.recognises(document)

    def records(self, document: bytes) -> Iterator[Record]:
        """The message, if it is about something real; tests, exercises, acknowledgements and errors are taken note
        of and are no record. Raises NotADocument with everything that is wrong, element by element."""
        alert = _understood(document)
        if is_real(alert):
            yield Record(1, document)
        else:
            log.info("cap.noted", sender=alert.sender, identifier=alert.identifier, status=alert.status, type=alert.message_type)

    def split(self, document: bytes, link: Link) -> Iterator[Record]:
        """The same, less an alert about another region where the link names its own (`options.areas`)."""
        try:
            home = home_of(link)
        except NotUsable as error:
            raise NotADocument(str(error)) from error
        for record in self.records(document):
            if home is None or not is_elsewhere(read(document), home):
                yield record

    def normalise(self, raw: Any, link: Link | None = None) -> EventDocument:
        """The message as an event. Raises NotUsable; also for a message that is about nothing real, so that no
        way around `records` makes an incident of a test."""
        if not isinstance(raw, bytes):
            raise NotUsable("a CAP message is an XML document")
        try:
            alert = read(raw)
        except NotCap as error:
            raise NotUsable(str(error)) from error
        if not is_real(alert):
            raise NotUsable(f"a message of status {alert.status} and type {alert.message_type} reports nothing real")
        return event_of(alert, home_of(link))

    async def fetch(self, get: Get, link: Link) -> AsyncIterator[Fetched]:
        """The messages an Atom index has listed since the last poll, the oldest first; see `atom.fetch`.
        An endpoint that answers with a message instead of an index is taken as that message."""
        body, content_type = await get(link.endpoint, params=link.options.get("params"))
        if not atom.recognises(body):
            yield Fetched(body, content_type)
            return
        async for one in atom.fetch(body, get, link):
            yield one


def _understood(document: bytes) -> Alert:
    if atom.recognises(document):
        raise NotADocument("an Atom index, not a CAP message: set its address as the feed's endpoint, and it is polled")
    try:
        return read(document)
    except NotCap as error:
        raise NotADocument(str(error)) from error
