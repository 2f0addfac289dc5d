"""System checks: settings that would hurt later are refused at the start.

Ids are stable, for operators search for them; docs/operations.md lists them.
"""

import os
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from ocenter.basemaps import choice_of

SECRET_KEY_LENGTH = 50
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")


@register()
def settings_make_sense(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What is wrong anywhere, development included."""
    return list(_everywhere())


@register()
def production_is_safe(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What is wrong once strangers can reach the server."""
    return list(_in_production()) if settings.PRODUCTION else []


def _everywhere() -> Iterator[CheckMessage]:
    if settings.DEMO and settings.PORT == settings.AGENCIES_PORT:
        yield Error("OCENTER_PORT and OCENTER_AGENCIES_PORT are the same.", id="ocenter.E003")
    if wrong := _basemap_is_wrong():
        yield Error(
            f"OCENTER_BASEMAP is {settings.BASEMAP!r}: {wrong}.",
            hint="Use builtin, pmtiles:PATH, xyz:URL or wms:URL.",
            id="ocenter.E004",
        )
    if not settings.REDIS_URL.startswith(REDIS_SCHEMES):
        yield Error("OCENTER_REDIS_URL must begin with redis://, rediss:// or unix://.", id="ocenter.E006")
    if settings.DATA_DIR.exists() and not os.access(settings.DATA_DIR, os.W_OK):
        yield Error(f"OCENTER_DATA_DIR {settings.DATA_DIR} is not writable.", id="ocenter.E007")


def _basemap_is_wrong() -> str:
    try:
        choice_of(settings.BASEMAP)
    except ValueError as error:
        return str(error)
    return ""


def _in_production() -> Iterator[CheckMessage]:
    if len(settings.SECRET_KEY) < SECRET_KEY_LENGTH:
        yield Error(
            f"OCENTER_SECRET_KEY has fewer than {SECRET_KEY_LENGTH} characters.",
            hint="python3 -c 'import secrets; print(secrets.token_urlsafe(50))'",
            id="ocenter.E001",
        )
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        yield Error("OCENTER_ALLOWED_HOSTS must name the hosts this server answers for.", id="ocenter.E002")
    if not settings.DATABASE_URL:
        yield Error("OCENTER_DATABASE_URL is not set.", id="ocenter.E005")
    if settings.DEMO:
        yield Error("OCENTER_DEMO=1 makes accounts with printed passwords; never in production.", id="ocenter.E008")
    if not settings.SECURE_SSL_REDIRECT:
        yield Warning(
            "OCENTER_HTTPS_ONLY=0: sessions and keys travel in the clear.",
            hint="Only for a closed network that ends TLS elsewhere.",
            id="ocenter.W001",
        )
