"""The whole of ocenter beside the public UCRI2 reference server: a relay there and back, and kill -9 on the way.

Skipped where `OCENTER_UCRI2_SOURCE` names no checkout of the server (see `ucri2_reference.py`). Where
`OCENTER_UCRI2_LOG` names a file, the first test writes there what happened, the server's own log included.
"""

import json
import os
import random
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ocenter.soak.books import Auditor
from ocenter.soak.clients import Operator, event_apart, fetch
from tests.linkage.ucri2_reference import checkout, reference
from tests.linkage.ucri2_wires import OURS, PASSWORD, THEIRS, PartnerClient, data_of
from tests.linkage.wires import eventually
from tests.stack import ROOT, Stack

pytestmark = [pytest.mark.live, pytest.mark.slow]
SLUG = "control-room"
KILLED_RELAYS = 30
KILLING_SECONDS = 15
SETUP = """
from linkage.models import LinkedSystem
from ocenter.accounts.models import Municipality
LinkedSystem.objects.create(
    municipality=Municipality.objects.get(code=%r), slug=%r, kind="agency", name_ko="이웃 상황실",
    name_en="Neighbouring control room", phone="042-000-0000", transport="ucri2",
    endpoint=%r, callback_base_url=%r, options=%r)
"""


@pytest.fixture(scope="module")
def ucrm(tmp_path_factory):
    with reference(tmp_path_factory.mktemp("ucrm")) as one:
        yield one


@pytest.fixture(scope="module")
def town(ucrm, tmp_path_factory):
    """The demo city with one more agency: a control room behind the reference server."""
    checkout()
    stack = Stack(OCENTER_CITY_RATE="0", OCENTER_AGENCIES_SPEED="20")
    try:
        stack.start()
        options = {"own_oid": OURS, "partner_oid": THEIRS, "username": "ocenter"}
        manage(stack, "shell", "-c", SETUP % (stack.demo["municipality"], SLUG, ucrm.base, stack.base_url, options))
        key = tmp_path_factory.mktemp("key") / "key.json"
        key.write_text(json.dumps(ucrm.keys[OURS].jwk(private=True)))
        manage(stack, "ucri2_credentials", SLUG, "--key", str(key), typed=PASSWORD + "\n")
        eventually(lambda: "messaging/receive" in ucrm.says(), seconds=45, what="the collector does not listen")
        yield stack
    finally:
        stack.remove()


@pytest.fixture
def books(town):
    auditor = Auditor(town)
    yield auditor
    auditor.close()


def manage(stack, *arguments, typed=""):
    environment = {**stack.environment(), "OCENTER_DATABASE_URL": stack.database_url}
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, input=typed, text=True,
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def relayed(town, operator, mark):
    """An event comes in and the operator relays it; the incident's number."""
    event = {**event_apart(mark, "RES-01"), "summary": "승강기에 사람이 갇힘", "address": "대전 서구 둔산로 100"}
    headers = {"Authorization": f"Bearer {town.demo['keys']['feed']}", "Content-Type": "application/json"}
    url = f"{town.base_url}/api/v1/events"
    number = fetch(urllib.request.Request(url, json.dumps(event).encode(), headers))["results"][0]["incident"]
    operator.act(number, "relay", agency=SLUG)
    return number


def state_of(books, number):
    rows = books.rows(
        "SELECT r.state FROM linkage_relay r JOIN linkage_linkedsystem s ON s.id = r.system_id"
        " WHERE r.subject = %s AND s.slug = %s", number, SLUG,
    )  # fmt: skip
    return rows[0][0] if rows else None


def ledger_of(books, number):
    """The ledger's rows of the incident, in order: when and what."""
    return books.rows(
        "SELECT c.at, c.kind, c.body->'detail' FROM incidents_change c JOIN incidents_incident i ON i.id = c.incident_id"
        " WHERE i.number = %s ORDER BY c.seq", number,
    )  # fmt: skip


class ControlRoom:
    """The partner's side: takes every incident once by its `messageId`, accepts it, completes it. `seen` counts the
    arrivals of each; `said` what it did, with the time."""

    def __init__(self, ucrm, pause_s=0.0):
        self._client = PartnerClient(ucrm.base, THEIRS, "partner", key=ucrm.keys[THEIRS])
        self._pause_s, self._over = pause_s, threading.Event()
        self.seen, self.said = {}, []
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(10)

    def _work(self):
        while not self._over.wait(0.1):
            for envelope in self._client.receive():
                self._take(envelope)
                self._client.commit(envelope["sequenceId"])

    def _take(self, envelope):
        key, data = envelope["messageId"], data_of(envelope)
        self.seen[key] = self.seen.get(key, 0) + 1
        if self.seen[key] > 1 or envelope["payload"]["schemaId"] != "incident":
            return
        self._note(f"received incident {data['internalId']}, messageId {key}, sequenceId {envelope['sequenceId']}")
        time.sleep(self._pause_s)
        sent = self._client.acknowledge(OURS, data["sharedIncidentId"], cause="Einsatz F-99 eröffnet")
        self._note(f"sent acknowledgement (accepted), messageId {sent['messageId']}")
        time.sleep(self._pause_s)
        sent = self._client.complete(OURS, data["sharedIncidentId"], additionalInformation="Person befreit")
        self._note(f"sent completion (completed_sucessfully), messageId {sent['messageId']}")

    def _note(self, text):
        self.said.append((datetime.now(UTC), "partner", text))


def test_a_relay_there_and_back(town, ucrm, books):
    begin = len(ucrm.says())
    with ControlRoom(ucrm, pause_s=1.5) as partner:
        number = relayed(town, Operator(town).sign_in(), uuid.uuid4().hex[:6])
        eventually(lambda: state_of(books, number) == "accepted", seconds=20)
        eventually(lambda: state_of(books, number) == "closed", seconds=20)

    rows = ledger_of(books, number)
    kinds = [kind for _, kind, _ in rows if kind.startswith("relay.")]
    assert kinds == ["relay.requested", "relay.sent", "relay.accepted", "relay.closed"]
    assert list(partner.seen.values()) == [1]
    ours = [(at, "ocenter", f"ledger: {kind} {json.dumps(detail, ensure_ascii=False)}") for at, kind, detail in rows]
    write_story([*ours, *partner.said], ucrm.says()[begin:])


def write_story(steps, server_log):
    lines = [f"{at.astimezone(UTC):%H:%M:%S.%f}"[:-3] + f"  {who:8} {text}" for at, who, text in sorted(steps)]
    write_on("\n".join(["What happened, by both clients' clocks (UTC):", "", *lines, "", "The server's own log:", "", server_log]))


def write_on(text):
    """Adds to the file that `OCENTER_UCRI2_LOG` names, if it does."""
    if name := os.environ.get("OCENTER_UCRI2_LOG"):
        with Path(name).open("a") as file:
            file.write(text + "\n\n")


def test_killed_on_the_way_nothing_is_lost_and_nothing_counts_twice(town, ucrm, books):
    """kill -9 of the collector between receiving and committing, and of the worker between sending and settling."""
    operator, mark = Operator(town).sign_in(), uuid.uuid4().hex[:6]
    over, killed = threading.Event(), []

    def killing():
        """Now and then early, so that they die while starting, mostly once they are at work again."""
        while not over.wait(random.choice([0.2, 2.5, 4.0])):
            for name in ("collector", "worker"):
                with suppress(KeyError, ProcessLookupError):
                    town.kill(name)
                    killed.append(name)

    killer = threading.Thread(target=killing, daemon=True)
    with ControlRoom(ucrm) as partner:
        killer.start()
        numbers = [relayed(town, operator, mark) for _ in range(KILLED_RELAYS)]
        time.sleep(KILLING_SECONDS)
        over.set()
        killer.join()
        states = eventually(lambda: (all_closed := _closed(books, numbers)) and all_closed, seconds=60)

    assert states == KILLED_RELAYS and len(partner.seen) == KILLED_RELAYS
    for number in numbers:
        kinds = [kind for _, kind, _ in ledger_of(books, number)]
        assert [kinds.count(one) for one in ("relay.requested", "relay.closed")] == [1, 1], kinds
        assert kinds.count("relay.accepted") == 1, kinds
    eventually(town.whole, seconds=60)
    write_on(
        f"{KILLED_RELAYS} relays through the reference server while kill -9 took the collector"
        f" {killed.count('collector')} and the worker {killed.count('worker')} times: the partner received"
        f" {sum(partner.seen.values())} envelopes with {len(partner.seen)} ids, answered each id once;"
        f" {states} relays closed, each with one relay.accepted and one relay.closed row in the ledger."
    )


def _closed(books, numbers):
    found = sum(state_of(books, one) == "closed" for one in numbers)
    return found if found == len(numbers) else 0
