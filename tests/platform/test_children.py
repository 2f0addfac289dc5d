"""Children are brought back with back-off and stopped in order."""

import json
import os
import subprocess
import sys
import time

import pytest

from ocenter.children import Child, Family, ending
from ocenter.embedded.processes import spawn
from ocenter.embedded.state import process_started_at

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]


def until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def family():
    said = []
    family = Family(say=said.append)
    family.said = said
    yield family
    family.stop({child.name for child in family.children}, patience_s=0.1)


def test_a_killed_child_is_started_again(family):
    child = family.add(Child("sleeper", lambda: spawn(SLEEPER, log=subprocess.DEVNULL)))
    child.start()
    old = child.process.pid
    child.process.kill()
    child.process.wait()
    until(lambda: family.look_after() and child.alive)
    assert child.process.pid != old
    assert family.said == ["sleeper was ended by SIGKILL; starting it again in 0.5 s"]


def test_one_that_keeps_dying_is_started_ever_more_seldom():
    child = Child("dying", lambda: None)
    child.started_at = time.monotonic()
    assert [child.delay_after_death() for _ in range(7)] == [0.5, 1, 2, 4, 8, 15, 15]


def test_one_that_has_lived_is_started_quickly_again():
    child = Child("proven", lambda: None)
    child.failures, child.started_at = 5, time.monotonic() - 60
    assert child.delay_after_death() == 0.5


def test_stopping_kills_whoever_ignores_the_request(family):
    reader, writer = os.pipe()
    child = family.add(Child("stubborn", lambda: spawn(STUBBORN, log=writer)))
    child.start()
    assert os.read(reader, 10)  # it ignores SIGTERM from here on
    started = time.monotonic()
    family.stop({"stubborn"}, patience_s=0.3)
    assert not child.alive
    assert time.monotonic() - started < 3
    assert "was killed" in family.said[-1]


def test_children_die_with_a_parent_that_is_killed(tmp_path):
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import json, subprocess, sys, time\n"
            "from ocenter.embedded.processes import spawn\n"
            f"child = spawn({SLEEPER!r}, log=subprocess.DEVNULL)\n"
            "print(json.dumps(child.pid), flush=True)\n"
            "time.sleep(60)\n",
        ],
        stdout=subprocess.PIPE,
    )
    pid = json.loads(parent.stdout.readline())
    assert process_started_at(pid) is not None
    parent.kill()
    parent.wait()
    until(lambda: process_started_at(pid) is None)


def test_an_ending_is_told_in_words():
    assert ending(3) == "ended with code 3"
    assert ending(-9) == "was ended by SIGKILL"
