"""Where a recording is played: the municipality, the feed that reports, and a key that lives as long as the replay.

A recording from elsewhere is given a municipality of its own, with the demo's simulated agencies. Nothing is
ever played where an agency is real (invariant I10).
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final
from urllib.parse import urlsplit

import shapely
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from linkage.demofile import demo_document, read_json, write_private
from linkage.feeds.base import Feed, Home
from linkage.models import LinkedSystem, SystemKey
from linkage.replay.recording import Recording
from linkage.systems import By, key_issue, key_revoke
from ocenter.accounts import keys
from ocenter.accounts.models import Municipality, User

REPLAY_FILE: Final = "replay.json"
BY: Final = By("manage.py replay")
KEY_LABEL: Final = "replay"
KEY_SLACK: Final = timedelta(days=1)
# Outliers in a recording (a call typed into the wrong county) do not stretch its boundary.
NEARBY_DEGREES: Final = 0.6
HULL_RATIO: Final = 0.25
HULL_MARGIN_DEGREES: Final = 0.01
LOCALHOST: Final = "localhost"


class NoStage(Exception):
    """The recording cannot be played here; the message says why and what to do."""


@dataclass(frozen=True)
class Audience:
    """An account that sees the municipality a replay has set up."""

    username: str
    password: str


def find_municipality(recording: Recording, code: str | None) -> Municipality:
    """The municipality to play in: `code`, the recording's own, or the demo's. Sets the recording's own up.

    Raises NoStage where there is none, or where one of its agencies is real.
    """
    found = _named(code) if code else _own(recording) if recording.feed.home else _default()
    if real := real_agencies(found):
        names = ", ".join(f"{one.slug} ({one.endpoint})" for one in real)
        raise NoStage(
            f"{found.code} has agencies that are not simulated on this machine: {names}. "
            "A replay must not reach them; disable them or name another --municipality."
        )
    return found


def real_agencies(municipality: Municipality) -> list[LinkedSystem]:
    """The enabled agencies of the municipality whose endpoint is not on this machine."""
    agencies = municipality.systems.filter(kind=LinkedSystem.Kind.AGENCY, enabled=True)
    return [one for one in agencies if one.endpoint and not _is_local(one.endpoint)]


@contextmanager
def borrowed_key(municipality: Municipality, feed: Feed, lasting: timedelta) -> Iterator[str]:
    """A key of the municipality's feed for this recording, revoked at the end. Creates the feed where missing."""
    reporter = feed.reporter
    system, _ = LinkedSystem.objects.get_or_create(
        municipality=municipality,
        slug=reporter.slug,
        defaults={"kind": LinkedSystem.Kind.FEED, "name_ko": reporter.name_ko, "name_en": reporter.name_en},
    )
    if system.kind != LinkedSystem.Kind.FEED or not system.enabled:
        raise NoStage(f"{municipality.code}:{system.slug} is no enabled feed; enable it in the admin.")
    secret = key_issue(system=system, by=BY, label=KEY_LABEL, expires_at=timezone.now() + lasting + KEY_SLACK)
    try:
        yield secret
    finally:
        key_revoke(key=SystemKey.objects.get(prefix=keys.prefix_of(secret)), by=BY)


def municipality_of_key(secret: str) -> Municipality | None:
    """Whose key it is, or None where it is not of this installation."""
    row = SystemKey.objects.filter(prefix=keys.prefix_of(secret) or "").select_related("system__municipality").first()
    return row.system.municipality if row and keys.matches(secret, row.digest) else None


def audience_of(municipality: Municipality) -> Audience | None:
    """The account made for watching a municipality that a replay has set up; None for every other one."""
    account = read_json(_replay_file()).get(municipality.code)
    return Audience(account["username"], account["password"]) if account else None


def _named(code: str) -> Municipality:
    found = Municipality.objects.filter(code=code).first()
    if found is None:
        known = ", ".join(f"{one.code} {one.name_ko}" for one in Municipality.objects.all())
        raise NoStage(f"There is no municipality {code}. There are: {known or 'none; create one in the admin'}.")
    return found


def _default() -> Municipality:
    code = demo_document().get("municipality")
    if code:
        return _named(code)
    known = list(Municipality.objects.all()[:2])
    if len(known) != 1:
        raise NoStage("Name the municipality to play in with --municipality.")
    return known[0]


def _own(recording: Recording) -> Municipality:
    home = recording.feed.home
    assert home is not None  # the caller asked
    demo = demo_document().get("municipality")
    existing = Municipality.objects.filter(code=home.code).first()
    if existing is None and not (demo or settings.DEMO):
        raise NoStage(
            f"This recording is of {home.name_en}. Only a demo gives it a municipality of its own; "
            f"name one with --municipality, or create {home.code} in the admin."
        )
    with transaction.atomic():
        municipality = existing or _set_up(home, recording)
        if municipality.code not in read_json(_replay_file()):
            _seat_audience(municipality)
        if demo:
            _lend_agencies(municipality, demo)
    return municipality


def _set_up(home: Home, recording: Recording) -> Municipality:
    positions = list(recording.positions)
    if not positions:
        raise NoStage("The recording has no event with a position.")
    lat, lon = median(one for one, _ in positions), median(one for _, one in positions)
    return Municipality.objects.create(
        code=home.code, name_ko=home.name_ko, name_en=home.name_en, lat=round(lat, 5), lon=round(lon, 5),
        boundary=_outline(positions, lat, lon),
    )  # fmt: skip


def _outline(positions: list[tuple[float, float]], lat: float, lon: float) -> dict[str, Any]:
    """The area the events themselves cover, since no boundary of the place is at hand."""
    near = [(x, y) for y, x in positions if abs(y - lat) < NEARBY_DEGREES and abs(x - lon) < NEARBY_DEGREES]
    hull = shapely.concave_hull(shapely.MultiPoint(near), ratio=HULL_RATIO).buffer(HULL_MARGIN_DEGREES)
    outline = hull.simplify(HULL_MARGIN_DEGREES / 10)
    return shapely.geometry.mapping(shapely.transform(outline, lambda corners: corners.round(5)))  # type: ignore[no-any-return]


def _seat_audience(municipality: Municipality) -> None:
    account = {"username": f"{municipality.code.lower()}-operator", "password": secrets.token_urlsafe(12)}
    user, _ = User.objects.get_or_create(
        username=account["username"], defaults={"municipality": municipality, "display_name": municipality.name_en}
    )
    user.set_password(account["password"])
    user.save(update_fields=["password"])
    write_private(_replay_file(), {**read_json(_replay_file()), municipality.code: account})


def _lend_agencies(municipality: Municipality, demo_code: str) -> None:
    """The demo's simulated agencies answer for this municipality too: same addresses, same secrets."""
    if municipality.code == demo_code:
        return
    for lender in LinkedSystem.objects.filter(municipality__code=demo_code, kind=LinkedSystem.Kind.AGENCY):
        if not _is_local(lender.endpoint):
            continue
        agency, _ = LinkedSystem.objects.get_or_create(
            municipality=municipality,
            slug=lender.slug,
            defaults={
                "kind": lender.kind, "name_ko": lender.name_ko, "name_en": lender.name_en, "phone": lender.phone,
                "reads": lender.reads,
            },
        )  # fmt: skip
        agency.endpoint, agency.callback_base_url, agency.secret = lender.endpoint, lender.callback_base_url, lender.secret
        agency.save(update_fields=["endpoint", "callback_base_url", "sealed_secret"])
    for reader in LinkedSystem.objects.filter(municipality__code=demo_code, kind=LinkedSystem.Kind.CENTRAL):
        reader.covers.add(municipality)


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == LOCALHOST


def _replay_file() -> Path:
    return Path(settings.DATA_DIR) / REPLAY_FILE
