"""Signing in and out: who may, for how long, and the audit of both.

An account that is switched off or has expired is nobody at its next request: `CurrentUserBackend` is asked
both at the login form and whenever a session's user is loaded. Sockets, which have no next request,
ask `session_user` every 30 s.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.http import HttpRequest
from django.utils.module_loading import import_string

from ocenter.accounts import audit
from ocenter.accounts.models import User

UNKNOWN_ACTOR = "unknown"


class CurrentUserBackend(ModelBackend):
    """Passwords of accounts that are active and not expired; permissions follow the role, not Django's tables."""

    def user_can_authenticate(self, user: AbstractBaseUser | None) -> bool:
        """Whether the account may be used now; asked at login and at each loading of a session's user."""
        return isinstance(user, User) and user.is_current()


def session_user(session_key: str | None) -> User | None:
    """The current user of a session, or None where the session is gone, or its user switched off or expired.

    Reads the database anew, so the role and the municipality are those of now. A password changed
    elsewhere ends the session too.
    """
    if not session_key:
        return None
    request = HttpRequest()
    request.session = _session(session_key)
    user = get_user(request)
    return user if isinstance(user, User) and user.is_current() else None


def client_address(request: HttpRequest | None) -> str | None:
    """Where a request came from. Behind a proxy the server puts the client there (`--forwarded-allow-ips`)."""
    return audit.normal_address(request.META.get("REMOTE_ADDR")) if request else None


def audit_login(sender: type, request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    """Receives `user_logged_in` from Django's login."""
    _record("login", user.username, user.municipality_id, request)


def audit_logout(sender: type, request: HttpRequest | None, user: User | None, **kwargs: Any) -> None:
    """Receives `user_logged_out` from Django's logout; `user` is None where the session had ended already."""
    if user is not None:
        _record("logout", user.username, user.municipality_id, request)


def audit_login_failure(
    sender: str, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Receives `user_login_failed` from Django's authenticate (wrong password, locked out, expired, unknown)."""
    name = str(credentials.get(User.USERNAME_FIELD) or UNKNOWN_ACTOR)
    user = User.objects.filter(username=name).only("municipality_id", "is_active", "expires_at").first()
    _record("login.failed", name, user.municipality_id if user else None, request, reason=_reason(user, request))


def _reason(user: User | None, request: HttpRequest | None) -> str:
    if user is None:
        return "unknown"
    if getattr(request, "axes_locked_out", False):
        return "locked out"
    return "password" if user.is_current() else "not current"


def _record(
    action: str, username: str, municipality_id: int | None, request: HttpRequest | None, **detail: str
) -> None:
    with transaction.atomic():
        audit.record(
            actor=username,
            action=action,
            subject=f"user:{username}",
            detail=detail,
            municipality_id=municipality_id,
            address=client_address(request),
        )


def _session(session_key: str) -> SessionStore:
    return import_string(f"{settings.SESSION_ENGINE}.SessionStore")(session_key)
