"""The live socket when things end or break: sessions, keys, Redis, the database's connections, slow clients, processes."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import orjson
import pytest
from django.contrib.sessions.models import Session
from django.db import connection

from incidents import ledger
from incidents import operations as op
from incidents.live import bell, consumers, hub
from incidents.models import Change
from linkage import access
from linkage.models import SystemKey
from ocenter.embedded.processes import free_port
from ocenter.embedded.redis import RedisServer
from tests.incidents.cast import assert_ledger_is_whole, by, event, key_of, open_incident, receive
from tests.incidents.live.serving import Screen, seq_of
from tests.incidents.processes import environment
from tests.stack import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

SOON_SECONDS = 0.2


# ── Sessions and keys that end ─────────────────────────────────────────────────────────────────────


@pytest.fixture
def strict(monkeypatch, server):
    """A server that asks again five times a second instead of twice a minute."""
    monkeypatch.setattr(consumers, "RECHECK_SECONDS", SOON_SECONDS)
    monkeypatch.setattr(consumers, "TICK_SECONDS", SOON_SECONDS)
    monkeypatch.setattr(access, "REMEMBER_SECONDS", SOON_SECONDS)
    return server.start()


def change(**fields):
    def apply(user):
        for name, value in fields.items():
            setattr(user, name, value)
        user.save()

    return apply


def expire(user):
    from tests.incidents.cast import ago

    change(expires_at=ago(seconds=1))(user)


def new_password(user):
    user.set_password("another-Correct-horse-1")
    user.save()


@pytest.mark.parametrize(
    "end",
    [expire, new_password, change(is_active=False), change(role="auditor"), change(municipality=None), lambda _: Session.objects.all().delete()],
    ids=["expired", "password", "switched off", "another role", "moved away", "signed out"],
)  # fmt: skip
async def test_a_session_that_ends_closes_its_socket_with_4401(strict, desk, sessions, town, end):
    async with Screen(strict.port, session=await desk.run(sessions, town.lee)) as lee:
        await lee.until(lambda it: len(it.ticks) == 4)
        await desk.run(end, town.lee)
        assert await lee.until_closed(5) == 4401


def revoke(system):
    from django.utils import timezone

    SystemKey.objects.update(revoked_at=timezone.now())


def disable(system):
    system.enabled = False
    system.save()


def narrow(system):
    system.reads = []
    system.save()


@pytest.mark.parametrize("end", [revoke, disable, narrow], ids=["revoked", "disabled", "granted less"])
async def test_a_key_that_ends_closes_its_socket_with_4401(strict, desk, town, end):
    async with Screen(strict.port, secret=await desk.run(key_of, town.fire)) as fire:
        await fire.until(lambda it: len(it.ticks) == 4)
        await desk.run(end, town.fire)
        assert await fire.until_closed(5) == 4401


async def test_whoever_is_welcome_stays(strict, desk, sessions, town):
    async with Screen(strict.port, session=await desk.run(sessions, town.kim)) as kim:
        await kim.until(lambda it: len(it.ticks) == 10)
        await desk.run(open_incident, town)
        await kim.until(lambda it: it.rows)


# ── Redis ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def own_redis(settings, tmp_path, monkeypatch):
    """A Redis that may be killed, in place of the one all tests share."""
    tmp_path.chmod(0o755)
    redis = RedisServer(tmp_path / "redis", tmp_path / "redis.log")
    redis.start()
    settings.REDIS_URL = redis.url
    monkeypatch.setattr(bell, "_ringer", bell._Ringer())
    yield redis
    redis.stop()


async def delay_of_one(screen, desk, town):
    """Seconds from the beginning of a write to its row on the screen."""
    started, seen = time.monotonic(), len(screen.rows)
    await desk.run(open_incident, town)
    await screen.until(lambda it: len(it.rows) > seen)
    return screen.arrivals[-1] - started


async def test_without_redis_changes_still_come_and_with_it_they_are_quick_again(own_redis, server, desk, sessions, town):
    live = server.start()
    async with Screen(live.port, session=await desk.run(sessions, town.kim)) as kim:
        await kim.take()
        assert await delay_of_one(kim, desk, town) < 1.0
        own_redis.process.send_signal(signal.SIGKILL)
        own_redis.process.wait()
        without = [await delay_of_one(kim, desk, town) for _ in range(4)]
        assert max(without) < 2.0, "the ledger is looked at once a second"
        own_redis.start()
        async with asyncio.timeout(15):
            while await delay_of_one(kim, desk, town) > 0.5:
                pass
        quick = sorted([await delay_of_one(kim, desk, town) for _ in range(5)])
        assert quick[2] < 0.5
        assert kim.seqs == list(range(1, len(kim.rows) + 1))


async def test_a_dead_redis_costs_a_commit_next_to_nothing(own_redis, desk, town):
    own_redis.process.send_signal(signal.SIGKILL)
    own_redis.process.wait()
    started = time.monotonic()
    await desk.run(lambda: [open_incident(town) for _ in range(5)])
    assert time.monotonic() - started < 2.0


# ── The database ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def cut(transactional_db):
    """Ends every connection but the test's own and the one it is called on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (ours,) = cursor.fetchone()

    def all_others():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), %s)",
                [ours],
            )

    return all_others


async def test_a_reader_whose_connection_is_cut_reads_on(live, desk, sessions, town, cut):
    async with Screen(live.port, session=await desk.run(sessions, town.kim)) as kim:
        await kim.take()
        for n in range(3):
            await desk.run(cut)
            await desk.run(open_incident, town)
            await kim.until(lambda it, n=n: len(it.rows) == n + 1, seconds=5)
        assert kim.seqs == [1, 2, 3]


async def test_a_reader_that_stumbles_over_anything_reads_on(live, desk, sessions, town, monkeypatch):
    """Whatever a broken connection raises: a reader that dies in silence would leave fresh ticks over a stale screen."""
    from django.db import InterfaceError

    real, failures = ledger.read_rows, iter([InterfaceError("connection already closed"), RuntimeError("boom")])

    def sometimes(*arguments):
        if error := next(failures, None):
            raise error
        return real(*arguments)

    async with Screen(live.port, session=await desk.run(sessions, town.kim)) as kim:
        await kim.take()
        monkeypatch.setattr(ledger, "read_rows", sometimes)
        await desk.run(open_incident, town)
        await kim.until(lambda it: it.rows, seconds=6)


# ── Many sockets, slow sockets ─────────────────────────────────────────────────────────────────────


async def test_many_sockets_of_a_town_cost_one_reading(live, desk, sessions, town, monkeypatch):
    real, calls = ledger.read_rows, []
    monkeypatch.setattr(ledger, "read_rows", lambda *arguments: (calls.append(arguments), real(*arguments))[1])
    session = await desk.run(sessions, town.kim)
    async with contextlib.AsyncExitStack() as room:
        screens = [await room.enter_async_context(Screen(live.port, session=session)) for _ in range(30)]
        for one in screens:
            await one.take()
        calls.clear()
        await desk.run(open_incident, town)
        for one in screens:
            await one.until(lambda it: it.rows)
        assert len(calls) < 10, "thirty sockets, one reader"


def deaf_socket(port, session):
    """A client that shakes hands and then never reads a byte."""
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    deaf.connect(("127.0.0.1", port))
    deaf.sendall(
        f"GET /ws/live/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Origin: http://127.0.0.1:{port}\r\nCookie: sessionid={session}\r\n\r\n".encode()
    )
    return deaf


async def test_a_socket_that_never_reads_delays_nobody_and_is_cut(server, desk, sessions, town, monkeypatch):
    monkeypatch.setattr(consumers, "SEND_SECONDS", 1.0)
    live = server.start()
    session = await desk.run(sessions, town.kim)
    big = "가" * 500
    with contextlib.closing(await desk.run(deaf_socket, live.port, session)):
        async with Screen(live.port, session=session) as kim:
            await kim.take()
            the_hub = next(iter(hub._hubs.values()))
            (stream,) = the_hub._streams.values()
            for turn in range(60):
                raws = [event(north_m=(turn * 40 + n) * 400, summary=big) for n in range(40)]
                await desk.run(lambda raws=raws: receive(town, *raws))
            written = time.monotonic()
            await kim.until(lambda it: len(it.rows) == 2_400)
            assert kim.arrivals[-1] - written < 1.0, "the others have everything at once"
            assert kim.seqs == list(range(1, 2_401))
            await kim.until(lambda it: stream.listeners == 1, seconds=10)


# ── Processes ──────────────────────────────────────────────────────────────────────────────────────


class Web:
    """A web process of its own, as the supervisor starts them."""

    def __init__(self):
        self.port = free_port()
        command = [sys.executable, "-m", "uvicorn", "ocenter.asgi:application", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--loop", "uvloop", "--http", "httptools", "--ws", "websockets-sansio", "--lifespan", "off", "--log-level", "error"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment())

    def ready(self):
        deadline = time.monotonic() + 60
        while True:
            assert self.process.poll() is None and time.monotonic() < deadline
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            time.sleep(0.05)

    def post(self, secret, raws):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/events", orjson.dumps(raws),
            {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=30) as answer:
            return orjson.loads(answer.read())

    def kill(self):
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture
def webs(transactional_db):
    pair = [Web(), Web()]
    try:
        yield [one.ready() for one in pair]
    finally:
        for one in pair:
            one.kill()


async def test_a_killed_web_process_costs_its_screens_nothing_but_a_moment(webs, desk, sessions, town):
    first, second = webs
    session, secret = await desk.run(lambda: (sessions(town.kim), key_of(town.bells)))
    done = asyncio.Event()

    async def pour():
        for turn in range(40):
            raws = [event(north_m=(turn * 5 + n) * 400) for n in range(5)]
            answer = await asyncio.to_thread(second.post, secret, raws)
            assert answer["accepted"] == 5
        done.set()

    async def watch():
        rows = []
        async with Screen(first.port, session=session) as before:
            with contextlib.suppress(Exception):
                await before.take()
                while len(before.rows) < 20:
                    await before.take()
                first.kill()
                while True:
                    await before.take()
        async with Screen(second.port, session=session, after=before.cursor) as after:
            await after.until(lambda it: seq_of(it.cursor) == 200)
        assert not after.snapshots
        rows = before.seqs + after.seqs
        assert rows == list(range(seq_of(before.snapshots[0]["cursor"]) + 1, 201))

    await asyncio.wait_for(asyncio.gather(pour(), watch()), 60)
    assert done.is_set() and await desk.run(Change.objects.count) == 200
    await desk.run(assert_ledger_is_whole, town)


# ── The hub's own ──────────────────────────────────────────────────────────────────────────────────


async def test_joining_survives_the_last_one_leaving_at_the_same_moment(desk, town, other, monkeypatch):
    """A central reader looks up a second town while the only listener of the first goes home."""
    ids = [town.municipality.pk, other.municipality.pk]
    the_hub = hub.Hub()
    try:
        early = await the_hub.join(ids[:1])
        joining = asyncio.create_task(the_hub.join(ids))
        await asyncio.sleep(0)
        the_hub.leave(early)
        streams = await joining
        assert [one.municipality_id for one in streams] == sorted(ids) and all(one.listeners == 1 for one in streams)
        await desk.run(open_incident, town)
        async with asyncio.timeout(5):
            while streams[sorted(ids).index(ids[0])].position.seq < 1:
                await the_hub.wait(0.2)
        the_hub.leave(streams)
        assert not the_hub._streams and not the_hub._tasks
    finally:
        await the_hub._database.run(lambda: connection.close())


async def test_an_operator_and_a_feed_at_once_reach_the_screen_in_the_ledgers_order(live, desk, sessions, town):
    async with Screen(live.port, session=await desk.run(sessions, town.kim)) as kim:
        await kim.take()
        for _ in range(10):
            incident = await desk.run(open_incident, town)
            await desk.run(lambda number=incident.number: op.incident_acknowledge(number=number, by=by(town.kim)))
        await kim.until(lambda it: len(it.rows) == 20)
        assert kim.seqs == list(range(1, 21))
        assert {one["status"] for one in kim.incidents.values()} == {"acked"}
