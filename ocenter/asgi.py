"""The ASGI entry point: HTTP to Django, machines' events by the short way, video to the gateway, WebSockets to the live
feed."""

import os
import threading
from collections.abc import Callable
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.exception import convert_exception_to_response
from django.utils.deprecation import MiddlewareMixin

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocenter.settings.dev")

# Django's middlewares can run asynchronously, each wrapping its synchronous half in a round trip to a thread: a
# dozen of them. Kept synchronous, they run one after another in one thread.
MiddlewareMixin.async_capable = False
http = get_asgi_application()  # loads the apps; what follows needs them

from incidents.live.routing import websocket  # noqa: E402
from incidents.places import atlas  # noqa: E402
from linkage.video import proxy as video  # noqa: E402
from ocenter.logs import RequestIdMiddleware  # noqa: E402

# Feeds post here many times a second, with a key and never a cookie: sessions, forms, languages and pages'
# headers are not for them.
MACHINE_PATHS = ("/api/v1/events",)


class MachineHandler(ASGIHandler):
    """Django without the middlewares that serve browsers; only the request's id remains."""

    def load_middleware(self, is_async: bool = False) -> None:
        """The whole chain: the id, then the view."""
        self._view_middleware, self._template_response_middleware, self._exception_middleware = [], [], []
        view = convert_exception_to_response(self._get_response_async)
        self._middleware_chain = convert_exception_to_response(RequestIdMiddleware(view))


machines = MachineHandler()


async def by_path(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """Choose between the two ways into Django, and the one past it."""
    if scope["path"].startswith(video.PREFIX):
        await video.application(scope, receive, send)
        return
    chosen = machines if scope["path"] in MACHINE_PATHS else http
    await chosen(scope, receive, send)


application = ProtocolTypeRouter({"http": by_path, "websocket": websocket})

# The first event should not wait for the map of the country to be read.
threading.Thread(target=atlas, name="atlas", daemon=True).start()
