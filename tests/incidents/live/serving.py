"""A real uvicorn in a thread of the test process, so that its clocks can be set; and a client that keeps a screen."""

import asyncio
import contextlib
import json
import threading
import time

import uvicorn
import websockets
from django.db import connection
from websockets.exceptions import ConnectionClosed

from incidents.api import events
from incidents.live import consumers, hub
from ocenter.asgi import application
from ocenter.embedded.processes import free_port

ENDED = {"merged", "false_alarm", "test", "closed", "cancelled"}
PATIENCE_SECONDS = 15.0


class Server:
    """Serves on a free port until `stop`, as `make run` does (uvloop, httptools, websockets-sansio)."""

    def __init__(self):
        self.port = free_port()
        config = uvicorn.Config(
            application, host="127.0.0.1", port=self.port, loop="uvloop", http="httptools", ws="websockets-sansio",
            ws_max_size=65536, lifespan="off", log_level="error", access_log=False, timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._uvicorn.run, daemon=True)

    def start(self):
        self._thread.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._uvicorn.started:
            assert time.monotonic() < deadline and self._thread.is_alive(), "uvicorn did not start"
            time.sleep(0.01)
        return self

    def stop(self):
        self._uvicorn.should_exit = True
        self._thread.join(PATIENCE_SECONDS)
        databases = [consumers._database, events.QUEUE._database, *(one._database for one in hub._hubs.values())]
        for database in databases:
            database._executor.submit(lambda: connection.close()).result(PATIENCE_SECONDS)
        hub._hubs.clear()


class Screen:
    """One client: applies what the server sends, notes every row it got, and never lets a gap pass."""

    def __init__(self, port, *, session=None, secret=None, prove=None, after=None):
        self._port, self._prove = port, prove
        self._credentials = {"session": session, "secret": secret}
        self.incidents = {}
        self.rows, self.arrivals = [], []
        self.cursor = self._after = after
        self.snapshots, self.ticks, self.messages = [], [], []

    async def __aenter__(self):
        credentials = self._credentials | (await self._prove() if self._prove else {})
        headers = {"Cookie": f"sessionid={credentials['session']}"} if credentials["session"] else {}
        if credentials["secret"]:
            headers["Authorization"] = f"Bearer {credentials['secret']}"
        origin = None if credentials["secret"] else f"http://127.0.0.1:{self._port}"
        address = f"ws://127.0.0.1:{self._port}/ws/live/" + (f"?after={self._after}" if self._after else "")
        self._socket = await websockets.connect(
            address, additional_headers=headers, origin=origin, max_size=None, ping_interval=None
        )
        return self

    async def __aexit__(self, *_):
        with contextlib.suppress(Exception):
            await self._socket.close()

    async def take(self, seconds=PATIENCE_SECONDS):
        """The next message, applied."""
        async with asyncio.timeout(seconds):
            message = json.loads(await self._socket.recv())
        self.messages.append(message)
        self.cursor = message["cursor"]
        getattr(self, f"_on_{message['type']}")(message)
        return message

    async def until(self, is_so, seconds=PATIENCE_SECONDS):
        """Takes messages until `is_so(self)`."""
        async with asyncio.timeout(seconds):
            while not is_so(self):
                await self.take()

    async def until_closed(self, seconds=PATIENCE_SECONDS):
        """The code the server closes with."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self.take()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    def _on_snapshot(self, message):
        self.snapshots.append(message)
        self.incidents = {one["number"]: one for one in message["incidents"]}

    def _on_tick(self, message):
        self.ticks.append((time.monotonic(), message))

    def _on_changes(self, message):
        assert message["changes"], "an empty message says nothing"
        for row in message["changes"]:
            self.rows.append(row)
            self.arrivals.append(time.monotonic())
            self.incidents[row["incident"]["number"]] = row["incident"]
            if row["incident"]["status"] in ENDED:
                del self.incidents[row["incident"]["number"]]

    @property
    def seqs(self):
        return [row["seq"] for row in self.rows]


def seq_of(cursor):
    """The number in a cursor of one municipality."""
    return int(cursor.rpartition(":")[2])
