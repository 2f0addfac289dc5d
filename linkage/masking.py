"""Payloads as a screen may show them: secrets and personal data covered.

The administrator of a link needs the shape of what was sent and answered, not who called whom.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

COVER: Final = "•••"
_TELLING: Final = (
    r"tel$|_tel|phone|mobile|caller|guardian|suspect|photo|plate|victim|birth|resident|e?mail|token|secret"
    r"|password|signature|authorization|api_?key|service_?key|stream_?url|전화|연락처|휴대폰|성명|이름|주민|차량번호"
)
_WHOLE_VALUE: Final = re.compile(_TELLING, re.IGNORECASE)
# Korean telephone and registration numbers, plates, addresses of mail and our own secrets, wherever they stand.
_IN_TEXT: Final = re.compile(
    r"(?<!\d)0\d{1,2}[-. )]{0,2}\d{3,4}[-. ]?\d{4}(?!\d)"
    r"|(?<!\d)\d{6}-[1-8]\d{6}(?!\d)"
    r"|(?<![\d가-힣])\d{2,3} ?[가-힣] ?\d{4}(?!\d)"
    r"|[\w.+-]+@[\w-]+\.[\w.-]+"
    r"|\b(?:oc|whsec)_[\w+/=-]{8,}"
    r"|(?<=[?&;])(?:service_?key|api_?key|token|signature|password)=[^&\s\"'<]+"
    r"|\bBearer [\w.~+/=-]{8,}",
    re.IGNORECASE,
)
# What stands in elements and quoted members whose names tell: for documents that no parser takes.
_ELEMENT: Final = re.compile(rf"(<([\w:.-]*(?:{_TELLING})[\w:.-]*)\b[^>]*>)[^<]+(?=</)", re.IGNORECASE)
_MEMBER: Final = re.compile(rf'("[^"]*(?:{_TELLING})[^"]*"\s*:\s*)"(?:[^"\\]|\\.)*"?', re.IGNORECASE)


def masked(value: Any) -> Any:
    """A copy of a JSON value with telling fields and telling parts of texts covered."""
    if isinstance(value, dict):
        return {key: COVER if _covered(key, one) else masked(one) for key, one in value.items()}
    if isinstance(value, list):
        return [masked(one) for one in value]
    return masked_text(value) if isinstance(value, str) else value


def masked_text(text: str) -> str:
    """The text with telephone and registration numbers, plates, mail addresses and secrets covered."""
    return _IN_TEXT.sub(COVER, text)


def masked_body(text: str) -> str:
    """A whole message for reading: JSON indented and masked; of anything else (XML, a JSON cut short) also what
    stands in members and elements whose names tell."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return masked_text(_MEMBER.sub(rf'\1"{COVER}"', _ELEMENT.sub(rf"\1{COVER}", text)))
    return json.dumps(masked(value), ensure_ascii=False, indent=2) if isinstance(value, dict | list) else masked_text(text)


def _covered(key: str, value: Any) -> bool:
    return value not in (None, "") and _WHOLE_VALUE.search(key) is not None
