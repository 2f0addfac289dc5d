"""The demo's video system: the simulated one on the agencies' port, of the first city.

It has forty cameras of its own, and serves the first camera of every site of the demo's registry too, as a city's video
system does: its list names them by their site numbers, and the synchronisation brings their addresses.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.fernet import InvalidToken

from incidents.models import Camera
from linkage.models import LinkedSystem
from linkage.simulators.videosystem import FEED
from linkage.simulators.vms import PASSWORD, PREFIX, USER
from ocenter.accounts.models import Municipality

SYNC_SECONDS: Final = 60
LOOPBACK: Final = "127.0.0.1"


def seed_vms(municipality: Municipality, agencies_url: str) -> LinkedSystem:
    """The linked system. Repeating it changes a simulated endpoint's port and nothing an administrator has set."""
    endpoint = agencies_url + PREFIX
    system, made = LinkedSystem.objects.get_or_create(
        municipality=municipality,
        slug=FEED,
        defaults={
            "kind": LinkedSystem.Kind.FEED, "name_ko": "영상관제시스템", "name_en": "Video system", "reads": ["VCA"],
            "feed_format": "kisa_vms", "endpoint": endpoint, "quiet_limit_s": SYNC_SECONDS * 4,
            "options": {"user": USER, "sync_s": SYNC_SECONDS},
        },
    )  # fmt: skip
    is_ours = urlsplit(system.endpoint).path == PREFIX and urlsplit(system.endpoint).hostname == LOOPBACK
    if made or (is_ours and (system.endpoint, _secret(system)) != (endpoint, PASSWORD)):
        system.endpoint, system.secret = endpoint, PASSWORD
        system.save(update_fields=["endpoint", "sealed_secret"])
    return system


def connect_registry(system: LinkedSystem, source: str) -> list[dict[str, Any]]:
    """Has the system serve the registry's sites; returns them as its camera list names them. Safe to repeat."""
    firsts = Camera.objects.filter(municipality_id=system.municipality_id, source=source, index=1)
    firsts.filter(system=None).update(system=system)
    return [_profile(one) for one in firsts.filter(system=system).order_by("pk")]


def _profile(camera: Camera) -> dict[str, Any]:
    place = {"lon": f"{camera.lon:.6f}", "lat": f"{camera.lat:.6f}", "alt": "", "desc": camera.road_address}
    kind = "PTZ" if camera.ptz else "fixed"
    return {"camID": camera.site_number, "camName": camera.name, "camLoc": place, "camConfig": {"camType": kind}}


def _secret(system: LinkedSystem) -> str:
    try:
        return system.secret
    except InvalidToken:  # SECRET_KEY has changed since
        return ""
