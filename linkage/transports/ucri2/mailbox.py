"""Our mailbox at a control room module: receive, apply in PostgreSQL, and only then commit.

A message stays in the mailbox until its sequence id is committed. Killed anywhere in between, we get it again, and
applying it again changes nothing. Partners that know us by the same OID share one mailbox: one of their listeners
reads it for all, and when it ends the next one takes over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid5

import orjson
import structlog
from django.db import Error
from django.utils import timezone

from linkage.feeds.base import Link, NotADocument, Take
from linkage.transports import wire
from linkage.transports.base import NotSent
from linkage.transports.ucri2 import inbox, messages
from linkage.transports.ucri2.client import Client
from linkage.transports.ucri2.envelope import (
    JSON,
    NotGenuine,
    NotUnderstood,
    Received,
    check_signature,
    opened,
    sequence_of,
)
from linkage.transports.ucri2.inbox import Again, Partner
from linkage.transports.ucri2.options import Settings
from linkage.transports.ucri2.writing import Pen
from ocenter.accounts.dbthread import DatabaseThread

log = structlog.get_logger(__name__)

AT_MOST: Final = 10  # messages asked for at once
# The module calls a client away that has not asked for 60 s; it lets us wait for 30 s at most.
WAIT_S: Final = 20
DEADLINE_S: Final = 10.0  # for an answer that nobody waits for
PAUSES_S: Final = (1.0, 2.0, 5.0, 10.0)  # after the first, second, … failure in a row
# How long the registry's word on a participant is good: it is to be asked every 5 to 60 minutes.
REGISTRY_S: Final = 300.0
# What the module has thrown away once it shall now keep until the partner is back: an operator knows by then.
KEEP_S: Final = 3_600
HEARD_EVERY_S: Final = 15.0


class NotTaken(Exception):
    """The intake could not store an incident just now; its message stays in the mailbox."""


@dataclass
class Mailbox:
    """One mailbox in one event loop: who reads it, and the way into the intake for each partner that listens."""

    endpoint: str
    own_oid: str
    takes: dict[str, Take] = field(default_factory=dict)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


_mailboxes: dict[tuple[asyncio.AbstractEventLoop, str, str], Mailbox] = {}


async def attend(link: Link, take: Take) -> None:
    """Reads the mailbox this partner's messages come into, until cancelled; `take` is where its incidents go.

    Raises BadOptions or NotSent where the settings have to be put right first; what the network or the module
    does is waited for.
    """
    settings, loop = Settings.of(link.options), asyncio.get_running_loop()
    key = (loop, link.endpoint.rstrip("/"), settings.own_oid)
    mailbox = _mailboxes.setdefault(key, Mailbox(key[1], key[2]))
    mailbox.takes[settings.partner_oid] = take
    try:
        async with mailbox.turn:
            await _read(mailbox, settings.partner_oid)
    finally:
        mailbox.takes.pop(settings.partner_oid, None)
        if not mailbox.takes:
            _mailboxes.pop(key, None)


async def _read(mailbox: Mailbox, holder_oid: str) -> None:
    """Reads with the account of the partner `holder_oid`."""
    async with AsyncExitStack() as stack:
        database = DatabaseThread("ucri2")
        stack.push_async_callback(database.close)
        found = await database.run(inbox.partners, mailbox.endpoint, mailbox.own_oid)
        if holder_oid not in found:
            raise NotSent("no enabled system with these settings has the protocol ucri2", permanent=True)
        target = found[holder_oid].target(WAIT_S + DEADLINE_S)
        session = await stack.enter_async_context(wire.open_session(target))
        client = Client(session, target, Pen(target).account(mailbox.endpoint))
        await Reader(mailbox, found[holder_oid], client, database).read_forever()


@dataclass
class Reader:
    """Works through a mailbox, message by message, in the order in which they came."""

    mailbox: Mailbox
    holder: Partner
    client: Client
    database: DatabaseThread
    _participants: dict[str, tuple[Mapping[str, Any] | None, float]] = field(default_factory=dict)
    _partners: dict[str, Partner] = field(default_factory=dict)
    _heard_at: float = -HEARD_EVERY_S
    _in_trouble: bool = True

    async def read_forever(self) -> None:
        """Receives, applies and commits until cancelled. A database or a module that is away is waited for."""
        failures = 0
        while True:
            try:
                await self._round()
                failures = 0
            except (NotSent, NotTaken, Error) as error:
                log.warning("ucri2.mailbox_waits", system=self.holder.system.slug, error=str(error)[:300])
                await self._note_trouble(error)
                await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1

    async def _round(self) -> None:
        own = self.mailbox.own_oid
        found = await self.client.receive(own, at_most=AT_MOST, wait_s=WAIT_S)
        # Asked anew each time: an administrator may have added a partner, or switched one off.
        self._partners = await self.database.run(inbox.partners, self.mailbox.endpoint, own)
        await self._note_contact()
        for raw in found:
            await self._handle(raw)
            await self.client.commit(own, sequence_of(raw))

    async def _handle(self, raw: Mapping[str, Any]) -> None:
        """Applies one message, or sets it aside: one that nobody understands must not hold up those behind it."""
        try:
            received = opened(raw)
            await self._check_sender(received)
            await self._apply(received)
        except (NotUnderstood, NotGenuine) as error:
            await self._set_aside(raw, str(error))
        except (NotSent, NotTaken, Error):
            raise
        except Exception as error:
            log.exception("ucri2.message_broke", system=self.holder.system.slug)
            await self._set_aside(raw, f"a fault of ours: {type(error).__name__}")

    async def _check_sender(self, received: Received) -> None:
        """The registry names the sender's key, and whether it signs at all. Raises NotGenuine."""
        known = await self._participant(received.source)
        try:
            _check(received, known)
        except NotGenuine:
            # A key changed since we asked is no forgery.
            self._participants.pop(received.source, None)
            _check(received, await self._participant(received.source))

    async def _participant(self, oid: str) -> Mapping[str, Any] | None:
        known, until = self._participants.get(oid, (None, 0.0))
        if time.monotonic() >= until:
            # The OID goes into an address: only what looks like one is asked for.
            known = await self.client.participant(oid) if oid.replace(".", "").isdecimal() else None
            self._participants[oid] = (known, time.monotonic() + REGISTRY_S)
        return known

    async def _apply(self, received: Received) -> None:
        app, schema = received.message.app, received.message.schema
        if app == messages.TRANSPORT_LAYER:
            return await self._apply_report(received)
        partner = self._partners.get(received.source)
        if partner is None:
            raise NotUnderstood(f"no enabled linked system has the OID {received.source:.60}")
        if (app, schema) == (messages.TRANSFER, "incident"):
            return await self._take_incident(partner, received)
        return await self.database.run(inbox.hear, partner, received)

    async def _apply_report(self, received: Received) -> None:
        if received.message.schema != "message_delivery_status":
            raise NotUnderstood(f"{received.message.schema:.60} is for modules alone")
        ids = [one.system.pk for one in self._partners.values()]
        again = await self.database.run(inbox.delivery_reported, ids, received.message.data)
        if again is not None:
            await self._send_again(again)

    async def _send_again(self, again: Again) -> None:
        partner = next(one for one in self._partners.values() if one.system.pk == again.system_id)
        pen, started, clock = Pen(partner.target(DEADLINE_S)), timezone.now(), time.monotonic()
        _, reply = await self.client.send(pen.delivery(str(again.delivery_id), again.message, again.payload, timeout_s=KEEP_S))
        spent_ms = int((time.monotonic() - clock) * 1000)
        await self.database.run(
            inbox.again_noted, again, endpoint=self.mailbox.endpoint, started_at=started, duration_ms=spent_ms,
            status=reply.status,
        )  # fmt: skip

    async def _take_incident(self, partner: Partner, received: Received) -> None:
        """Hands a partner's incident to the intake, which has it accepted through the outbox. What we do not take
        is refused here and stays the partner's."""
        shared_id = messages.shared_id(received.message.data)
        take = self.mailbox.takes.get(received.source)
        reason = "this centre takes no incidents from you" if take is None else await _taken(take, received)
        if not reason:
            return
        log.warning("ucri2.incident_refused", system=partner.system.slug, reason=reason)
        pen, refusal = Pen(partner.target(DEADLINE_S)), messages.rejection(shared_id, reason, timezone.now())
        try:
            await self.client.send(pen.write(str(refusal_id(received.message_id)), refusal))
        except NotSent as error:
            if not error.permanent:
                raise
            # A partner that only gives need not take our answer.
            log.warning("ucri2.refusal_refused", system=partner.system.slug, error=error.reason)

    async def _set_aside(self, raw: Mapping[str, Any], reason: str) -> None:
        partner = self._partners.get(str(raw.get("source")), self.holder)
        log.warning("ucri2.set_aside", system=partner.system.slug, reason=reason)
        await self.database.run(inbox.set_aside, partner.system, raw, reason)

    async def _note_contact(self) -> None:
        if self._in_trouble or time.monotonic() - self._heard_at >= HEARD_EVERY_S:
            ids = [one.system.pk for one in self._partners.values()]
            await self.database.run(inbox.heard, ids, "" if self._in_trouble else None)
            self._heard_at, self._in_trouble = time.monotonic(), False

    async def _note_trouble(self, error: Exception) -> None:
        self._in_trouble = True
        if isinstance(error, NotSent):
            try:
                await self.database.run(inbox.heard, [self.holder.system.pk], f"mailbox: {error.reason}")
            except Error:
                return  # the database is away, too; the loop goes on


def refusal_id(message_id: UUID) -> UUID:
    """The id of our refusal of a message: the same for a message that comes twice, so that its refusal comes once."""
    return uuid5(message_id, "rejected")


def _check(received: Received, known: Mapping[str, Any] | None) -> None:
    if known is None:
        raise NotGenuine(f"the registry knows no participant {received.source:.60}")
    if received.message.app == messages.TRANSPORT_LAYER and known.get("type") != "ucrm":
        raise NotGenuine("a report on deliveries comes from modules alone")
    if known.get("transmitsUnsignedMessages") is not True:
        check_signature(received.raw, known.get("key"))


async def _taken(take: Take, received: Received) -> str:
    """Why the intake does not take the incident, or ""."""
    try:
        answer = await take(orjson.dumps(received.raw), JSON)
    except NotADocument as error:
        return str(error)
    except Exception as error:
        raise NotTaken(f"{type(error).__name__}: {error}") from error
    errors = [error for one in answer["results"] for error in one.get("errors") or []]
    return "; ".join(f"{one['field']}: {one['message']}".strip(": ") for one in errors)

