"""Turning a camera, by its video system's own interface: for an incident or a reason, logged before it happens."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.db import transaction

from incidents.models import Camera
from linkage.feeds.kisa_vms import KisaVms
from linkage.feeds.kisa_vms.client import VmsError, client_of
from linkage.models import LinkedSystem
from ocenter.accounts import audit
from ocenter.accounts.principal import Principal
from services.video.purpose import Purpose

DEADLINE_SECONDS: Final = 5.0  # whoever holds the key down cannot wait longer


class CannotTurn(Exception):
    """The camera does not turn, or nobody could tell it to."""


@dataclass(frozen=True)
class Movement:
    """Speeds from −1 to 1 for whole `seconds`, 1 to 5; or an end of every movement."""

    pan: float = 0
    tilt: float = 0
    zoom: float = 0
    seconds: int = 1
    stop: bool = False

    def as_json(self) -> dict[str, Any]:
        """As the audit chain gets it."""
        return {"stop": True} if self.stop else {name: value for name, value in asdict(self).items() if value}


def camera_turn(*, camera: Camera, by: Principal, purpose: Purpose, movement: Movement) -> None:
    """Has the video system move or stop the camera. Repeating is safe: it renews the movement.

    Raises CannotTurn; VmsError or TimeoutError where the video system did not do it (that is logged too).
    Logged before the call, so that none goes unlogged; the call is outside any transaction.
    """
    system = camera.system
    if not camera.ptz or camera.gone_at or system is None or not _answers(system):
        raise CannotTurn
    _record("video.ptz", camera, by, {**purpose.as_json(), **movement.as_json()})
    try:
        asyncio.run(_tell(system, camera.site_number, movement))
    except (VmsError, TimeoutError) as error:
        _record("video.ptz_failed", camera, by, {"reason": str(error) or "no answer in time"})
        raise


def _answers(system: LinkedSystem) -> bool:
    return system.feed_format == KisaVms.name and bool(system.endpoint) and system.enabled


async def _tell(system: LinkedSystem, number: str, movement: Movement) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as client:
        if movement.stop:
            await client.ptz_stop(number)
        else:
            one = movement
            await client.ptz_move(number, pan=one.pan, tilt=one.tilt, zoom=one.zoom, seconds=one.seconds)


@transaction.atomic
def _record(action: str, camera: Camera, by: Principal, detail: dict[str, Any]) -> None:
    audit.record(
        actor=f"user:{by.actor['name']}", action=action, subject=f"camera:{camera.pk}",
        detail={"name": camera.name, **detail}, municipality_id=camera.municipality_id, address=by.address,
    )  # fmt: skip
