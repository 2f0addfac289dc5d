"""The control room module's error codes (specification 2.0, "Fehlerbehandlung"), and what each means for a relay."""

from __future__ import annotations

from typing import Any, Final

import orjson

from linkage.transports.base import NotSent

UNKNOWN_DESTINATION: Final = 470
UNAUTHORIZED: Final = 475
# The partner does not take the app, or this message of it: apps and some of their messages are optional.
NOT_TAKEN: Final = frozenset({466, 468})

# In the operator's words: what an administrator, the partner or the module's operator has to put right.
MEANINGS: Final[dict[int, str]] = {
    460: "the module does not accept our request",
    461: "the module does not know the app",
    462: "the module does not know this version of the app",
    463: "the module does not know this kind of message",
    464: "the module finds our message against the app's schema",
    465: "the module cannot read our message",
    466: "the partner does not take this app",
    467: "only modules may send this",
    468: "the partner does not take this kind of message",
    UNKNOWN_DESTINATION: "the module does not know the partner",
    UNAUTHORIZED: "the module refuses our credentials",
    478: "our account may not use this OID",
    479: "the signature is wrong",
    480: "another module does not accept the message",
    491: "the module has a fault of its own",
}


def code_of(error: NotSent) -> int | None:
    """The module's own code in a refusal, or None where the answer holds none."""
    said = _said(error)
    code = said.get("code")
    return code if type(code) is int else None


def explained(error: NotSent) -> NotSent:
    """The same refusal in words. Whether it is permanent follows the HTTP status: 400 is, 500 is not; a proxy's or
    a damaged answer is taken for what its status says."""
    code = code_of(error)
    if code is None:
        return error
    said = _said(error)
    detail = " ".join(str(said.get(name) or "") for name in ("reason", "message"))[:200].strip()
    reason = f"UCRI2 {code}: {MEANINGS.get(code, 'unknown code')}" + (f" ({detail})" if detail else "")
    return NotSent(
        reason, permanent=error.permanent, status=error.status, response=error.response, retry_after_s=error.retry_after_s
    )


def _said(error: NotSent) -> dict[str, Any]:
    try:
        said = orjson.loads(error.response)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}
