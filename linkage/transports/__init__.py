"""The protocols relays go out by, one module or folder each. A new one is a module and a line here."""

from __future__ import annotations

from typing import Final

from linkage.transports.base import Transport
from linkage.transports.cap import Cap
from linkage.transports.http_json import HttpJson
from linkage.transports.ucri2 import Ucri2

TRANSPORTS: Final[dict[str, Transport]] = {"http_json": HttpJson(), "cap": Cap(), "ucri2": Ucri2()}
