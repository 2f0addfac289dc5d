"""Secrets that must be read back (signing secrets): encrypted at rest with a key drawn from SECRET_KEY."""

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet
from django.conf import settings


@lru_cache(maxsize=4)
def _fernet(secret_key: str) -> Fernet:
    digest = hashlib.sha256(b"ocenter.secretbox:" + secret_key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def seal(plain: str) -> str:
    """Encrypts `plain` for storage; twice the same text gives two different results."""
    return _fernet(settings.SECRET_KEY).encrypt(plain.encode()).decode()


def open_sealed(sealed: str) -> str:
    """The text sealed before; raises `cryptography.fernet.InvalidToken` where SECRET_KEY has changed."""
    return _fernet(settings.SECRET_KEY).decrypt(sealed.encode()).decode()
