"""UCRI2 envelopes: what goes around an app message, and the signature over it.

The signature (specification 2.0, "Signierung") is a compact JWS, RS256, over the hexadecimal SHA3-256 hash of the
canonical JSON (RFC 8785) of the envelope's `source`, `destinations` and `payload` alone: the module may set the
other fields itself. The public reference implementation hashes that canonical text once more encoded as a JSON
string, which the specification does not say. Both are understood; which one is made is a setting.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
import rfc8785
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

SIGNED: Final = ("source", "destinations", "payload")
HEADER: Final = {"typ": "UCRI_PLAIN", "alg": "RS256"}
ALGORITHMS: Final = ("RS256",)
JSON: Final = "application/json"


class NotUnderstood(ValueError):
    """A received envelope, or what is in it, cannot be used; the message says why."""


class NotGenuine(ValueError):
    """A received envelope does not come from whom it names, or was changed on its way."""


class AppMessage(NamedTuple):
    """One message of a UCRI2 app, version 1.0: the app, the name of its schema, and what it says."""

    app: str
    schema: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Received:
    """An envelope out of our mailbox. `sequence_id` is its place there, which a commit names."""

    sequence_id: int
    message_id: UUID
    source: str
    destination: str
    message: AppMessage
    raw: Mapping[str, Any]


def sealed(message: AppMessage, *, key: str, source: str, destination: str, timeout_s: int) -> dict[str, Any]:
    """The unsigned envelope of one message. `key` becomes its `messageId`: the same message sent again is the same
    envelope, and the receiver drops the second. Asks for a report of how the delivery went, good or bad."""
    return {
        "messageId": key,
        "timeout": timeout_s,
        "ack": "ALL",
        "source": source,
        "destinations": [destination],
        "payload": {
            "appId": message.app,
            "appVersion": "1.0",
            "schemaId": message.schema,
            "contentType": JSON,
            "data": orjson.dumps(message.data).decode(),
        },
    }


def sign(envelope: Mapping[str, Any], key: RSAKey, way: str) -> str:
    """The envelope's signature; `way` is one of `options.SIGNATURES`."""
    return jws.serialize_compact(dict(HEADER), _digest(envelope, way), key, algorithms=list(ALGORITHMS))


def check_signature(raw: Mapping[str, Any], public_key: Any) -> None:
    """Checks a received envelope against the sender's key (a JWK). Raises NotGenuine."""
    signature = raw.get("signature")
    if not isinstance(signature, str) or not signature:
        raise NotGenuine("it is not signed")
    # A mailbox names its one destination apart; the sender signed the list of one.
    signed = {**raw, "destinations": [raw.get("destination")]}
    try:
        said = jws.deserialize_compact(signature, RSAKey.import_key(public_key), algorithms=list(ALGORITHMS)).payload
        expected = (_digest(signed, "reference"), _digest(signed, "rfc8785"))
    except (JoseError, ValueError, TypeError, KeyError, binascii.Error) as error:
        raise NotGenuine(f"its signature is not the sender's ({type(error).__name__})") from error
    if said not in expected:
        raise NotGenuine("it was changed after it was signed")


def _digest(envelope: Mapping[str, Any], way: str) -> bytes:
    text = rfc8785.dumps({name: envelope[name] for name in SIGNED})
    if way == "reference":
        text = rfc8785.dumps(text.decode())
    return hashlib.sha3_256(text).hexdigest().encode()


def opened(raw: Mapping[str, Any]) -> Received:
    """A received envelope taken apart. Raises NotUnderstood; its genuineness is not checked here."""
    try:
        payload = raw["payload"]
        if payload["contentType"] != JSON:
            raise NotUnderstood(f"its content is {payload['contentType']!s:.60}, which we did not agree on")
        data = orjson.loads(payload["data"])
        sender, destination = str(raw["source"]), str(raw["destination"])
        message = AppMessage(str(payload["appId"]), str(payload["schemaId"]), data)
        found = Received(sequence_of(raw), UUID(raw["messageId"]), sender, destination, message, raw)
    except NotUnderstood:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotUnderstood(f"it is no UCRI2 envelope ({type(error).__name__}: {error})") from error
    if payload.get("appVersion") != "1.0":
        raise NotUnderstood(f"it speaks version {payload.get('appVersion')!s:.20} of {found.message.app:.60}; we speak 1.0")
    if not isinstance(data, dict):
        raise NotUnderstood("its message is no JSON object")
    return found


def sequence_of(raw: Mapping[str, Any]) -> int:
    """The envelope's place in our mailbox. Raises ValueError: without it nothing could ever be committed."""
    found = raw.get("sequenceId")
    if type(found) is not int:
        raise ValueError("an envelope in our mailbox has no sequenceId")
    return found
