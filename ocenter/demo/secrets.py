"""The demo's passwords and keys: made at random once, kept for the next start, readable by their owner alone.

`demo.json` is for people and acceptance tests (the public contract), `simulators.json` for the simulated
agencies and city. Only hashes are in the database, so these files are the one place that knows them.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from linkage.demofile import DEMO_FILE, Document, read_json

SIMULATORS_FILE: Final = "simulators.json"
# Without look-alikes: people type these from a terminal into a form. 60 bits.
PASSWORD_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
PASSWORD_GROUPS: Final = 3
PASSWORD_GROUP_LENGTH: Final = 4


def new_password() -> str:
    """A random password such as `k7mq-2xwd-9fhr`."""
    groups = (
        "".join(secrets.choice(PASSWORD_ALPHABET) for _ in range(PASSWORD_GROUP_LENGTH))
        for _ in range(PASSWORD_GROUPS)
    )
    return "-".join(groups)


class Remembered:
    """What an earlier start wrote into the data directory; nothing where there was none."""

    def __init__(self, directory: Path) -> None:
        self._demo = read_json(directory / DEMO_FILE)
        self._simulators = read_json(directory / SIMULATORS_FILE)

    def password(self, city_code: str, role: str) -> str | None:
        """The password of the city's account with this role."""
        account = self._of(city_code).get("users", {}).get(role, {})
        return account.get("password")

    def key(self, city_code: str, slug: str) -> str | None:
        """The API key of the city's system with this slug."""
        published = self._of(city_code).get("keys", {}).get(slug)
        return published or self._feed_key(city_code, slug) or self._agency_key(city_code, slug)

    def _of(self, city_code: str) -> Document:
        other = self._demo.get("other", {})
        return next((part for part in (self._demo, other) if part.get("municipality") == city_code), {})

    def _feed_key(self, city_code: str, slug: str) -> str | None:
        if self._simulators.get("municipality") != city_code:
            return None
        return self._simulators.get("feeds", {}).get(slug, {}).get("key")

    def _agency_key(self, city_code: str, slug: str) -> str | None:
        """An agency stands under its slug, in the second city with a prefix before it."""
        agencies = self._simulators.get("agencies", {}).items()
        found = (one for path, one in agencies if path.endswith(slug) and one.get("municipality") == city_code)
        return next((one.get("key") for one in found), None)
