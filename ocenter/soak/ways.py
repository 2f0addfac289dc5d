"""The ways to the demo city's agencies: where they are, and leading us there by another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from ocenter.soak.books import Auditor

_OF_THE_CITY: Final = "slug = %s AND municipality_id = (SELECT id FROM accounts_municipality WHERE code = %s)"


def agency_address(auditor: Auditor, slug: str) -> tuple[str, int]:
    """Host and port of the agency's endpoint as it is now."""
    parts = urlsplit(_endpoint(auditor, slug)[0])
    return str(parts.hostname), int(parts.port or 80)


@contextmanager
def leading_to(auditor: Auditor, slug: str, host: str, port: int) -> Iterator[None]:
    """Until the block ends, the agency is reached at this address, whatever its allowed networks said."""
    endpoint, networks = before = _endpoint(auditor, slug)
    _set(auditor, slug, f"http://{host}:{port}{urlsplit(endpoint).path}", f"{networks},{host}/32")
    try:
        yield
    finally:
        _set(auditor, slug, *before)


def _endpoint(auditor: Auditor, slug: str) -> tuple[Any, ...]:
    sql = f"SELECT endpoint, allowed_network FROM linkage_linkedsystem WHERE {_OF_THE_CITY}"  # noqa: S608 - fixed text
    return auditor.rows(sql, slug, auditor.installation.demo["municipality"])[0]


def _set(auditor: Auditor, slug: str, endpoint: str, networks: str) -> None:
    sql = f"UPDATE linkage_linkedsystem SET endpoint = %s, allowed_network = %s WHERE {_OF_THE_CITY}"  # noqa: S608
    auditor.rows(sql, endpoint, networks, slug, auditor.installation.demo["municipality"])
