"""What the tests of the simulators share: a real agencies process, a signed sender, a small ocenter to call."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

ROOT = Path(__file__).parents[2]
SECRET = "whsec_" + b64encode(b"a secret of thirty-two bytes ...").decode()
OTHER_SECRET = "whsec_" + b64encode(b"another one of thirty-two bytes.").decode()
SLUGS = ("police112", "fire119", "disaster", "justice")
DAEJEON = {"lat": 36.3504, "lon": 127.3845}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def write_installation(directory, base_url="http://127.0.0.1:9"):
    directory.mkdir(parents=True, exist_ok=True)
    document = {
        "base_url": base_url,
        "agencies": {slug: {"secret": SECRET, "municipality": "30000"} for slug in SLUGS},
        "feeds": {feed: {"key": f"key-of-{feed}"} for feed in ("bells", "analytics", "traffic", "sensors")},
        "municipality": "30000",
        "seed": 20181,
    }
    (directory / "simulators.json").write_text(json.dumps(document))


def simulate(directory, *arguments, **environment):
    """Start a simulator as a real process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "linkage.simulators", *map(str, arguments), "--data-dir", str(directory)],
        cwd=ROOT,
        env=os.environ | environment,
    )


def end(process, how=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(how)
    return process.wait(timeout=10)


class AgenciesProcess:
    """The agencies in a process that can be killed and started again on the same files and port."""

    def __init__(self, directory, *options):
        self.directory, self.options, self.port = directory, options, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        self.environment = {}

    def start(self):
        self.process = simulate(self.directory, "agencies", "--port", self.port, *self.options, **self.environment)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=1):
                    return self
            except OSError:
                assert self.process.poll() is None, "the agencies ended at once"
                time.sleep(0.05)
        raise AssertionError("the agencies did not come up")

    def kill(self):
        end(self.process, signal.SIGKILL)

    def stop(self):
        return end(self.process)


def message(number=1, kind="create", *, callback_url="http://127.0.0.1:9/status", relay=None, **incident):
    details = {"number": f"30000-20261123-{number:04d}", "code": "FIR-01", **DAEJEON, **incident}
    return {
        "relay": relay or f"relay-{number}",
        "message": kind,
        "incident": details,
        "service": "fire",
        "cameras": [],
        "callback_url": callback_url,
    }


def signed_headers(key, raw, *, secret=SECRET):
    now = datetime.now(UTC)
    return {
        "Idempotency-Key": key,
        "content-type": "application/json",
        "webhook-id": key,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(key, now, raw.decode()),
    }


class Sender:
    """ocenter's side of a relay, as plain as it gets."""

    def __init__(self, session, url):
        self.session, self.url = session, url

    async def send(self, slug, key, body, *, secret=SECRET, timeout_s=10.0, read=True):
        raw = json.dumps(body).encode() if not isinstance(body, bytes) else body
        async with self.session.post(
            f"{self.url}/{slug}/incidents",
            data=raw,
            headers=signed_headers(key, raw, secret=secret),
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            allow_redirects=False,
        ) as answer:
            return answer.status, (await answer.read() if read else b"")

    async def relay(self, slug, key, body):
        status, raw = await self.send(slug, key, body)
        assert status == 202, raw
        return json.loads(raw)["receipt"]

    async def ledger(self, slug):
        async with self.session.get(f"{self.url}/{slug}/ledger") as answer:
            return (await answer.json())["entries"]

    async def set_faults(self, slug, mode, rate=1.0, seed=1):
        document = {"mode": mode, "rate": rate, "seed": seed}
        async with self.session.put(f"{self.url}/{slug}/faults", json=document) as answer:
            assert answer.status == 200
            assert await answer.json() == document


@asynccontextmanager
async def sender_to(url):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield Sender(session, url)


class CallbackReceiver:
    """The little of ocenter that agencies call: verifies each callback and keeps it."""

    def __init__(self):
        self.reports, self.refused, self.answers = [], 0, []
        self.changed = asyncio.Condition()

    async def receive(self, request):
        raw = await request.read()
        if self.answers:
            return web.Response(status=self.answers.pop(0))
        try:
            report = Webhook(SECRET).verify(raw, dict(request.headers))
        except WebhookVerificationError:
            self.refused += 1
            return web.Response(status=401)
        async with self.changed:
            relay = request.match_info["relay"]
            self.reports.append({**report, "relay": relay, "webhook_id": request.headers["webhook-id"]})
            self.changed.notify_all()
        return web.Response(status=204)

    def of(self, relay):
        return [report for report in self.reports if report["relay"] == relay]

    def statuses(self, relay):
        """The relay's statuses in order, repeated positions counted once."""
        found = [report["status"] for report in self.of(relay)]
        return [status for n, status in enumerate(found) if n == 0 or status != found[n - 1]]

    async def until(self, condition, seconds=20):
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(condition)


@asynccontextmanager
async def callback_receiver(port=0):
    receiver = CallbackReceiver()
    app = web.Application()
    app.router.add_post("/relays/{relay}/status", receiver.receive)
    async with serving(app, port) as url:
        receiver.url = url
        yield receiver


@asynccontextmanager
async def serving(app, port=0):
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    finally:
        await runner.cleanup()


async def eventually(condition, seconds=15):
    """Poll until ``condition()`` (awaited when it is a coroutine) is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen in time")
