"""Camera lists of linked video systems, kept in step: cameras appear, change, leave the list, come back.

A camera that left its list is marked (`gone_at`) and stays: incidents, grants and the audit chain speak of it. It is
offered for no new purpose until the list names it again. A list that has lost more than half of its cameras since
the last time is a fault of the video system until an administrator says otherwise (`least_cameras`): refused whole.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from cryptography.fernet import InvalidToken
from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from incidents.imports.fields import Damaged, check_position, degrees
from incidents.imports.importer import BATCH, Outcome, Shelf
from incidents.imports.profiles import CAMERA
from incidents.imports.sites import Thing
from incidents.models import Camera
from linkage import health, quarantine
from linkage.feeds.kisa_vms import KisaVms
from linkage.feeds.kisa_vms.client import CameraProfile, VmsError, client_of
from linkage.models import LinkedSystem
from linkage.quarantine import Misunderstood
from ocenter.accounts.dbthread import DatabaseThread
from ocenter.accounts.models import Municipality

log = structlog.get_logger(__name__)

JOB_NAME: Final = "vms_cameras"
JOB_SECONDS: Final = 2.0  # how often it is looked whose turn it is
INTERVAL_SECONDS: Final = 300.0  # `options["sync_s"]`
AFTER_FAILURE_SECONDS: Final = 30.0
PATIENCE_SECONDS: Final = 90.0  # for one system's list and addresses together
KEPT_SHARE: Final = 0.5
FAULTS_TOLD: Final = 50
NUMBER_LENGTH: Final = 120
ROTATES: Final = ("PTZ", "스피드돔", "회전")
COLUMNS: Final = ("name", "road_address", "lat", "lon", "ptz", "gone_at", "system_id")


class ListRefused(Exception):
    """The list was not applied; the message says why, and what to do where it is right after all."""


@dataclass
class Synchronised(Outcome):
    """What a list did. `gone` left it, `returned` came back (and are counted as updated); `faults` say, for cameras
    that were not taken, which and why, and `not_taken` holds their entries under the same names."""

    gone: int = 0
    returned: int = 0
    faults: dict[str, str] = field(default_factory=dict)
    not_taken: dict[str, CameraProfile] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As it is kept with the system."""
        counts = ("created", "updated", "unchanged", "rejected", "gone", "returned")
        return {**{name: getattr(self, name) for name in counts}, "faults": dict(list(self.faults.items())[:FAULTS_TOLD])}


@transaction.atomic
def cameras_synchronise(
    *, system: LinkedSystem, listed: Sequence[CameraProfile], streams: Mapping[str, str] | None
) -> Synchronised:
    """Makes the system's cameras what its list says; `streams` are their addresses (None: unknown, those stay).

    Raises ListRefused; then nothing has changed. The same list again changes nothing.
    """
    # NO KEY: rows that refer to the municipality (every new event) need not wait.
    Municipality.objects.select_for_update(no_key=True).get(pk=system.municipality_id)
    rows = {one.site_number: one for one in Camera.objects.filter(system=system)}
    outcome = Synchronised()
    things, numbers = _understand(listed, streams, system, outcome)
    present = {number for number, row in rows.items() if row.gone_at is None}
    _refuse_a_loss(present, numbers, system)
    outcome.returned = sum(1 for one in things if one.number in rows and rows[one.number].gone_at)
    if streams is not None:
        _forget_unreadable(rows.values())
    columns = (*COLUMNS, "sealed_stream") if streams is not None else COLUMNS
    shelf = Shelf(dict(rows), lambda thing: thing.number, lambda thing: _camera(thing, system), columns)
    for start in range(0, len(things), BATCH):
        shelf.store(things[start : start + BATCH], outcome)
    now = timezone.now()
    left = Camera.objects.filter(system=system, gone_at=None, site_number__in=present - numbers)
    outcome.gone = left.update(gone_at=now, updated_at=now)
    return outcome


async def due_systems_synchronise() -> None:
    """The collector's job: asks every video system whose turn it is, each on its own and within its own time."""
    systems = await _database.run(_systems)
    for gone in _next.keys() - {one.pk for one in systems}:
        del _next[gone]
    now = time.monotonic()
    await asyncio.gather(*(_synchronise(one) for one in systems if _next.get(one.pk, 0.0) <= now))


_database = DatabaseThread("vms")
_next: dict[int, float] = {}


def _systems() -> list[LinkedSystem]:
    found = LinkedSystem.objects.filter(feed_format=KisaVms.name, enabled=True, paused_at=None).exclude(endpoint="")
    return list(found)


async def _synchronise(system: LinkedSystem) -> None:
    pause = AFTER_FAILURE_SECONDS
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            listed, streams, trouble = await _ask(system)
        outcome = await _database.run(cameras_synchronise, system=system, listed=listed, streams=streams)
    except (VmsError, ListRefused, TimeoutError) as error:
        reason = str(error) or _("no camera list within %d s") % PATIENCE_SECONDS
        log.warning("vms.not_synchronised", system=system.slug, reason=reason)
        await _database.run(_note, system.pk, {"refused": reason}, error=reason)
    except DatabaseError as error:
        log.warning("vms.not_stored", system=system.slug, error=str(error))
    else:
        log.info("vms.synchronised", system=system.slug, **{**outcome.as_json(), "faults": len(outcome.faults)})
        await _database.run(_keep_faults, system, outcome)
        await _database.run(_note, system.pk, outcome.as_json(), error=trouble)
        pause = _interval(system)
    finally:
        _next[system.pk] = time.monotonic() + pause


async def _ask(system: LinkedSystem) -> tuple[list[CameraProfile], dict[str, str] | None, str]:
    """The list, the addresses (None where they could not be had: no reason to lose the list), and that trouble."""
    async with client_of(system) as client:
        listed = await client.cameras()
        numbers = [str(one["camID"]) for one in listed if one.get("camID")]
        try:
            return listed, await client.streams(numbers), ""
        except VmsError as error:
            return listed, None, str(error)


def _keep_faults(system: LinkedSystem, outcome: Synchronised) -> None:
    """Puts what was not taken before an administrator: once, and not with every list that says the same."""
    told = _said_before(system).get("faults") or {}
    found = [
        Misunderstood(outcome.not_taken[name], [{"field": "camLoc", "message": why}])
        for name, why in list(outcome.faults.items())[:FAULTS_TOLD] if told.get(name) != why
    ]  # fmt: skip
    if found:
        quarantine.keep(system=system, format_name=KisaVms.name, found=found)


def _said_before(system: LinkedSystem) -> dict[str, Any]:
    said = system.state.get("cameras") if isinstance(system.state, dict) else None
    return said if isinstance(said, dict) else {}


def _note(system_id: int, said: dict[str, Any], *, error: str) -> None:
    """Keeps how it went with the system, where its page and the health page show it."""
    now = timezone.now()
    with transaction.atomic():
        system = LinkedSystem.objects.select_for_update(no_key=True).only("state").get(pk=system_id)
        cameras = {"faults": _said_before(system).get("faults", {}), **said, "at": now.isoformat()}
        state = {**(system.state if isinstance(system.state, dict) else {}), "cameras": cameras}
        changes = {"state": state, "last_error": error[:200], **({"last_error_at": now} if error else {})}
        LinkedSystem.objects.filter(pk=system_id).update(**changes)
    if not error:
        health.feed_contact([system_id])


def _interval(system: LinkedSystem) -> float:
    wanted = (system.options or {}).get("sync_s")
    return float(wanted) if isinstance(wanted, int | float) and wanted >= 1 else INTERVAL_SECONDS


def _understand(
    listed: Sequence[CameraProfile], streams: Mapping[str, str] | None, system: LinkedSystem, outcome: Synchronised
) -> tuple[list[Thing], set[str]]:
    """The cameras that can be taken, and the numbers of all that are listed."""
    things: dict[str, Thing] = {}
    numbers: set[str] = set()
    for position, raw in enumerate(listed, 1):
        number = str(raw.get("camID") or "").strip()
        try:
            if not number or len(number) > NUMBER_LENGTH or "\x00" in number:
                raise Damaged(_("no camID"))
            if number in numbers:
                raise Damaged(_("listed twice; the first one counts"))
            numbers.add(number)
            things[number] = Thing(CAMERA, number, 1, _values(raw, number, streams, system))
        except Damaged as damaged:
            outcome.rejected += 1
            name = number[:NUMBER_LENGTH].replace("\x00", "�") or f"#{position}"
            outcome.faults[name], outcome.not_taken[name] = damaged.why, raw
    return list(things.values()), numbers


def _values(
    raw: CameraProfile, number: str, streams: Mapping[str, str] | None, system: LinkedSystem
) -> dict[str, Any]:
    place, config = raw.get("camLoc"), raw.get("camConfig")
    place = place if isinstance(place, Mapping) else {}
    lat, lon = degrees(str(place.get("lat") or "")), degrees(str(place.get("lon") or ""))
    check_position(lat, lon)
    kind = str(config.get("camType") or "") if isinstance(config, Mapping) else ""
    values = {
        "name": _text(raw.get("camName"), 200) or number, "road_address": _text(place.get("desc"), 300),
        "lat": lat, "lon": lon, "ptz": any(word in kind.upper() for word in ROTATES), "gone_at": None,
        "system_id": system.pk,
    }  # fmt: skip
    return values if streams is None else {**values, "stream": streams.get(number, "")}


def _text(value: Any, length: int) -> str:
    return " ".join(str(value or "").replace("\x00", "").split())[:length]


def _refuse_a_loss(present: set[str], numbers: set[str], system: LinkedSystem) -> None:
    lost = len(present - numbers)
    least = (system.options or {}).get("least_cameras")
    if lost <= KEPT_SHARE * len(present) or (isinstance(least, int) and len(numbers) >= least):
        return
    raise ListRefused(
        _(
            "The camera list names %(listed)d cameras and has lost %(lost)d of %(known)d: not applied. If that is right, "
            'set "least_cameras": %(listed)d in the system\'s settings.'
        )
        % {"listed": len(numbers), "lost": lost, "known": len(present)}
    )


def _forget_unreadable(rows: Any) -> None:
    """Addresses sealed under another SECRET_KEY are lost to us; the list brings them again."""
    for row in rows:
        try:
            row.stream  # noqa: B018 - only whether it opens
        except InvalidToken:
            row.sealed_stream = ""


def _camera(thing: Thing, system: LinkedSystem) -> Camera:
    # The id and not the short name: names may change, and two systems may give their cameras the same numbers.
    source = f"vms-{system.pk}"
    return Camera(municipality_id=system.municipality_id, source=source, site_number=thing.number, **thing.values)
