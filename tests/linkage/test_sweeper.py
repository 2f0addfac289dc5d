"""The sweeper does every second what must not depend on Redis: one leads, another takes over."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from linkage import health, nudge, outbox, sweeper
from linkage.models import Delivery, Heartbeat, LinkedSystem
from tests.linkage.wires import ROOT, eventually, fresh, in_turn, make_agency, open_relay, peer, receipt, status

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("lanes")]


@pytest.fixture(autouse=True)
def no_bell(settings, monkeypatch):
    """Redis is gone: whatever is delivered here, the sweeper delivers."""
    monkeypatch.setattr(nudge, "lane", lambda system_id: None)


@contextmanager
def sweeping():
    """A sweeper in this process, on a thread."""
    stop, loop = asyncio.Event(), asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(sweeper.sweep(stop)), daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@contextmanager
def sweeper_process(name):
    """A real `manage.py sweep` on the test database."""
    here = connection.settings_dict
    url = f"postgresql://{here['USER']}:{here['PASSWORD']}@{here['HOST']}:{here['PORT']}/{here['NAME']}?application_name={name}"
    environment = os.environ | {
        "OCENTER_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "ocenter.settings.test", "OCENTER_LOG_LEVEL": "ERROR"
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "manage.py", "sweep"], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def leader():
    """Which sweeper process holds the leader's lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE locktype = 'advisory' AND objid = %s AND granted AND datname = current_database()",
            [sweeper.LEADER_LOCK],
        )
        return [row[0] for row in cursor.fetchall()]


def test_a_relay_nobody_announced_is_delivered_within_three_seconds(daejeon):
    with peer() as agency, sweeping():
        eventually(health.sweeper_seen_at)
        relay = open_relay(make_agency(daejeon, agency.url))
        started = time.monotonic()
        eventually(lambda: fresh(relay).state == "sent")
        assert time.monotonic() - started < 4
    assert len(agency.arrivals) == 1


def test_a_retry_follows_when_it_is_due(daejeon):
    with peer(in_turn(status(503), status(503), receipt)) as agency, sweeping():
        relay = open_relay(make_agency(daejeon, agency.url))
        eventually(lambda: fresh(relay).state == "sent", 20)
    first, second, third = (one["at"] for one in agency.arrivals)
    assert 0.7 < second - first < 4, "1 s, looked for once a second"
    assert 1.5 < third - second < 5, "2 s"
    assert len(set(agency.keys)) == 1


def test_a_dead_workers_lease_is_taken_over(daejeon, monkeypatch):
    monkeypatch.setattr(outbox, "LEASE_SECONDS", 1)
    with peer() as agency:
        police = make_agency(daejeon, agency.url)
        relay = open_relay(police)
        outbox.claim(police.pk, 8)  # and dies
        with sweeping():
            eventually(lambda: fresh(relay).state == "sent")


def test_a_black_hole_keeps_the_sweeper_from_nothing_else(daejeon):
    async def hole(request, body):
        await asyncio.sleep(60)

    with peer(hole) as dead, peer() as alive:
        for _ in range(10):
            open_relay(make_agency(daejeon, dead.url, deadline_s=15))
        relay = open_relay(make_agency(daejeon, alive.url))
        with sweeping():
            eventually(lambda: fresh(relay).state == "sent")
            late = open_relay(LinkedSystem.objects.get(endpoint=alive.url))
            eventually(lambda: fresh(late).state == "sent")


def test_what_is_undelivered_is_before_an_operator_within_fifteen_seconds_and_no_longer_once_delivered(daejeon):
    with peer(status(503)) as agency, sweeping():
        relay = open_relay(make_agency(daejeon, agency.url))
        started = time.monotonic()
        eventually(lambda: fresh(relay).attention_at, 20)
        assert 9 < time.monotonic() - started < 15
        assert fresh(relay).attention_reason == "HTTP 503 Service Unavailable"
        agency.answer = receipt
        eventually(lambda: fresh(relay).state == "sent", 40)
        assert fresh(relay).attention_at is None


def test_a_disabled_agencys_relay_waits_in_sight_and_goes_out_when_it_is_enabled(daejeon):
    with peer() as agency:
        police = make_agency(daejeon, agency.url, enabled=False)
        relay = open_relay(police)
        Delivery.objects.update(created_at=timezone.now() - timedelta(seconds=11))
        with sweeping():
            eventually(lambda: fresh(relay).attention_reason == "disabled")
            assert not agency.arrivals
            LinkedSystem.objects.update(enabled=True)
            eventually(lambda: fresh(relay).state == "sent")
    assert fresh(relay).attention_at is None


def test_a_duty_that_fails_keeps_nothing_else_from_being_done(daejeon, monkeypatch):
    done = []

    def broken():
        raise KeyError("a bug")

    def away():
        done.append(1)
        if len(done) == 1:
            raise OperationalError("the database is restarting")
        return 0

    monkeypatch.setattr(sweeper, "_duties", [broken, away])
    with peer() as agency, sweeping():
        eventually(lambda: len(done) >= 3)
        relay = open_relay(make_agency(daejeon, agency.url))
        eventually(lambda: fresh(relay).state == "sent")


def test_a_duty_registered_twice_is_one_duty(monkeypatch):
    monkeypatch.setattr(sweeper, "_duties", [])
    for _ in range(2):
        sweeper.register_duty(print)
    assert sweeper._duties == [print]


def test_the_heartbeat_says_it_is_at_work(daejeon):
    assert health.sweeper_seen_at() is None
    with sweeping():
        first = eventually(health.sweeper_seen_at)
        eventually(lambda: health.sweeper_seen_at() > first)
    assert Heartbeat.objects.get().name == sweeper.HEARTBEAT_NAME


@pytest.mark.slow
def test_of_two_sweepers_one_leads_and_the_other_takes_over_when_it_is_killed(daejeon):
    with peer() as agency, sweeper_process("one") as one, sweeper_process("two") as two:
        (first,) = eventually(leader, 40)
        led, waiting = (one, two) if first == "one" else (two, one)
        police = make_agency(daejeon, agency.url)
        relays = [open_relay(police)]
        eventually(lambda: fresh(relays[0]).state == "sent")
        assert leader() == [first], "still one"
        led.send_signal(signal.SIGKILL)
        led.wait(10)
        killed = time.monotonic()
        relays.append(open_relay(police))
        eventually(lambda: fresh(relays[1]).state == "sent", 40)
        took = time.monotonic() - killed
        assert leader() == [{"one": "two", "two": "one"}[first]]
        assert waiting.poll() is None
    assert len(agency.arrivals) == 2
    assert took < 15, "a sweeper that was still starting is given that long; one at rest takes over in two seconds"


class TestNudge:
    @pytest.fixture(autouse=True)
    def real_nudge(self, no_bell, monkeypatch):
        monkeypatch.undo()
        monkeypatch.setattr(nudge, "_rests_until", 0.0)

    def test_without_redis_it_neither_fails_nor_waits(self, monkeypatch):
        def refuse(*arguments, **more):
            raise nudge.OperationalError("Connection refused")

        monkeypatch.setattr(nudge.current_app, "send_task", refuse)
        nudge.lane(1)

    def test_after_a_failure_it_rests_and_then_tries_again(self, monkeypatch):
        asked, now = [], [100.0]

        def send(*arguments, **more):
            asked.append(arguments)
            if len(asked) == 1:
                raise OSError("gone")

        monkeypatch.setattr(nudge.time, "monotonic", lambda: now[0])
        monkeypatch.setattr(nudge.current_app, "send_task", send)
        nudge.lane(1)
        nudge.lane(2)
        assert len(asked) == 1
        now[0] += nudge.REST_SECONDS
        nudge.lane(3)
        assert len(asked) == 2
