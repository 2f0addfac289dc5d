"""Signatures after Standard Webhooks: both ways, with the agency's secret, or two while it is being rotated.

The specification is at standardwebhooks.com; signing and verifying is its own library's.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

__all__ = ["BadSecret", "WebhookVerificationError", "make_secret", "sign", "verify"]


class BadSecret(ValueError):
    """The secret is not of the form `whsec_` and base64."""


def make_secret() -> str:
    """A new signing secret (`whsec_…`, 256 random bits)."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(secrets_in_force: Sequence[str], message_id: str, body: bytes) -> dict[str, str]:
    """The three headers for a message, with a signature per secret; none where the agency has no secret.

    Raises BadSecret.
    """
    if not secrets_in_force:
        return {}
    now = datetime.now(UTC)
    text = body.decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(_webhook(one).sign(message_id, now, text) for one in secrets_in_force),
    }


def verify(secrets_in_force: Sequence[str], headers: Mapping[str, str], body: bytes) -> None:
    """Raises WebhookVerificationError where the signature is by none of the secrets or older than five minutes."""
    lowered = {name.lower(): value for name, value in headers.items()}
    for last, secret in enumerate(secrets_in_force, 1):
        try:
            return _webhook(secret).verify(body, lowered, json_parse=False)
        except (ValueError, WebhookVerificationError) as error:
            # What is no UTF-8, no base64, no "version,signature" can be nobody's signature.
            if last == len(secrets_in_force):
                raise WebhookVerificationError(str(error)) from error
    raise WebhookVerificationError("the agency has no signing secret")


def _webhook(secret: str) -> Webhook:
    try:
        return Webhook(secret)
    except (ValueError, EmptyWebhookSecretError) as error:
        raise BadSecret(str(error)) from error
