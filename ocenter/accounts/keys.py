"""API keys: made once, shown once, kept as a hash.

A key reads `oc_<prefix>_<secret>`: the prefix finds the row, the secret proves it. The secret has
256 random bits, so one SHA-256 is enough (a slow hash guards guessable passwords, not random keys)
and costs a request microseconds.
"""

import hashlib
import hmac
import secrets
from typing import Final, NamedTuple

PREFIX_LENGTH: Final = 12
SECRET_BYTES: Final = 32


class NewKey(NamedTuple):
    """A key just made: `secret` goes to its bearer, `prefix` and `digest` to the database."""

    secret: str
    prefix: str
    digest: str


def make_key() -> NewKey:
    """A new random key."""
    prefix = secrets.token_hex(PREFIX_LENGTH // 2)
    secret = f"oc_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    return NewKey(secret, prefix, digest_of(secret))


def prefix_of(secret: str) -> str | None:
    """The prefix inside a key as sent, or None where it has not a key's form."""
    parts = secret.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "oc" and len(parts[1]) == PREFIX_LENGTH else None


def digest_of(secret: str) -> str:
    """What is stored of a key."""
    return hashlib.sha256(secret.encode()).hexdigest()


def matches(secret: str, digest: str) -> bool:
    """Whether `secret` is the key of which `digest` is kept; in constant time."""
    return hmac.compare_digest(digest_of(secret), digest)
