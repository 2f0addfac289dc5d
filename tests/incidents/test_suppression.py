"""Suppressed sources: put aside and never dropped, G1 and G2 never, ended by time or by hand, told in ledger and audit."""

from datetime import timedelta

import pytest
from django.utils import timezone

from incidents import operations as op
from incidents import suppression
from incidents.models import Change, Event, Incident, Suppression
from incidents.work import Invalid
from linkage import sweeper
from ocenter.accounts import audit
from ocenter.accounts.models import AuditEntry
from tests.incidents.cast import METRE, ago, assert_ledger_is_whole, by, event, kinds, last_change, receive


def suppress(town, device="S-1", system="sensors", minutes=60, reason="broken contact", who=None):
    return suppression.source_suppress(
        municipality=town.municipality, by=by(who or town.park), system=system, device_id=device, reason=reason, minutes=minutes
    )


def reported(town, code="VCA-02", device="S-1", system=None, **more):
    (receipt,) = receive(town, event(code, device_id=device, **more), system=system or town.sensors)
    return Incident.objects.get(number=receipt.incident)


def test_what_it_opens_opens_shelved_with_reason_and_who(town):
    pk = suppress(town)
    incident = reported(town)
    opened = last_change(incident)
    assert opened.kind == "incident.opened" and Event.objects.filter(incident=incident).count() == 1
    body = opened.body["incident"]
    assert body["shelf"] == {"by": {"username": "park", "name": "park"}, "reason": "broken contact", "suppression": pk}
    assert body["shelved_until"] == Suppression.objects.get().until.isoformat()
    assert_ledger_is_whole(town)


@pytest.mark.parametrize("code, grade", [("CRM-01", None), ("BEL-01", None), ("VCA-02", "G2"), ("VCA-02", "G1"), ("BEL-01", "G4")])
def test_g1_and_g2_are_never_suppressed_neither_by_code_nor_by_grade(town, code, grade):
    suppress(town, device="")
    assert reported(town, code, **({"grade": grade} if grade else {})).shelved_until is None


def test_other_devices_systems_and_towns_are_untouched(town, other):
    suppress(town)
    assert reported(town, device="S-2").shelved_until is None
    assert reported(town, system=town.bells, north_m=2_000).shelved_until is None
    assert reported(other, north_m=4_000).shelved_until is None


def test_without_a_device_the_whole_system_is_meant(town):
    suppress(town, device="")
    assert reported(town, device="S-9").shelved_until and reported(town, device="", north_m=2_000).shelved_until


def test_more_of_it_joins_on_the_shelf_and_another_source_brings_it_back(town):
    suppress(town)
    incident = reported(town)
    assert reported(town).pk == incident.pk
    assert last_change(incident).kind == "incident.joined" and last_change(incident).body["incident"]["shelved_until"]
    assert reported(town, system=town.bells, device="B-1").pk == incident.pk
    body = last_change(incident).body["incident"]
    assert body["shelved_until"] is None and body["shelf"] is None


def test_a_later_report_of_its_subject_that_raises_it_brings_it_back(town):
    suppress(town)
    incident = reported(town, subject="s")
    reported(town, subject="s")
    incident.refresh_from_db()
    assert incident.shelved_until
    reported(town, subject="s", grade="G1")
    incident.refresh_from_db()
    assert incident.grade == "G1" and incident.shelved_until is None and incident.suppression_id is None


def test_ending_by_hand_brings_back_what_it_holds_with_its_whole_target(town):
    pk = suppress(town)
    held, taken = reported(town), reported(town, north_m=3_000)
    op.incident_acknowledge(number=taken.number, by=by(town.kim))
    suppression.suppression_end(pk=pk, by=by(town.park))
    held.refresh_from_db()
    assert held.shelved_until is None and held.suppression_id is None and held.ack_due_at > timezone.now()
    assert last_change(held).body["detail"] == {"because": "suppression"}
    assert kinds(taken)[-1] == "incident.acknowledged", "what came back by itself is not brought back twice"
    assert reported(town, north_m=6_000).shelved_until is None
    with pytest.raises(suppression.AlreadyOver):
        suppression.suppression_end(pk=pk, by=by(town.park))
    assert_ledger_is_whole(town)


def test_it_ends_by_time_and_brings_back_once(town):
    pk = suppress(town)
    incident = reported(town)
    Suppression.objects.update(until=ago(seconds=1))
    Incident.objects.update(shelved_until=ago(seconds=1))
    assert reported(town, north_m=3_000).shelved_until is None, "its time is over, whether or not the sweeper has been"
    assert suppression.suppressions_expire() == 1 and suppression.suppressions_expire() == 0
    assert op.incidents_return_from_shelf() == 0
    incident.refresh_from_db()
    ended = Suppression.objects.get(pk=pk)
    assert incident.shelved_until is None and ended.ending == "time" and ended.ended_at


def test_beginning_and_ending_are_told_in_the_ledger_and_the_audit_chain(town):
    pk = suppress(town)
    suppression.suppression_end(pk=pk, by=by(town.park))
    began, ended = Change.objects.order_by("seq")
    assert (began.kind, ended.kind, began.incident, began.body["incident"]) == ("suppression.began", "suppression.ended", None, None)
    assert began.body["detail"]["device_id"] == "S-1" and began.body["actor"]["name"] == "park"
    assert ended.body["detail"]["because"] == "hand"
    assert AuditEntry.objects.filter(action__startswith="suppression.", actor="user:park", subject="source:sensors S-1").count() == 2
    assert audit.verify().whole
    assert_ledger_is_whole(town)


@pytest.mark.parametrize(
    "change, field",
    [
        ({"system": "nothing"}, "system"), ({"reason": " "}, "reason"), ({"reason": "x" * 301}, "reason"), ({"minutes": 481}, "minutes"),
        ({"minutes": 0}, "minutes"), ({"device": "x" * 121}, "device_id"), ({"reason": "a\0b"}, "reason"),
    ],
)  # fmt: skip
def test_it_is_refused_by_field(town, change, field):
    with pytest.raises(Invalid) as refusal:
        suppress(town, **change)
    assert refusal.value.field == field and not Suppression.objects.exists()


def test_eight_hours_is_the_most_and_suppressing_twice_is_refused(town):
    suppress(town, minutes=480)
    with pytest.raises(Invalid):
        suppress(town)
    assert Suppression.objects.get().until <= timezone.now() + timedelta(hours=8)


def test_another_towns_system_is_unknown(town, other):
    other.sensors.slug = "theirs"
    other.sensors.save()
    with pytest.raises(Invalid):
        suppress(town, system="theirs")


def test_the_sweeper_has_the_duty():
    assert suppression.suppressions_expire in sweeper._duties


@pytest.mark.django_db(transaction=True)
def test_ended_while_an_intake_runs_nothing_stays_aside_without_a_reason(town):
    """The intake holds its transaction open over a suppressed event; ending waits for it and brings back what it opened."""
    import threading

    from django.db import connection

    from tests.incidents.processes import Writer, start_nursery

    pk = suppress(town)
    start_nursery()
    writer = Writer()
    try:
        writer.send("hold", system=town.sensors.pk, batch=[event("VCA-02", device_id="S-1", lat=36.3 + 50 * METRE)])
        assert writer.hear() == "held"

        def end():
            try:
                suppression.suppression_end(pk=pk, by=by(town.park))
            finally:
                connection.close()

        ending = threading.Thread(target=end)
        ending.start()
        ending.join(0.3)
        assert ending.is_alive(), "it must wait for the intake"
        writer._talk.send("go")
        assert writer.result() == "committed"
        ending.join(20)
        assert not ending.is_alive()
    finally:
        writer.stop()
    incident = Incident.objects.get()
    assert incident.shelved_until is None and incident.suppression_id is None
    assert kinds(incident) == ["incident.opened", "incident.unshelved"]
    assert_ledger_is_whole(town)
