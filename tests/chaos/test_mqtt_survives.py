"""MQTT through kill -9 of the collector: what the broker took from the sources is in PostgreSQL, once.

Sender's log, our database, the broker's queue and the quarantine are compared.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import paho.mqtt.client as paho
import pytest
from django.db.models import Count, F, Sum
from django.utils import timezone

from incidents.models import Event, Incident
from linkage.models import LinkedSystem, Quarantined
from linkage.standing import standings
from ocenter.embedded.processes import die_with_parent
from tests.accounts.cast import make_system
from tests.incidents.cast import assert_ledger_is_whole, make_town
from tests.incidents.processes import environment, wait_until
from tests.linkage.brokers import Broker, needs_mosquitto
from tests.stack import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, needs_mosquitto]

MESSAGES = 1_500
POISON_EVERY = 100
KILLS = 4
CLIENT = "centre-30000"
MAPPING = {
    "fields": {
        "id": {"path": "no"}, "occurred_at": {"path": "at"}, "lat": {"path": "pos.y"}, "lon": {"path": "pos.x"},
        "code": {"path": "what"}, "device_id": {"path": "dev"},
    },
    "codes": {"table": {"press": {"code": "BEL-01"}}, "otherwise": "refuse"},
    "time": {"format": "iso"},
}  # fmt: skip


@pytest.fixture
def town(transactional_db):
    return make_town()


@pytest.fixture
def broker(tmp_path):
    one = Broker(tmp_path).start()
    try:
        yield one
    finally:
        one.stop()


@pytest.fixture
def feed(town, broker):
    return make_system(
        town.municipality, "iot", kind="feed", feed_format="mqtt", endpoint=broker.endpoint, mapping=MAPPING,
        options={"topics": ["city/#"], "client_id": CLIENT}, quiet_limit_s=60,
    )  # fmt: skip


class Collector:
    """A real `manage.py collect` on this test's database."""

    def __init__(self, log):
        self._log = log
        self.start()

    def start(self):
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "collect"], cwd=ROOT, env={**environment(), "OCENTER_LOG_LEVEL": "WARNING"},
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, preexec_fn=die_with_parent(signal.SIGKILL),
            )  # fmt: skip

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()


@pytest.fixture
def collector(feed, tmp_path):
    one = Collector(tmp_path / "collect.log")
    yield one
    one.stop()


def payload(number, at):
    if number % POISON_EVERY == 0:
        return b'{"no": "poison-%d", "what": ' % number
    body = {
        "no": f"m-{number}",
        "what": "press",
        "at": at,
        "dev": f"D-{number}",
        "pos": {"x": 127.38, "y": 36.0 + number * 1e-4},
    }
    return json.dumps(body).encode()


@contextmanager
def sending(broker, count):
    """Publishes in the background; `sent` lists what the broker has confirmed."""
    sent, at = [], timezone.now().isoformat()

    def run():
        with broker.publisher() as publish:
            for number in range(count):
                publish(f"city/district-{number % 5}/bell", payload(number, at))
                sent.append(number)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield sent
    thread.join(60)
    assert len(sent) == count


def left_at_broker(broker):
    """What the broker would still send to our client id."""
    found = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=CLIENT, protocol=paho.MQTTv5)
    client.on_message = lambda _client, _data, message: found.append(message.payload)
    client.connect("127.0.0.1", broker.port, clean_start=False)
    client.loop_start()
    time.sleep(0.5)  # nothing announces that nothing comes
    client.disconnect()
    client.loop_stop()
    return found


def test_a_collector_killed_again_and_again_loses_nothing_and_doubles_nothing(town, broker, feed, collector, capsys):
    dice = random.Random(20261123)
    wait_until(lambda: LinkedSystem.objects.get(pk=feed.pk).last_contact_at, 30, "connecting")
    recoveries = []
    with sending(broker, MESSAGES) as sent:
        for kill in range(1, KILLS + 1):
            goal = MESSAGES * kill // (KILLS + 2)
            wait_until(lambda goal=goal: Event.objects.count() >= goal, 60, f"{goal} events")
            time.sleep(dice.random() * 0.05)  # somewhere between receiving, storing and acknowledging
            collector.kill()
            before, since = Event.objects.count(), time.monotonic()
            collector.start()
            wait_until(lambda before=before: Event.objects.count() > before, 60, "going on")
            recoveries.append(round(time.monotonic() - since, 1))
    good = {f"m-{number}" for number in sent if number % POISON_EVERY}
    wait_until(lambda: Event.objects.count() >= len(good), 60, "all events")
    collector.stop()
    assert set(Event.objects.values_list("source_id", flat=True)) == good
    assert Event.objects.count() == len(good)
    assert Incident.objects.aggregate(all=Sum("event_count"))["all"] == len(good)
    assert not Incident.objects.annotate(held=Count("events")).exclude(held=F("event_count")).exists()
    assert_ledger_is_whole(town)
    assert Quarantined.objects.filter(system=feed, is_document=False).count() == MESSAGES // POISON_EVERY
    assert Event.objects.filter(attributes__mqtt_topic__startswith="city/district-").count() == len(good)
    wait_until(lambda: left_at_broker(broker) == [], 10, "the broker forgetting what was acknowledged")
    with capsys.disabled():
        print(f"\nmqtt: {len(sent)} sent, {len(good)} events, {MESSAGES // POISON_EVERY} quarantined, {KILLS} kills, "
              f"back after {recoveries} s")  # fmt: skip


def test_a_broker_that_is_away_is_seen_and_what_came_meanwhile_arrives(town, broker, feed, collector):
    def word():
        return standings([LinkedSystem.objects.get(pk=feed.pk)])[feed.pk].state

    wait_until(lambda: word() == "ok", 30, "connecting")
    broker.stop()
    wait_until(lambda: word() == "stopped", 20, "noticing")
    assert LinkedSystem.objects.get(pk=feed.pk).last_error
    broker.start()
    with broker.publisher() as publish:
        publish("city/district-1/bell", payload(1, timezone.now().isoformat()))
    wait_until(lambda: Event.objects.filter(source_id="m-1").exists(), 30, "the message")
    wait_until(lambda: word() == "ok", 20, "being well again")
