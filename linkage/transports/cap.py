"""Relay as CAP 1.2 by HTTP POST, signed after Standard Webhooks; see docs/transports/cap.md.

A create goes out as an Alert, an update as an Update, a cancel or close as a Cancel. Every attempt at a message is
the same to the byte, and what later messages refer to follows from the message alone: receivers that know no
Idempotency-Key still see that it is the same one (invariant I2).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import aiohttp
import orjson
from django.conf import settings

from linkage.cap.incident import Frame, alert_of, sender_of
from linkage.cap.model import Alert, Reference
from linkage.cap.reading import NotCap, read
from linkage.cap.writing import CONTENT_TYPE, write
from linkage.transports import wire
from linkage.transports.base import Answer, NotSent, Outgoing, Target
from linkage.transports.http_json import signature

HEADERS: Final = {"Content-Type": CONTENT_TYPE, "Accept": f"application/json, {CONTENT_TYPE}"}
RECEIPT_LENGTH: Final = 120
TYPES: Final = {"create": "Alert", "update": "Update", "cancel": "Cancel", "close": "Cancel"}
NOTES: Final = {"cancel": "상황 취소 / Withdrawn", "close": "상황 종료 / Closed"}


class Cap:
    """Posts the message as a CAP document. Any 2xx means taken, unless the answer is a CAP Error message."""

    async def send(self, session: aiohttp.ClientSession, target: Target, outgoing: Outgoing) -> Answer:
        """Posts the message under its Idempotency-Key. Raises NotSent."""
        alert = alert_for(target, outgoing)
        body = write(alert)
        headers = {**HEADERS, "Idempotency-Key": outgoing.key, **signature(target, outgoing.key, body)}
        reply = await wire.call(session, target, outgoing.address, body=body, headers=headers)
        return Answer(_receipt(reply, alert), reply.status, reply.text)


def alert_for(target: Target, outgoing: Outgoing) -> Alert:
    """The document a message becomes. The agency's options may name our `sender` as it is registered there, our
    `sender_name`, and the agency's own `addresses`. Raises NotSent for a message that tells of no incident."""
    payload = outgoing.payload
    try:
        incident, opened_at = payload["incident"], datetime.fromisoformat(payload["opened_at"])
        number = incident["number"]
        sender = _option(target, "sender") or sender_of(number)
        first = Reference(sender, f"{number}.{payload['relay']}", opened_at)
        is_first = outgoing.message == "create"
        later = Reference(sender, f"{number}.{outgoing.key}", datetime.fromisoformat(payload["at"]))
        frame = Frame(
            identity=first if is_first else later,
            message_type=TYPES[outgoing.message],
            references=() if is_first else (first,),
            sender_name=_option(target, "sender_name"),
            addresses=_option(target, "addresses") or target.slug,
            note=" · ".join(filter(None, (NOTES.get(outgoing.message), payload.get("text"), incident.get("reason")))),
            is_exercise=settings.DEMO,
        )
        return alert_of(incident, frame)
    except (KeyError, TypeError, ValueError) as error:
        raise NotSent(f"the message cannot be told as CAP: {error!r}", permanent=True) from error


def _option(target: Target, name: str) -> str:
    value: Any = target.options.get(name)
    return value.strip() if isinstance(value, str) else ""


def _receipt(reply: wire.Reply, alert: Alert) -> str:
    """What the agency calls it: a JSON `receipt`, its Ack's identifier, the Location; else our own identifier.
    Raises NotSent for a CAP Error message: the agency has understood, and refuses."""
    if CONTENT_TYPE in reply.headers.get("Content-Type", ""):
        answer = _answer(reply.body)
        if answer is not None and answer.message_type == "Error":
            raise NotSent(f"refused: {answer.note or 'Error'}"[:300], permanent=True, status=reply.status, response=reply.text)
        if answer is not None:
            return answer.identifier[:RECEIPT_LENGTH]
    found = _json_receipt(reply.body) or reply.headers.get("Location", "") or alert.identifier
    return found.replace("\x00", "")[:RECEIPT_LENGTH]


def _answer(body: bytes) -> Alert | None:
    try:
        return read(body)
    except NotCap:
        return None


def _json_receipt(body: bytes) -> str:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    receipt = said.get("receipt") if isinstance(said, dict) else None
    return receipt if isinstance(receipt, str) else ""
