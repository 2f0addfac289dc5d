"""What the relay tests share: an agency of a few lines over real HTTP, and short ways to relay to it."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web
from django.db import connection, transaction
from django.utils import timezone

from incidents.models import Change, Incident
from linkage import dispatch, relays
from linkage.models import Delivery, Relay
from linkage.signing import make_secret
from ocenter.accounts.principal import SYSTEM_ACTOR
from tests.accounts.cast import make_system

ROOT = Path(__file__).parents[2]
_numbers = itertools.count(1)


class Peer:
    """An agency's server on the loopback. `answer(request, body)` decides what it says; every arrival is kept."""

    def __init__(self, answer=None):
        self.answer = answer or receipt
        self.arrivals = []
        self.url = ""

    async def _receive(self, request):
        body = await request.read()
        self.arrivals.append({"at": time.monotonic(), "headers": dict(request.headers), "body": body})
        said = self.answer(request, body)
        return await said if asyncio.iscoroutine(said) else said

    @property
    def keys(self):
        return [one["headers"]["Idempotency-Key"] for one in self.arrivals]

    @property
    def messages(self):
        return [json.loads(one["body"]) for one in self.arrivals]


def receipt(request, body):
    return web.json_response({"receipt": "R-" + request.headers["Idempotency-Key"][:8]}, status=202)


def meanwhile(work, answer=receipt):
    """An answer before which `work` is done, with a database connection of its own."""

    def run():
        try:
            work()
        finally:
            connection.close()

    async def answering(request, body):
        await asyncio.to_thread(run)
        return answer(request, body)

    return answering


def status(code, **more):
    """An answer with this status, always."""
    return lambda request, body: web.Response(status=code, **more)


def in_turn(*answers):
    """The answers one after another; the last one stays."""
    queue = list(answers)
    return lambda request, body: (queue.pop(0) if len(queue) > 1 else queue[0])(request, body)


@contextmanager
def peer(answer=None, host="127.0.0.1"):
    """A Peer that answers until the block ends, on a thread of its own."""
    one, loop, ready = Peer(answer), asyncio.new_event_loop(), threading.Event()
    runner = web.AppRunner(web.Application(), shutdown_timeout=0.1)

    async def start():
        runner.app.router.add_route("*", "/{path:.*}", one._receive)
        await runner.setup()
        site = web.TCPSite(runner, host, 0)
        await site.start()
        one.url = f"http://{host}:{site._server.sockets[0].getsockname()[1]}/incidents"
        ready.set()

    def run():
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield one
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


def make_agency(town, endpoint="http://127.0.0.1:9/incidents", slug=None, **more):
    defaults = {"phone": "042-000-0112", "callback_base_url": "http://127.0.0.1:9", "secret": make_secret()}
    return make_system(town, slug or f"agency-{next(_numbers)}", endpoint=endpoint, **{**defaults, **more})


def make_incident(town, code="CRM-04"):
    now = timezone.now()
    return Incident.objects.create(
        municipality=town, number=f"{town.code}-20261123-{next(_numbers):04d}", code=code, family=code[:3], grade="G2",
        status_at=now, occurred_at=now, last_event_at=now, received_at=now, lat=36.35, lon=127.38,
    )  # fmt: skip


def open_relay(agency, incident=None, **payload):
    """Relays an incident (a new one by default) to the agency; the message is queued, nothing is sent."""
    incident = incident or make_incident(agency.municipality)
    body = {"incident": {"number": incident.number, "summary": "비상벨"}, **payload}
    with transaction.atomic():
        return relays.relay_open(
            system=agency, subject=incident.number, payload=body, actor=SYSTEM_ACTOR, detail={}
        )


def queue(relay, message="update"):
    with transaction.atomic():
        relays.lock_subject(relay.subject)
        return relays.message_queue(relay=relay, message=message, payload={"incident": {"number": relay.subject}})


def drain(*agencies):
    """Drains the lanes at once, as the worker does; returns how many attempts each made."""

    async def together():
        return await asyncio.gather(*(dispatch.drain(one.pk) for one in agencies))

    return asyncio.run(together())


def make_due(relay=None):
    """Lets the time until the next try pass."""
    found = Delivery.objects.filter(state="pending")
    (found.filter(relay=relay) if relay else found).update(due_at=timezone.now())


def fresh(relay):
    return Relay.objects.get(pk=relay.pk)


def delivery_of(relay, position=1):
    return Delivery.objects.get(relay=relay, position=position)


def kinds(relay):
    """What the ledger says of the relay, in order."""
    rows = Change.objects.filter(incident__number=relay.subject, kind__startswith="relay.").order_by("seq")
    return list(rows.values_list("kind", flat=True))


def eventually(condition, seconds=15, what="it did not happen in time"):
    """Polls until `condition()` is true and returns what it gave."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(what)
