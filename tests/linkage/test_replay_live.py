"""Recordings through the real intake: every whole row an event, fires at the simulated 119, nothing twice."""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psycopg2
import pytest

from tests.stack import ROOT, Stack

pytestmark = pytest.mark.live

DATA = ROOT.parent / "shared" / "data"
CALLS = 400
ARRIVAL_SECONDS = 30


def replay(stack: Stack, *args: object) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "manage.py", "replay", *map(str, args)],
        cwd=ROOT, env=stack.environment(), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def events_of(stack: Stack, code: str, system: str) -> int:
    url = json.loads((stack.data_dir / "running.json").read_text())["environment"]["OCENTER_DATABASE_URL"]
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM incidents_event e JOIN linkage_linkedsystem s ON s.id = e.system_id "
                "JOIN accounts_municipality m ON m.id = e.municipality_id WHERE m.code = %s AND s.slug = %s",
                [code, system],
            )
            return cursor.fetchone()[0]
    finally:
        connection.close()


def real(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the sample file {name} is not beside the repository")
    return path


def test_its_events_arrive_once_however_often_they_are_played(live_stack):
    path = real("kr_its_events_daejeon_2022.json")
    status, out = replay(live_stack, path, "--speed", "0")
    assert status == 0 and "sent 11, accepted 11, duplicates 0, rejected 0" in out, out
    status, out = replay(live_stack, path, "--speed", "0")
    assert status == 0 and "sent 11, accepted 0, duplicates 11, rejected 0" in out, out
    assert events_of(live_stack, "30000", "traffic") == 11


def test_911_calls_get_a_county_and_its_fires_reach_the_simulated_119(live_stack, tmp_path):
    lines = real("us_911_montgomery_2015.csv").read_text().splitlines(keepends=True)
    path = tmp_path / "911.csv"
    path.write_text("".join([*lines[: CALLS + 1], lines[-1]]))
    status, out = replay(live_stack, path, "--speed", "0")
    assert status == 0, out
    assert f"sent {CALLS}, accepted {CALLS}, duplicates 0, rejected 0" in out
    assert f"bad row, line {CALLS + 2}: cut off: 6 of 9 cells" in out
    assert events_of(live_stack, "US-MONT", "dispatch911") == CALLS
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while not _fires_at_119(live_stack):
        assert time.monotonic() < deadline, "no fire of the county has reached the simulated 119"
        time.sleep(0.2)


def _fires_at_119(stack: Stack) -> int:
    with urllib.request.urlopen(f"{stack.agencies_url}/fire119/ledger", timeout=5) as answer:
        entries = json.load(answer)["entries"]
    return sum(entry["incident"].startswith("US-MONT") for entry in entries)
