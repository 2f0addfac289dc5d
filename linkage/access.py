"""Which linked system a key belongs to, and what it may read and do."""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from linkage.models import LinkedSystem, SystemKey
from ocenter.accounts import keys
from ocenter.accounts.principal import Principal

# A revoked key or a disabled system is refused after this long at the latest, in every process.
REMEMBER_SECONDS: Final = 5.0
REMEMBER_AT_MOST: Final = 1_000


class Access(NamedTuple):
    """A key's bearer: the principal, and the system itself for those who write its name into rows."""

    principal: Principal
    system: LinkedSystem


_remembered: dict[str, tuple[float, Access]] = {}


def access_of_key(secret: str) -> Access | None:
    """The bearer of an API key, or None where the key is unknown, revoked, expired, or its system disabled.

    Remembered per process for `REMEMBER_SECONDS`, by the key's hash.
    """
    digest = keys.digest_of(secret)
    known = _remembered.get(digest)
    if known and known[0] > time.monotonic():
        return known[1]
    access = _look_up(secret)
    if access:
        if len(_remembered) >= REMEMBER_AT_MOST:
            _remembered.clear()
        _remembered[digest] = (time.monotonic() + REMEMBER_SECONDS, access)
    return access


def remembered_access(secret: str) -> Access | None:
    """The bearer where this process remembers it; costs no query. For asyncio code."""
    known = _remembered.get(keys.digest_of(secret))
    return known[1] if known and known[0] > time.monotonic() else None


def _look_up(secret: str) -> Access | None:
    prefix = keys.prefix_of(secret)
    if prefix is None:
        return None
    key = SystemKey.objects.select_related("system__municipality").filter(prefix=prefix).first()
    if key is None or not keys.matches(secret, key.digest) or not key.is_current() or not key.system.enabled:
        return None
    return Access(principal_of_system(key.system), key.system)


def principal_of_system(system: LinkedSystem) -> Principal:
    """What the system may do: a feed writes events, an agency opens cases; all read the families granted, a central one everywhere it covers."""
    municipalities = {system.municipality_id}
    if system.kind == LinkedSystem.Kind.CENTRAL:
        municipalities |= set(system.covers.values_list("pk", flat=True))
    is_feed = system.kind == LinkedSystem.Kind.FEED
    return Principal(
        actor={"kind": "feed" if is_feed else "agency", "name": system.slug},
        municipalities=frozenset(municipalities),
        families=frozenset(system.reads),
        # An agency reports nothing but cases of its own, by the common envelope (DOMAIN.md §2).
        actions=frozenset({"report"}) if is_feed else frozenset({"request"}),
        system_id=system.pk,
        system_kind=system.kind,
    )
