"""Ten thousand events from four processes, one web process killed half-way: nothing lost, nothing twice, no hole."""

import json
import subprocess
import sys
import time

import pytest

from tests.chaos.room import until
from tests.stack import ROOT

pytestmark = [pytest.mark.live, pytest.mark.slow]

SENDERS, EVENTS_EACH = 4, 2_500
TOTAL = SENDERS * EVENTS_EACH


def stored(room):
    return room.value("SELECT count(*) FROM incidents_event WHERE source_id LIKE %s", f"{room.mark}-%")


def send_all(room, half_way):
    """Runs the senders; `half_way` is called once half of the events are in the database."""
    key = room.stack.demo["keys"]["feed"]
    senders = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.sender", room.stack.base_url, key, f"{room.mark}-{n}", str(EVENTS_EACH)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )
        for n in range(SENDERS)
    ]  # fmt: skip
    try:
        until(lambda: stored(room) >= TOTAL / 2, 150, "the senders are too slow")
        half_way()
        said = [json.loads(one.communicate(timeout=150)[0]) for one in senders]
    finally:
        for one in senders:
            one.kill()
    assert all(one.returncode == 0 for one in senders)
    return said


def test_a_web_process_is_killed_half_way_through_ten_thousand_events(room, figures):
    before = room.value("SELECT count(*) FROM incidents_change")
    started, killed = time.monotonic(), []
    said = send_all(room, lambda: killed.append(room.kill("web-1")))
    took = time.monotonic() - started
    answers = {source_id: answer for one in said for source_id, answer in one["answers"].items()}
    in_database = dict(
        room.rows(
            "SELECT e.source_id, i.number FROM incidents_event e JOIN incidents_incident i ON i.id = e.incident_id "
            "WHERE e.source_id LIKE %s", f"{room.mark}-%",
        )
    )  # fmt: skip
    assert len(answers) == TOTAL
    assert {status for status, _ in answers.values()} <= {"accepted", "duplicate"}
    assert {source_id: incident for source_id, (_, incident) in answers.items()} == in_database
    assert stored(room) == TOTAL
    expect_whole_ledger(room)
    expect_each_event_in_one_ledger_row(room)
    room.stack.wait_for_restart("web-1", killed[0])
    duplicates = sum(status == "duplicate" for status, _ in answers.values())
    figures(
        f"10,000 events, {SENDERS} senders, web killed -9 half-way: {len(answers)} answered, {stored(room)} in the "
        f"database, {room.value('SELECT count(*) FROM incidents_change') - before} ledger rows without a hole; "
        f"{sum(one['again'] for one in said)} batches sent again, {duplicates} events known already; "
        f"{took:.1f} s = {TOTAL / took:.0f} events/s"
    )


def expect_whole_ledger(room):
    """1, 2, 3 … up to the head, for every municipality."""
    holes = room.rows(
        "SELECT h.municipality_id, h.seq, count(c.*), min(c.seq), max(c.seq) FROM incidents_ledgerhead h "
        "LEFT JOIN incidents_change c USING (municipality_id) GROUP BY 1, 2 "
        "HAVING count(c.*) <> h.seq OR max(c.seq) <> h.seq OR min(c.seq) <> 1"
    )
    assert [row for row in holes if row[1]] == []


def expect_each_event_in_one_ledger_row(room):
    """What the ledger says came in is what came in, and every incident counts its events rightly."""
    told = room.rows(
        "SELECT event->>'id', count(*) FROM incidents_change c, jsonb_array_elements(c.body->'detail'->'events') event "
        "WHERE c.kind IN ('incident.opened', 'incident.joined') AND event->>'id' LIKE %s GROUP BY 1", f"{room.mark}-%",
    )  # fmt: skip
    assert len(told) == TOTAL
    assert {count for _, count in told} == {1}
    wrong = room.rows(
        "SELECT i.number FROM incidents_incident i JOIN incidents_event e ON e.incident_id = i.id "
        "WHERE i.id IN (SELECT incident_id FROM incidents_event WHERE source_id LIKE %s) "
        "GROUP BY i.id HAVING count(*) <> i.event_count", f"{room.mark}-%",
    )  # fmt: skip
    assert wrong == []
