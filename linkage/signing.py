"""Signatures after Standard Webhooks: both ways, with the agency's one secret.

The specification is at standardwebhooks.com; signing and verifying is its own library's.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

__all__ = ["BadSecret", "WebhookVerificationError", "make_secret", "sign", "verify"]


class BadSecret(ValueError):
    """The secret is not of the form `whsec_` and base64."""


def make_secret() -> str:
    """A new signing secret (`whsec_…`, 256 random bits)."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(secret: str, message_id: str, body: bytes) -> dict[str, str]:
    """The three headers for a message; none where the agency has no secret. Raises BadSecret."""
    if not secret:
        return {}
    now = datetime.now(UTC)
    signature = _webhook(secret).sign(message_id, now, body.decode())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raises WebhookVerificationError where the signature is not the agency's or older than five minutes."""
    try:
        _webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()}, json_parse=False)
    except ValueError as error:  # what is no UTF-8, no base64, no "version,signature" can be nobody's signature
        raise WebhookVerificationError(str(error)) from error


def _webhook(secret: str) -> Webhook:
    try:
        return Webhook(secret)
    except (ValueError, EmptyWebhookSecretError) as error:
        raise BadSecret(str(error)) from error
