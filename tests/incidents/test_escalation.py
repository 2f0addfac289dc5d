"""A missed target to acknowledge: to the supervisor, then to the room, each step once, ended by acknowledging."""

from datetime import timedelta

import pytest
from django.utils import timezone

from incidents import escalation
from incidents import operations as op
from incidents.codes import ACK_TARGET
from incidents.models import Change, Incident
from linkage import sweeper
from ocenter.accounts import audit
from ocenter.accounts.models import AuditEntry
from tests.incidents.cast import ago, assert_ledger_is_whole, by, event, kinds, last_change, open_incident, receive
from tests.incidents.processes import Writer, start_nursery


def late(incident, span):
    """Lets the incident's target have passed `span` ago."""
    Incident.objects.filter(pk=incident.pk).update(ack_due_at=timezone.now() - span)
    return incident


def level(incident):
    incident.refresh_from_db()
    return incident.escalation


def steps(incident):
    rows = Change.objects.filter(incident=incident, kind=escalation.KIND).order_by("seq")
    return [(row.body["detail"]["level"], row.body["detail"]["to"]) for row in rows]


@pytest.mark.parametrize("code, grade", [("CRM-01", "G1"), ("BEL-01", "G2"), ("VCA-02", "G3"), ("ORD-01", "G4")])
def test_it_goes_to_the_supervisor_at_the_target_and_to_the_room_at_twice_the_target(town, code, grade):
    target = ACK_TARGET[grade]
    incident = late(open_incident(town, code), timedelta(seconds=-5))
    assert escalation.incidents_escalate() == 0 and level(incident) == 0
    late(incident, timedelta(milliseconds=1))
    assert escalation.incidents_escalate() == 1 and level(incident) == 1
    late(incident, target - timedelta(seconds=5))
    assert escalation.incidents_escalate() == 0 and level(incident) == 1
    late(incident, target)
    assert escalation.incidents_escalate() == 1 and level(incident) == 2
    assert escalation.incidents_escalate() == 0
    assert steps(incident) == [(1, "supervisor"), (2, "room")]
    body = last_change(incident).body
    assert body["actor"]["name"] == "ocenter" and body["detail"]["overdue_s"] == pytest.approx(target.total_seconds(), abs=2)
    assert body["incident"]["escalation"] == 2 and body["incident"]["escalated_at"]
    assert AuditEntry.objects.filter(subject=incident.number, action=escalation.KIND).count() == 2
    assert audit.verify().whole
    assert_ledger_is_whole(town)


def test_a_sweeper_that_was_away_writes_both_steps_at_once(town):
    incident = late(open_incident(town), timedelta(minutes=10))
    escalation.incidents_escalate()
    assert steps(incident) == [(1, "supervisor"), (2, "room")]


def test_acknowledging_ends_it_and_reopening_begins_anew(town):
    incident = late(open_incident(town), timedelta(minutes=10))
    escalation.incidents_escalate()
    answer = op.incident_acknowledge(number=incident.number, by=by(town.kim)).incident
    assert (answer["escalation"], answer["escalated_at"]) == (0, None)
    assert escalation.incidents_escalate() == 0
    op.incident_false_alarm(number=incident.number, by=by(town.kim), reason="FA-01")
    op.incident_reopen(number=incident.number, by=by(town.kim), reason="again")
    assert level(incident) == 0 and escalation.incidents_escalate() == 0
    late(incident, timedelta(seconds=1))
    assert escalation.incidents_escalate() == 1 and steps(incident)[-1] == (1, "supervisor")


@pytest.mark.parametrize("status", ["acked", "verifying", "confirmed", "responding", "resolved", "closed", "cancelled"])
def test_what_somebody_has_taken_up_or_is_over_is_left_alone(town, status):
    late(open_incident(town, "BEL-01", status=status), timedelta(hours=1))
    assert escalation.incidents_escalate() == 0


def test_information_is_for_the_log_and_escalates_never(town):
    incident = open_incident(town, "TRF-5")
    assert incident.ack_due_at is None and escalation.incidents_escalate() == 0


def test_what_lies_on_the_shelf_is_silent_and_comes_back_with_its_whole_target(town):
    incident = open_incident(town, "ORD-01")
    op.incident_shelve(number=incident.number, by=by(town.kim), reason="works", minutes=5)
    late(incident, timedelta(hours=1))
    assert escalation.incidents_escalate() == 0
    op.incident_unshelve(number=incident.number, by=by(town.kim))
    incident.refresh_from_db()
    assert incident.ack_due_at > timezone.now() + ACK_TARGET["G4"] - timedelta(seconds=30)
    assert escalation.incidents_escalate() == 0


def test_shelving_ends_an_escalation(town):
    incident = late(open_incident(town, "VCA-02"), timedelta(seconds=1))
    escalation.incidents_escalate()
    assert op.incident_shelve(number=incident.number, by=by(town.kim), reason="known", minutes=5).incident["escalation"] == 0


def test_what_becomes_more_urgent_before_anybody_looked_wants_it_sooner(town):
    (receipt,) = receive(town, event("ORD-01", id="a", subject="s"))
    receive(town, event("ORD-01", id="b", subject="s", grade="G1"))
    incident = Incident.objects.get(number=receipt.incident)
    assert incident.grade == "G1" and incident.ack_due_at <= timezone.now() + ACK_TARGET["G1"]


def test_the_most_urgent_come_first_where_many_are_late(town, monkeypatch):
    monkeypatch.setattr(escalation, "PER_SWEEP", 1)
    lesser, graver = open_incident(town, "ORD-01"), open_incident(town, "CRM-01")
    Incident.objects.update(ack_due_at=ago(seconds=1))
    assert escalation.incidents_escalate() == 1 and (level(graver), level(lesser)) == (1, 0)
    assert escalation.incidents_escalate() == 1 and level(lesser) == 1


def test_both_towns_are_served_and_each_ledger_tells_its_own(town, other):
    late(open_incident(town), timedelta(seconds=1)), late(open_incident(other), timedelta(seconds=1))
    assert escalation.incidents_escalate() == 2
    assert kinds(town)[-1] == kinds(other)[-1] == escalation.KIND


def test_the_sweeper_has_the_duty():
    assert escalation.incidents_escalate in sweeper._duties


@pytest.mark.django_db(transaction=True)
def test_two_sweepers_and_an_operator_at_once_make_each_step_once_and_none_after_the_acknowledgement(town):
    """Processes of their own race over the same incidents: a step is made once, and acknowledging wins or comes after."""
    incidents = [open_incident(town) for _ in range(12)]
    Incident.objects.update(ack_due_at=ago(minutes=10))
    start_nursery()
    writers = [Writer() for _ in range(3)]
    try:
        for writer in writers[:2]:
            writer.send("escalate", rounds=3)
        writers[2].send("acknowledge", username="kim", numbers=[one.number for one in incidents])
        assert writers[2].result() == ["taken"] * len(incidents)
        for writer in writers[:2]:
            writer.result()
    finally:
        for writer in writers:
            writer.stop()
    for incident in incidents:
        assert steps(incident) in ([], [(1, "supervisor"), (2, "room")])
        assert kinds(incident)[-1] == "incident.acknowledged" and level(incident) == 0
    assert_ledger_is_whole(town)
