"""`manage.py up`: real processes, killed and counted from outside."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from ocenter.embedded.state import process_started_at
from tests.stack import ROOT, Stack

pytestmark = [pytest.mark.live, pytest.mark.slow]

PROGRAMS = {"postgres", "redis", "web-1", "web-2", "worker", "sweeper", "collector", "video", "beat"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    one = Stack(OCENTER_DEMO="0")
    try:
        yield one.start()
    finally:
        one.remove()


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def up(stack, **environment):
    return subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env=stack.environment() | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_every_process_runs_and_logs_to_its_file(stack):
    assert set(stack.pids()) == PROGRAMS | {"supervisor"}
    for name in PROGRAMS:
        assert (stack.data_dir / "log" / f"{name}.log").exists(), name


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_killed_process_is_brought_back_and_the_whole_is_ready_again(stack, name):
    old = stack.kill(name)
    stack.wait_for_restart(name, old)
    until(stack.ready, 30)
    assert f"{name} was ended by SIGKILL" in (stack.data_dir / "up.log").read_text()


def test_one_dead_web_process_interrupts_nobody(stack):
    old = stack.kill("web-1")
    for _ in range(20):
        until(lambda: stack.get("/healthz")[0] == 200, 2)  # a request the dead one held may break, the next works
    stack.wait_for_restart("web-1", old)


def test_readyz_names_a_bell_that_hangs(stack):
    pid = stack.pids()["redis"]
    os.kill(pid, signal.SIGSTOP)
    try:
        status, body = stack.get("/readyz")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert status == 503
    assert "Redis does not answer" in body["checks"]["bell"]["reason"]
    assert body["checks"]["database"]["ok"]
    until(stack.ready)


def test_no_answer_waits_for_an_acknowledgement(stack):
    """With Nagle's algorithm on, each answer takes forty milliseconds at the very least."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=5)
    seconds = []
    for _ in range(30):
        started = time.monotonic()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        seconds.append(time.monotonic() - started)
    assert min(seconds) < 0.035


def test_machines_take_the_short_way_and_are_refused_without_a_key(stack):
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=5)
    connection.request("POST", "/api/v1/events", "[]", {"X-Request-ID": "machine-1"})
    answer = connection.getresponse()
    assert answer.status == 401
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.headers["X-Request-ID"] == "machine-1"
    assert "Content-Security-Policy" not in answer.headers


def test_static_files_are_served_whole_with_their_type(stack):
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=5)
    connection.request("GET", "/static/vendor/leaflet/leaflet.css")
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/css")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert b".leaflet-container" in body
    connection.request(
        "GET", "/static/vendor/leaflet/leaflet.css", headers={"If-Modified-Since": answer.headers["Last-Modified"]}
    )
    assert connection.getresponse().status == 304
    assert "StreamingHttpResponse" not in stack.log("web-1") + stack.log("web-2")


def test_a_second_start_on_the_same_data_says_who_holds_it(stack):
    done = up(stack)
    assert done.returncode == 1
    assert f"already runs on {stack.data_dir} (process {stack.process.pid}, {stack.base_url})" in done.stdout
    assert stack.ready()


def test_a_port_in_use_is_named(stack, tmp_path):
    done = up(stack, OCENTER_DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert f"Port {stack.port} cannot be used" in done.stdout
    assert "OCENTER_PORT=" in done.stdout


def test_commands_find_the_running_database_by_themselves(stack):
    code = "from ocenter.health import check_database, check_bell; check_database(); check_bell(); print('found')"
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", code],
        cwd=ROOT,
        env=stack.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip().endswith("found"), done.stderr


def test_it_stops_within_ten_seconds_and_leaves_nobody():
    one = Stack(OCENTER_DEMO="0")
    try:
        one.start()
        one.kill("worker")  # stopping while something is down must work too
        born = {pid: process_started_at(pid) for pid in one.pids().values()}
        assert one.stop() < 10
        assert one.process.returncode == 0
        assert {pid for pid, at in born.items() if at and process_started_at(pid) == at} == set()
        assert one.pids() == {}
    finally:
        one.remove()


def test_children_end_with_a_killed_supervisor_and_the_next_start_works():
    one = Stack(OCENTER_DEMO="0")
    try:
        one.start()
        born = {pid: process_started_at(pid) for pid in one.pids().values()}
        one.process.kill()
        one.process.wait()
        until(lambda: not [pid for pid, at in born.items() if process_started_at(pid) == at], 10)
        one.start()
        assert one.ready()
    finally:
        one.remove()
