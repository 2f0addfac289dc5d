"""Relay by HTTP POST of JSON (DESIGN.md §4), signed after Standard Webhooks."""

from __future__ import annotations

from typing import Final

import aiohttp
import orjson

from linkage import signing
from linkage.transports import wire
from linkage.transports.base import Answer, NotSent, Outgoing, Target

HEADERS: Final = {"Content-Type": "application/json"}
STATUS: Final = "status"


class HttpJson:
    """Posts the message as it is; the answer is `{"receipt"}`, and to a status of the agency's own case any 2xx."""

    async def send(self, session: aiohttp.ClientSession, target: Target, outgoing: Outgoing) -> Answer:
        """Posts the message under its Idempotency-Key. Raises NotSent."""
        body = orjson.dumps(outgoing.payload)
        headers = {**HEADERS, "Idempotency-Key": outgoing.key, **signature(target, outgoing.key, body)}
        reply = await wire.call(session, target, outgoing.address, body=body, headers=headers)
        receipt = "" if outgoing.message == STATUS else _receipt(reply)
        return Answer(receipt, reply.status, reply.text)


def signature(target: Target, key: str, body: bytes) -> dict[str, str]:
    """The signature's headers. Raises NotSent where the secret cannot be used."""
    try:
        return signing.sign(target.secrets, key, body)
    except signing.BadSecret as error:
        raise NotSent(f"the signing secret cannot be used: {error}", permanent=True) from error


def _receipt(reply: wire.Reply) -> str:
    """The receipt in the answer. Without one the agency may not have understood: it is asked again."""
    if len(reply.body) > wire.RESPONSE_LIMIT:
        raise NotSent("the answer is longer than 64 KiB", status=reply.status, response=reply.text)
    try:
        receipt = orjson.loads(reply.body)["receipt"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise NotSent("the answer holds no receipt", status=reply.status, response=reply.text) from error
    if not isinstance(receipt, str) or not receipt or "\x00" in receipt:
        raise NotSent("the answer's receipt is no text", status=reply.status, response=reply.text)
    return receipt
