"""Payloads as a screen may show them: secrets and personal data covered.

The administrator of a link needs the shape of what was sent and answered, not who called whom.
"""

from __future__ import annotations

import re
from typing import Any, Final

COVER: Final = "•••"
# Korean telephone numbers, resident registration numbers and our own secrets, wherever they stand in a text.
_IN_TEXT: Final = re.compile(
    r"(?<!\d)0\d{1,2}[-. ]?\d{3,4}[-. ]?\d{4}(?!\d)"
    r"|(?<!\d)\d{6}-[1-8]\d{6}(?!\d)"
    r"|\b(?:oc|whsec)_[\w+/=-]{8,}"
)
_WHOLE_VALUE: Final = re.compile(
    r"tel$|_tel|phone|caller|guardian|suspect|photo|plate|victim|token|secret|password|signature|authorization|stream_url",
    re.IGNORECASE,
)


def masked(value: Any) -> Any:
    """A copy of a JSON value with telling fields and telling parts of texts covered."""
    if isinstance(value, dict):
        return {key: COVER if _covered(key, one) else masked(one) for key, one in value.items()}
    if isinstance(value, list):
        return [masked(one) for one in value]
    return masked_text(value) if isinstance(value, str) else value


def masked_text(text: str) -> str:
    """The text with telephone numbers, registration numbers and secrets covered."""
    return _IN_TEXT.sub(COVER, text)


def _covered(key: str, value: Any) -> bool:
    return value not in (None, "") and _WHOLE_VALUE.search(key) is not None
