"""The signed words in a viewer's addresses: which session, until when. Who has one may watch; nobody can make one.

A token says nothing of camera or account, and is worth nothing once its session has ended (`gateway`).
"""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from datetime import datetime
from typing import Final

from django.conf import settings

SIGNATURE_HEX: Final = 40


def make_token(session: uuid.UUID, expires_at: datetime) -> str:
    """The token of a session. It fits into a path as it is."""
    said = f"{session.hex}-{int(expires_at.timestamp()):x}"
    return f"{said}-{_signature(said)}"


def read_token(token: str) -> uuid.UUID | None:
    """The session a token stands for; None where it is not ours, or over."""
    said, _, signature = token.rpartition("-")
    if not hmac.compare_digest(signature.encode(), _signature(said).encode()):
        return None
    session, _, expires = said.partition("-")  # ours, so well-formed
    return uuid.UUID(session) if int(expires, 16) > time.time() else None


def _signature(said: str) -> str:
    key = hashlib.sha256(b"ocenter.video:" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()[:SIGNATURE_HEX]
