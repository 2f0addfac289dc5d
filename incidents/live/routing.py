"""Where sockets connect."""

from __future__ import annotations

from typing import Any

from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import SessionMiddlewareStack
from django.urls import path

from incidents.live.consumers import Receive, Scope, Send, live

_router = URLRouter([path("ws/live/", live)])
_browsers = AllowedHostsOriginValidator(SessionMiddlewareStack(_router))


async def websocket(scope: Scope, receive: Receive, send: Send) -> Any:
    """Browsers must come from our own origin, since they bring a cookie; machines bring a key and no origin."""
    has_key = any(name == b"authorization" for name, _ in scope["headers"])
    return await (_router if has_key else _browsers)(scope, receive, send)
