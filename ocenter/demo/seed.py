"""The demo cities into the database. Repeating it changes only what a new port or a lost file makes wrong.

What an administrator has changed since (a name, a right, an endpoint somewhere else) stays.
"""

from __future__ import annotations

import base64
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.fernet import InvalidToken
from django.db import transaction

from incidents import basemap
from incidents.models import Camera, Device, LedgerHead
from linkage.demofile import DEMO_FILE, Document, write_private
from linkage.models import LinkedSystem, SystemKey
from linkage.simulators.videosystem import FEED as VMS
from ocenter.accounts import keys
from ocenter.accounts.models import Municipality, User
from ocenter.demo import scenery
from ocenter.demo.cities import AGENCIES, CENTRAL, CENTRAL_READER, DAEJEON, DEMO_FEED, FEEDS, SEJONG, City, System
from ocenter.demo.secrets import SIMULATORS_FILE, Remembered, new_password
from ocenter.demo.sources import seed_sources
from ocenter.demo.vms import connect_registry, seed_vms

PUBLISHED_KEYS: Final = (DEMO_FEED, "police112", "fire119", "disaster")  # and `central`, which both cities share
KEY_LABEL: Final = "demo"
SECRET_BYTES: Final = 24
LOOPBACK: Final = "127.0.0.1"
BATCH: Final = 1000


@dataclass(frozen=True)
class Addresses:
    """Where the demo listens: ocenter itself and its simulated agencies."""

    base_url: str
    agencies_url: str


@dataclass
class Seeded:
    """What one city holds after seeding. `watched` are the registry's cameras that its video system serves."""

    city: City
    municipality: Municipality
    systems: dict[str, LinkedSystem] = field(default_factory=dict)
    users: dict[str, dict[str, str]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    cameras: int = 0
    devices: int = 0
    watched: list[dict[str, Any]] = field(default_factory=list)


def seed(*, directory: Path, addresses: Addresses) -> list[Seeded]:
    """Both cities, and the two secret files in `directory`. Safe to repeat; takes seconds the first time."""
    remembered = Remembered(directory)
    with transaction.atomic():
        done = [_city(city, addresses, remembered) for city in (DAEJEON, SEJONG)]
        _central(done, addresses, remembered)
    write_private(directory / DEMO_FILE, _demo_document(done, addresses))
    write_private(directory / SIMULATORS_FILE, _simulators_document(done, addresses))
    return done


def _city(city: City, addresses: Addresses, remembered: Remembered) -> Seeded:
    done = Seeded(city, _municipality(city))
    done.users = _users(city, done.municipality, remembered)
    for spec in (*FEEDS, *AGENCIES):
        done.systems[spec.slug] = _system(spec, city, done.municipality, addresses)
    keyed = (*PUBLISHED_KEYS, *(agency.slug for agency in AGENCIES))
    if city is DAEJEON:
        keyed = (*keyed, *(feed.slug for feed in FEEDS))
    for slug in dict.fromkeys(keyed):
        done.keys[slug] = _key(done.systems[slug], remembered.key(city.code, slug))
    if city is DAEJEON:
        seed_sources(done.municipality, addresses.agencies_url)
        video = done.systems[VMS] = seed_vms(done.municipality, addresses.agencies_url)
        done.keys[VMS] = _key(video, remembered.key(city.code, VMS))
    _scenery(done)
    if VMS in done.systems:
        done.watched = connect_registry(done.systems[VMS], scenery.SOURCE)
    return done


def _municipality(city: City) -> Municipality:
    found, _ = Municipality.objects.get_or_create(
        code=city.code,
        defaults={
            "name_ko": city.name_ko, "name_en": city.name_en, "lat": city.lat, "lon": city.lon,
            "boundary": basemap.boundary(city.code),
        },
    )  # fmt: skip
    LedgerHead.objects.get_or_create(municipality=found)
    basemap.basemap(found)  # made now, so that no page waits for it
    return found


def _users(city: City, municipality: Municipality, remembered: Remembered) -> dict[str, dict[str, str]]:
    accounts = []
    for person in city.people:
        user, _ = User.objects.get_or_create(
            username=f"{city.prefix}{person.role}",
            defaults={
                "role": person.role, "municipality": municipality, "display_name": person.display_name,
                "is_staff": person.role == User.Role.ADMINISTRATOR,
            },
        )  # fmt: skip
        accounts.append((user, person.role, remembered.password(city.code, person.role) or new_password()))
    # Password hashing takes a third of a second each and runs outside Python's lock.
    with ThreadPoolExecutor() as pool:
        list(pool.map(_ensure_password, [user for user, _, _ in accounts], [password for _, _, password in accounts]))
    User.objects.bulk_update([user for user, _, _ in accounts], ["password"])
    return {role: {"username": user.username, "password": password} for user, role, password in accounts}


def _ensure_password(user: User, password: str) -> None:
    if not (user.password and user.check_password(password)):
        user.set_password(password)


def _system(spec: System, city: City, municipality: Municipality, addresses: Addresses) -> LinkedSystem:
    path = f"/{city.prefix}{spec.slug}/incidents"
    endpoint = addresses.agencies_url + path if spec.kind == LinkedSystem.Kind.AGENCY else ""
    system, made = LinkedSystem.objects.get_or_create(
        municipality=municipality,
        slug=spec.slug,
        defaults={
            "kind": spec.kind, "name_ko": spec.name_ko, "name_en": spec.name_en, "phone": spec.phone,
            "reads": list(spec.reads), "quiet_limit_s": spec.quiet_limit_s, "endpoint": endpoint,
            "callback_base_url": addresses.base_url if endpoint else "",
        },
    )  # fmt: skip
    if endpoint:
        _refresh(system, endpoint, addresses.base_url, made=made)
    return system


def _refresh(system: LinkedSystem, endpoint: str, base_url: str, *, made: bool) -> None:
    """New ports and lost secrets; an endpoint that has been pointed elsewhere is left alone."""
    before = (system.endpoint, system.callback_base_url, system.sealed_secret)
    if not made and urlsplit(system.endpoint)[1:3] != urlsplit(endpoint)[1:3] and _is_ours(system.endpoint, endpoint):
        system.endpoint = endpoint
    if urlsplit(system.callback_base_url).hostname == LOOPBACK:
        system.callback_base_url = base_url
    if not _readable_secret(system):
        system.secret = "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    if (system.endpoint, system.callback_base_url, system.sealed_secret) != before:
        system.save(update_fields=["endpoint", "callback_base_url", "sealed_secret"])


def _is_ours(stored: str, wanted: str) -> bool:
    old, new = urlsplit(stored), urlsplit(wanted)
    return old.hostname == LOOPBACK and old.path == new.path


def _readable_secret(system: LinkedSystem) -> bool:
    try:
        return bool(system.secret)
    except InvalidToken:  # SECRET_KEY has changed since
        return False


def _key(system: LinkedSystem, secret: str | None) -> str:
    """The system's key: the remembered one while it works, else a new one that replaces it."""
    if secret and _works(system, secret):
        return secret
    system.keys.filter(label=KEY_LABEL).delete()
    prefix = keys.prefix_of(secret) if secret else None
    if secret is None or prefix is None or SystemKey.objects.filter(prefix=prefix).exists():
        secret = keys.make_key().secret
        prefix = keys.prefix_of(secret)
    SystemKey.objects.create(system=system, prefix=prefix, digest=keys.digest_of(secret), label=KEY_LABEL)
    return secret


def _works(system: LinkedSystem, secret: str) -> bool:
    row = system.keys.filter(prefix=keys.prefix_of(secret) or "").first()
    return row is not None and row.is_current() and keys.matches(secret, row.digest)


def _scenery(done: Seeded) -> None:
    cameras, devices = done.municipality.cameras.filter(source=scenery.SOURCE), done.municipality.devices
    if not cameras.exists():
        Camera.objects.bulk_create(scenery.cameras(done.city, done.municipality), batch_size=BATCH)
    if not devices.filter(device_id__startswith="BELL-").exists():
        Device.objects.bulk_create(scenery.devices(done.city, done.municipality), batch_size=BATCH)
    done.cameras, done.devices = cameras.count(), devices.count()


def _central(done: list[Seeded], addresses: Addresses, remembered: Remembered) -> None:
    first = done[0]
    system = _system(CENTRAL_READER, first.city, first.municipality, addresses)
    system.covers.set([one.municipality for one in done])
    secret = _key(system, remembered.key(first.city.code, CENTRAL))
    for one in done:
        one.keys[CENTRAL] = secret


def _demo_document(done: list[Seeded], addresses: Addresses) -> Document:
    first, other = (
        {
            "municipality": one.city.code,
            "users": one.users,
            "keys": {slug: one.keys[slug] for slug in (*PUBLISHED_KEYS, CENTRAL)},
        }
        for one in done
    )
    return {"base_url": addresses.base_url, "agencies_url": addresses.agencies_url, **first, "other": other}


def _simulators_document(done: list[Seeded], addresses: Addresses) -> Document:
    first = done[0]
    return {
        "base_url": addresses.base_url,
        "agencies_url": addresses.agencies_url,
        "municipality": first.city.code,
        "seed": first.city.seed,
        "cameras": first.watched,
        "feeds": {slug: {"key": first.keys[slug]} for slug in (*(feed.slug for feed in FEEDS), VMS) if slug != DEMO_FEED},
        "agencies": {
            f"{one.city.prefix}{spec.slug}": {
                "secret": one.systems[spec.slug].secret,
                "key": one.keys[spec.slug],
                "municipality": one.city.code,
                "centre": [one.city.lat, one.city.lon],
            }
            for one in done
            for spec in AGENCIES
        },
    }
