"""The protocols relays go out by, one module or folder each. A new one is a module and a line here."""

from __future__ import annotations

from typing import Final

from linkage.transports.base import Transport
from linkage.transports.http_json import HttpJson

TRANSPORTS: Final[dict[str, Transport]] = {"http_json": HttpJson()}
