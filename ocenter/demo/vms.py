"""The demo's video system: the simulated one on the agencies' port, of the first city."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from cryptography.fernet import InvalidToken

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


def _secret(system: LinkedSystem) -> str:
    try:
        return system.secret
    except InvalidToken:  # SECRET_KEY has changed since
        return ""
