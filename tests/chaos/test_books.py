"""The comparison itself can fail: each book is falsified in turn, and the auditor says which invariant broke."""

import copy
import json
import subprocess
import sys

import pytest

from ocenter.soak.clients import Heard
from ocenter.soak.installation import Installation, NotHere
from tests.chaos.room import until
from tests.stack import ROOT

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.fixture
def told(room):
    """Three fires that 119 has, and everybody knows it."""
    room.report(3)
    balance, _ = room.expect_books_agree()
    assert (balance.relays.sent, balance.relays.in_effect) == (3, 3)
    return room


def breaches(room, heard=None):
    return "\n".join(room.auditor.balance(room.log, heard=heard).broken)


def test_a_promise_nobody_kept(told):
    told.log.sent.add("never-stored")
    told.log.answers["never-stored"] = ("accepted", "30000-20261123-9999")
    assert "I1 answered 2xx and not stored" in breaches(told)


def test_an_answer_that_names_another_incident(told):
    first = next(iter(told.log.answers))
    told.log.answers[first] = ("accepted", "30000-20261123-9999")
    assert "I1 answered 2xx and not stored as answered" in breaches(told)


@pytest.mark.parametrize(
    ("falsify", "said"),
    [
        (lambda entries: entries[1:], "I2 a message without effect"),
        (lambda entries: [*entries, entries[0]], "I2 a message with two effects"),
        (lambda entries: [*entries, {**entries[0], "key": "unknown"}], "I2 an effect of no message of ours"),
    ],
)
def test_an_agency_that_knows_less_or_more(told, monkeypatch, falsify, said):
    entries = copy.deepcopy(told.arrived(told.log.incidents()))
    monkeypatch.setattr(told.auditor, "agency", lambda slug: falsify(entries))
    assert said in breaches(told)


def test_messages_that_overtook_each_other(told, monkeypatch):
    number = told.log.incidents()[0]
    told.operator.act(number, "false-alarm", reason="FA-01")
    until(lambda: len(told.arrived([number])) == 2, 20, "the cancel did not arrive")
    told.settle()
    assert breaches(told) == ""
    entries = told.arrived(told.log.incidents())
    monkeypatch.setattr(told.auditor, "agency", lambda slug: entries[::-1])
    assert "messages out of order" in breaches(told)


def test_a_socket_that_missed_or_repeated(told):
    shown = dict.fromkeys(told.log.answers, 0.0)
    assert "I4 a gap" in breaches(told, Heard(gaps=[(4, 4)], event_at=shown))
    assert "I4 rows twice" in breaches(told, Heard(twice=1, event_at=shown))
    assert "I4 events the socket never showed" in breaches(told, Heard(snapshots=1))


def test_soak_breaks_a_running_city_and_puts_it_back(room):
    where = "SELECT endpoint, allowed_network FROM linkage_linkedsystem ORDER BY id"
    before = room.rows(where)
    command = [sys.executable, "manage.py", "soak", "--minutes", "0.01", "--scale", "0.1", "--markdown"]
    done = subprocess.run(
        [*command, "--data-dir", str(room.stack.data_dir), "--only", "answers lost"],
        cwd=ROOT, env=room.stack.environment(), capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| agency: answers lost, 30 % | I2, I6 |" in done.stdout
    assert room.rows(where) == before


def test_soak_takes_no_installation_off_this_machine(tmp_path):
    with pytest.raises(NotHere, match="no installation"):
        Installation.running_in(tmp_path)
    (tmp_path / "running.json").write_text(json.dumps({"base_url": "http://192.0.2.1:8000"}))
    (tmp_path / "demo.json").write_text(json.dumps({"agencies_url": "http://192.0.2.1:8100"}))
    with pytest.raises(NotHere, match="not on the loopback"):
        Installation.running_in(tmp_path)
