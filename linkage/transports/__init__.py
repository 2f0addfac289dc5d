"""The protocols relays go out by, one module or folder each. A new one is a module and a line here."""

from __future__ import annotations

from typing import Final

from linkage.transports.base import Transport
from linkage.transports.cap import Cap
from linkage.transports.http_json import HttpJson
from linkage.transports.ucri2 import Ucri2

TRANSPORTS: Final[dict[str, Transport]] = {"http_json": HttpJson(), "cap": Cap(), "ucri2": Ucri2()}

# Protocols with words of their own for how an agency's own case goes here; the others' agencies hear it in JSON.
SAY_STATUSES: Final = frozenset({"http_json", "ucri2"})

# What is asked for below an endpoint to see whether anybody is there, where the endpoint itself is no page.
_PROBED: Final[dict[str, str]] = {"ucri2": "info"}


def probed_address(transport: str, endpoint: str) -> str:
    """The address a connection test calls for this endpoint."""
    page = _PROBED.get(transport)
    return f"{endpoint.rstrip('/')}/{page}" if page and endpoint else endpoint
