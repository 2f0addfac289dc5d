"""Relay by UCRI2, the open German control-room protocol (docs/transports/ucri2.md).

Both sides are clients of a control room module (UCRM) between them: we send an envelope to it, and fetch what the
partner answers out of a mailbox (`mailbox.py`). A delivery's id is the envelope's `messageId`: the module passes a
repeat on, and the receiver, by the specification, drops what it has under that id.
"""

from __future__ import annotations

import asyncio

import aiohttp

from linkage.transports.base import Answer, NotSent, Outgoing, Target
from linkage.transports.ucri2 import errors
from linkage.transports.ucri2.client import Client
from linkage.transports.ucri2.writing import Pen


class Ucri2:
    """Hands each message over to the partner's module. Its receipt is the `messageId`."""

    async def send(self, session: aiohttp.ClientSession, target: Target, outgoing: Outgoing) -> Answer:
        """One attempt, token and all, within the target's deadline. Raises NotSent."""
        pen = Pen(target)
        client = Client(session, target, pen.account(outgoing.address))
        written = pen.delivery(outgoing.key, outgoing.message, outgoing.payload)
        try:
            async with asyncio.timeout(target.deadline_s):
                receipt, reply = await client.send(written)
        except TimeoutError as error:
            raise NotSent(f"no answer within {target.deadline_s:g} s") from error
        except NotSent as error:
            # How a partner's own case goes here is a courtesy: one that has no ear for it needs no operator.
            if outgoing.message == "status" and errors.code_of(error) in errors.NOT_TAKEN:
                return Answer("", error.status or 0, error.response)
            raise
        return Answer(receipt, reply.status, reply.text)
