"""The ASGI entry point: HTTP to Django, WebSockets to the live feed."""

import os
import threading

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocenter.settings.dev")
http = get_asgi_application()  # loads the apps; the routing below needs them

from incidents.live.routing import websocket  # noqa: E402
from incidents.places import atlas  # noqa: E402

application = ProtocolTypeRouter({"http": http, "websocket": websocket})

# The first event should not wait for the map of the country to be read.
threading.Thread(target=atlas, name="atlas", daemon=True).start()
