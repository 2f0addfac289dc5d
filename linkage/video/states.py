"""The states of a stream, as viewers are told them."""

from typing import Final

CONNECTING: Final = "connecting"
LIVE: Final = "live"
FROZEN: Final = "frozen"  # pictures come, and are the same to the last bit
LOST: Final = "lost"  # no pictures come

STATES: Final = (CONNECTING, LIVE, FROZEN, LOST)
SHOWING: Final = frozenset({LIVE, FROZEN})
