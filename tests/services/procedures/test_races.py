"""A closing and the marking of a step at the same moment: one waits for the other, and neither is lost."""

import threading
import time

import pytest
from django.db import connection, transaction

from incidents import operations as op
from incidents.operations import NotAllowedNow
from services.procedures import operations as sop
from services.procedures.models import StepMark
from tests.incidents.cast import assert_ledger_is_whole, by, kinds, make_town, open_incident


@pytest.fixture
def town(transactional_db):
    return make_town(procedures=True)


def confirmed(town):
    incident = open_incident(town)
    for act in (op.incident_acknowledge, op.incident_confirm):
        act(number=incident.number, by=by(town.kim))
    return incident


def meanwhile(deed):
    """Runs `deed` on a connection of its own; its outcome is in the list once the thread has ended."""
    outcome = []

    def run():
        try:
            outcome.append(deed())
        except Exception as error:
            outcome.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def wait_until_somebody_waits():
    """Until another connection waits for a lock that this one holds."""
    deadline = time.monotonic() + 20
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waited")


def test_a_closing_waits_for_the_step_being_marked_and_then_closes(town):
    incident = confirmed(town)
    with transaction.atomic():
        sop.step_choose(number=incident.number, step="police", choice="none", by=by(town.lee))
        thread, outcome = meanwhile(lambda: op.incident_close(number=incident.number, by=by(town.kim), result_code="RC-01"))
        wait_until_somebody_waits()
    thread.join()
    assert outcome[0].incident["status"] == "closed"
    assert kinds(incident)[-2:] == ["procedure.step_chosen", "incident.closed"]
    assert_ledger_is_whole(town)


def test_a_step_taken_back_while_closing_waits_keeps_it_open(town):
    incident = confirmed(town)
    sop.step_choose(number=incident.number, step="police", choice="none", by=by(town.lee))
    with transaction.atomic():
        sop.step_undo(number=incident.number, step="police", by=by(town.lee))
        thread, outcome = meanwhile(lambda: op.incident_close(number=incident.number, by=by(town.kim), result_code="RC-01"))
        wait_until_somebody_waits()
    thread.join()
    assert isinstance(outcome[0], NotAllowedNow) and outcome[0].more["open_steps"][0]["id"] == "police"


def test_a_mark_after_the_closing_is_refused(town):
    incident = confirmed(town)
    sop.step_choose(number=incident.number, step="police", choice="none", by=by(town.lee))
    with transaction.atomic():
        op.incident_close(number=incident.number, by=by(town.kim), result_code="RC-01")
        thread, outcome = meanwhile(lambda: sop.step_do(number=incident.number, step="cameras", by=by(town.lee)))
        wait_until_somebody_waits()
    thread.join()
    assert isinstance(outcome[0], NotAllowedNow) and outcome[0].incident.status == "closed"


def test_two_who_mark_one_step_make_one_mark(town):
    incident = confirmed(town)
    with transaction.atomic():
        sop.step_skip(number=incident.number, step="police", reason="x", by=by(town.lee))
        thread, outcome = meanwhile(lambda: sop.step_skip(number=incident.number, step="police", reason="y", by=by(town.kim)))
        wait_until_somebody_waits()
    thread.join()
    assert isinstance(outcome[0], NotAllowedNow) and "lee" in outcome[0].detail
    assert StepMark.objects.count() == 1
