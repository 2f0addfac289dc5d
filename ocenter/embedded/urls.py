"""Database URLs to Django settings."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

CONNECT_TIMEOUT_SECONDS = 5


def database_settings(url: str) -> dict[str, Any]:
    """Django's DATABASES entry for ``postgresql://user:password@host:port/name?option=value``.

    An empty URL gives a placeholder that lets commands which need no database start.
    Raises ImproperlyConfigured for any other scheme.
    """
    parts = urlsplit(url or "postgresql:///ocenter")
    if parts.scheme not in ("postgresql", "postgres"):
        raise ImproperlyConfigured("OCENTER_DATABASE_URL must begin with postgresql://")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "ocenter",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {"connect_timeout": CONNECT_TIMEOUT_SECONDS, **dict(parse_qsl(parts.query))},
    }
