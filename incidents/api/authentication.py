"""Who is calling the REST: a machine by its Bearer key, a person by the session.

The caller is put on the request as `request.principal` (see `ocenter.accounts.principal`).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from linkage.access import access_of_key
from ocenter.accounts.models import User
from ocenter.accounts.principal import Principal, principal_of_user
from ocenter.accounts.session import client_address

SCHEME = "Bearer"


def bearer_of(header: str) -> str | None:
    """The key in an Authorization header, or None."""
    scheme, _sep, secret = header.partition(" ")
    return secret.strip() if scheme.lower() == SCHEME.lower() and secret else None


class KeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer KEY`. A key that does not hold is 401, never passed over in silence."""

    def authenticate(self, request: Request) -> tuple[Principal, Any] | None:
        secret = bearer_of(request.headers.get("Authorization", ""))
        if secret is None:
            return None
        access = access_of_key(secret)
        if access is None:
            raise exceptions.AuthenticationFailed(_("The key is unknown, revoked or expired, or its system is disabled."))
        request._request.principal = access.principal  # type: ignore[attr-defined]
        return access.principal, access

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's session, with Django's CSRF check on writes."""

    def authenticate(self, request: Request) -> tuple[Principal, Any] | None:
        found = super().authenticate(request)
        if found is None or not isinstance(found[0], User) or not found[0].is_current():
            return None
        principal = principal_of_user(found[0], client_address(request._request))
        request._request.principal = principal  # type: ignore[attr-defined]
        return principal, None


class IsCaller:
    """DRF permission: somebody is calling."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.user, Principal)

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        return True


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How OpenAPI describes the key."""

    target_class = KeyAuthentication
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How OpenAPI describes the session."""

    target_class = SessionAuthentication
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
