"""What operators do: each action's success, its guards, what it tells agencies, and how it repeats."""


import pytest
from django.utils import timezone

from incidents import operations as op
from incidents import regrouping
from incidents.models import Change, Incident
from incidents.operations import Invalid, NotAllowedNow
from incidents.relaying import compose
from incidents.reports import understand
from linkage.models import Delivery, Relay
from ocenter.accounts import audit
from ocenter.accounts.models import AuditEntry
from tests.accounts.cast import make_user
from tests.incidents.cast import (
    ago,
    assert_ledger_is_whole,
    by,
    event,
    hear,
    kinds,
    last_change,
    open_incident,
    receive,
)


def relay_to(town, incident, agency=None, user=None, **more):
    request = compose(incident, agency or town.police, **more)
    op.incident_relay(number=incident.number, by=by(user or town.kim), request=request)
    return Relay.objects.get(subject=incident.number, system=agency or town.police)


def confirmed(town, code="CRM-02"):
    incident = open_incident(town, code)
    op.incident_acknowledge(number=incident.number, by=by(town.kim))
    op.incident_confirm(number=incident.number, by=by(town.kim))
    incident.refresh_from_db()
    return incident


def close(town, incident, user=None, **more):
    return op.incident_close(number=incident.number, by=by(user or town.kim), **{"result_code": "RC-01", **more})


def test_the_ordinary_life_from_bell_to_close(town):
    incident = open_incident(town)
    caller = {"number": incident.number, "by": by(town.kim)}
    for operation in (op.incident_acknowledge, op.incident_verify, op.incident_confirm, op.incident_respond):
        operation(**caller)
    op.incident_resolve(**caller, note="quiet again")
    result = op.incident_close(**caller, result_code="RC-05", note="nothing")
    assert kinds(incident) == [
        "incident.opened", "incident.acknowledged", "incident.verifying", "incident.confirmed",
        "incident.responding", "incident.resolved", "incident.closed",
    ]  # fmt: skip
    assert result.incident["status"] == "closed" and result.incident["result_code"] == "RC-05"
    assert result.incident["closed_at"] and result.incident["holder"]["username"] == "kim"
    assert result.seq == result.incident["version"] == last_change(incident).seq
    assert last_change(incident).body["detail"] == {
        "from": "resolved", "to": "closed", "result_code": "RC-05", "note": "nothing",
    }  # fmt: skip
    assert_ledger_is_whole(town)
    assert audit.verify().whole and AuditEntry.objects.filter(subject=incident.number).count() == 6


def test_a_result_is_the_incident_as_the_last_row_and_a_fresh_reading_have_it(town):
    result = op.incident_acknowledge(number=open_incident(town).number, by=by(town.kim))
    assert result.incident == Change.objects.get(seq=result.seq).body["incident"]


def test_an_unknown_incident_is_said_to_be_unknown(town):
    with pytest.raises(Incident.DoesNotExist):
        op.incident_acknowledge(number="30000-20200101-0001", by=by(town.kim))


def test_acknowledging_names_the_holder(town):
    result = op.incident_acknowledge(number=open_incident(town).number, by=by(town.lee))
    assert result.incident["holder"] == {"username": "lee", "name": "lee"} and result.incident["acknowledged_at"]


def test_the_second_to_acknowledge_learns_who_was_first(town):
    number = open_incident(town).number
    op.incident_acknowledge(number=number, by=by(town.kim))
    with pytest.raises(NotAllowedNow) as refusal:
        op.incident_acknowledge(number=number, by=by(town.lee))
    assert refusal.value.incident.holder == town.kim and refusal.value.incident.status == "acked"


# ── Closing ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", ["", "RC-99", "arrest", "rc-01"])
def test_closing_needs_a_result_code(town, code):
    incident = open_incident(town, status="resolved")
    with pytest.raises(Invalid) as refusal:
        close(town, incident, result_code=code)
    assert refusal.value.field == "result_code"


def test_an_agency_at_work_keeps_an_incident_open(town):
    incident = confirmed(town)
    relay_to(town, incident)
    with pytest.raises(NotAllowedNow) as refusal:
        close(town, incident)
    assert "police112" in refusal.value.detail


def test_an_operators_override_is_none(town):
    incident = confirmed(town)
    relay_to(town, incident)
    with pytest.raises(NotAllowedNow):
        close(town, incident, override=True, note="they forgot")


def test_a_supervisor_must_ask_for_the_override_and_say_why(town):
    incident = confirmed(town)
    relay_to(town, incident)
    with pytest.raises(NotAllowedNow):
        close(town, incident, town.park)
    with pytest.raises(Invalid) as refusal:
        close(town, incident, town.park, override=True, note=" ")
    assert refusal.value.field == "note"
    result = close(town, incident, town.park, override=True, note="they forgot")
    assert result.incident["status"] == "closed"
    assert last_change(incident).body["detail"]["override"] is True


def test_an_override_tells_the_agency_that_the_case_is_closed_here(town):
    incident = confirmed(town)
    relay = relay_to(town, incident)
    close(town, incident, town.park, override=True, note="they forgot")
    assert list(relay.deliveries.order_by("position").values_list("message", flat=True)) == ["create", "close"]
    assert relay.deliveries.get(message="close").payload["incident"]["result_code"] == "RC-01"


def test_the_agencys_close_is_enough(town):
    incident = confirmed(town)
    relay = relay_to(town, incident)
    hear(relay, "closed", result_code="RC-02")
    incident.refresh_from_db()
    assert (incident.status, incident.result_code) == ("resolved", "RC-02")
    assert close(town, incident, result_code="RC-01").incident["result_code"] == "RC-01"


# ── False alarms and tests ─────────────────────────────────────────────────────────────────────────


def test_a_false_alarm_ends_it_with_its_reason(town):
    incident = open_incident(town)
    result = op.incident_false_alarm(number=incident.number, by=by(town.kim), reason="FA-02")
    assert (result.incident["status"], result.incident["reason"]) == ("false_alarm", "FA-02")
    assert result.incident["closed_at"]


def test_the_test_reason_makes_it_a_test(town):
    incident = open_incident(town)
    result = op.incident_false_alarm(number=incident.number, by=by(town.kim), reason="FA-06")
    assert result.incident["status"] == "test" and kinds(incident)[-1] == "incident.test"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 301, "a\0b"])
def test_a_reason_is_needed(town, reason):
    for act in (op.incident_false_alarm, op.incident_reopen):
        with pytest.raises(Invalid) as refusal:
            act(number=open_incident(town).number, by=by(town.kim), reason=reason)
        assert refusal.value.field == "reason"
    with pytest.raises(Invalid):
        op.incident_shelve(number=open_incident(town, "ORD-01").number, by=by(town.kim), reason=reason, minutes=5)


def test_a_false_alarm_calls_told_agencies_off(town):
    incident = open_incident(town, "CRM-02")
    relay = relay_to(town, incident)
    op.incident_false_alarm(number=incident.number, by=by(town.kim), reason="FA-01")
    assert list(relay.deliveries.order_by("position").values_list("message", flat=True)) == ["create", "cancel"]


@pytest.mark.parametrize("bad", ["a\0b", "x" * 2001, "\ud800"])
def test_notes_are_texts_of_a_moderate_length(town, bad):
    incident = open_incident(town, status="confirmed")
    for act in (
        lambda: op.incident_note(number=incident.number, by=by(town.kim), text=bad),
        lambda: op.incident_resolve(number=incident.number, by=by(town.kim), note=bad),
        lambda: close(town, incident, note=bad),
    ):
        with pytest.raises(Invalid) as refusal:
            act()
        assert refusal.value.field == "note"


# ── Reopening ──────────────────────────────────────────────────────────────────────────────────────


def closed_incident(town, at):
    incident = open_incident(town, "ORD-01", status="closed")
    Incident.objects.filter(pk=incident.pk).update(closed_at=at, status_at=at, result_code="RC-01")
    return incident


def test_reopening_within_a_day_wants_a_new_acknowledgement(town):
    incident = closed_incident(town, ago(hours=23, minutes=59))
    result = op.incident_reopen(number=incident.number, by=by(town.kim), reason="again").incident
    assert result["status"] == "reopened" and "acknowledge" in result["moves"]
    assert (result["closed_at"], result["acknowledged_at"], result["result_code"]) == (None, None, None)
    assert result["reason"] == "again" and result["ack_due_at"] > timezone.now().isoformat()


def test_after_a_day_it_stays_closed(town):
    incident = closed_incident(town, ago(hours=24, seconds=1))
    with pytest.raises(NotAllowedNow):
        op.incident_reopen(number=incident.number, by=by(town.kim), reason="again")


# ── The shelf ──────────────────────────────────────────────────────────────────────────────────────


def shelve(town, incident, minutes=30):
    return op.incident_shelve(number=incident.number, by=by(town.kim), reason="known works", minutes=minutes)


@pytest.mark.parametrize("grade, allowed", [("G1", False), ("G2", False), ("G3", True), ("G4", True), ("G5", True)])
def test_only_lesser_grades_can_be_shelved(town, grade, allowed):
    incident = open_incident(town, "ORD-01", grade=grade)
    if allowed:
        assert shelve(town, incident).incident["shelved_until"]
    else:
        with pytest.raises(NotAllowedNow):
            shelve(town, incident)


@pytest.mark.parametrize("minutes", [0, -1, 61, 10**9])
def test_the_shelf_holds_for_an_hour_at_most(town, minutes):
    with pytest.raises(Invalid) as refusal:
        shelve(town, open_incident(town, "ORD-01"), minutes)
    assert refusal.value.field == "minutes"
    assert shelve(town, open_incident(town, "ORD-01"), 60)


def test_an_operator_takes_it_back_from_the_shelf_once(town):
    incident = open_incident(town, "ORD-01")
    shelve(town, incident)
    assert op.incident_unshelve(number=incident.number, by=by(town.lee)).incident["shelved_until"] is None
    with pytest.raises(NotAllowedNow):
        op.incident_unshelve(number=incident.number, by=by(town.lee))
    assert kinds(incident) == ["incident.opened", "incident.shelved", "incident.unshelved"]


def test_it_returns_by_itself_when_its_time_is_over(town):
    due, later = open_incident(town, "ORD-01"), open_incident(town, "ORD-01")
    shelve(town, due), shelve(town, later)
    Incident.objects.filter(pk=due.pk).update(shelved_until=ago(seconds=1))
    assert op.incidents_return_from_shelf() == 1
    assert op.incidents_return_from_shelf() == 0
    due.refresh_from_db(), later.refresh_from_db()
    assert due.shelved_until is None and later.shelved_until
    assert last_change(due).body["actor"] == {"kind": "system", "name": "ocenter"}
    assert last_change(due).kind == "incident.unshelved" and last_change(due).body["detail"] == {"because": "time"}


def test_the_sweeper_has_the_duty_to_bring_it_back():
    from linkage import sweeper

    assert op.incidents_return_from_shelf in sweeper._duties


def test_a_new_event_brings_it_back(town):
    (first,) = receive(town, event("ORD-01"))
    incident = Incident.objects.get(number=first.incident)
    shelve(town, incident)
    receive(town, event("ORD-01"))
    assert last_change(incident).kind == "incident.joined"
    assert last_change(incident).body["incident"]["shelved_until"] is None


def test_any_move_and_any_word_of_an_agency_bring_it_back(town):
    moved, told = open_incident(town, "ORD-01"), open_incident(town, "ORD-01")
    shelve(town, moved)
    assert op.incident_acknowledge(number=moved.number, by=by(town.kim)).incident["shelved_until"] is None
    relay = relay_to(town, told)
    shelve(town, told)
    hear(relay, "dispatched")
    told.refresh_from_db()
    assert told.shelved_until is None
    shelve(town, told)
    hear(relay, "dispatched", lat=36.0, lon=127.0)
    assert last_change(told).kind == "relay.unit"
    told.refresh_from_db()
    assert told.shelved_until, "a unit that moves is no news of the incident"


def test_nothing_ended_or_reopened_lies_on_the_shelf(town):
    incident = open_incident(town, "ORD-01", status="confirmed")
    shelve(town, incident)
    assert close(town, incident).incident["shelved_until"] is None
    reopened = op.incident_reopen(number=incident.number, by=by(town.kim), reason="again")
    assert reopened.incident["shelved_until"] is None


# ── Assigning, merging, splitting, registering ─────────────────────────────────────────────────────


def test_assigning_names_before_and_after(town):
    incident = open_incident(town)
    op.incident_assign(number=incident.number, by=by(town.lee), username="")
    result = op.incident_assign(number=incident.number, by=by(town.park), username="kim")
    assert result.incident["holder"]["username"] == "kim"
    assert last_change(incident).body["detail"] == {"from": "lee", "to": "kim"}


def test_without_consent_only_a_supervisor_takes_from_or_gives_to_somebody_else(town):
    incident = open_incident(town)
    for username in ("lee", "park"):
        with pytest.raises(NotAllowedNow):
            op.incident_assign(number=incident.number, by=by(town.kim), username=username)
    op.incident_assign(number=incident.number, by=by(town.kim), username="kim")
    op.incident_assign(number=incident.number, by=by(town.kim), username="")  # whose it is may say so again
    with pytest.raises(NotAllowedNow):
        op.incident_assign(number=incident.number, by=by(town.lee), username="")
    assert op.incident_assign(number=incident.number, by=by(town.park), username="").incident["holder"]["username"] == "park"


def test_only_somebody_who_works_here_can_hold_it(town, other):
    incident = open_incident(town)
    make_user("gone", town.municipality, is_active=False)
    make_user("temp", town.municipality, employer="guards", expires_at=ago(days=1))
    for nobody in ("nobody", "gone", "temp", "auditor", other.kim.username):
        with pytest.raises(Invalid) as refusal:
            op.incident_assign(number=incident.number, by=by(town.kim), username=nobody)
        assert refusal.value.field == "username"


def test_a_registered_incident_enters_acknowledged_by_its_registrar(town):
    report = understand(event("ORD-02", summary="by telephone"), timezone.now())
    result = op.incident_register(municipality=town.municipality, report=report, by=by(town.kim))
    incident = Incident.objects.get(number=result.incident["number"])
    assert (incident.status, incident.holder, incident.system) == ("acked", town.kim, None)
    assert incident.acknowledged_at and result.incident["source"]["system"] is None
    assert kinds(incident) == ["incident.opened", "incident.acknowledged"]
    assert_ledger_is_whole(town)


# ── Relaying ───────────────────────────────────────────────────────────────────────────────────────


def test_who_relays_has_taken_notice(town):
    incident = open_incident(town, "CRM-02")
    relay_to(town, incident)
    assert kinds(incident) == ["incident.opened", "incident.acknowledged", "relay.requested"]
    change = last_change(incident)
    assert change.body["incident"]["relays"][0]["agency"] == "police112"
    assert change.body["incident"]["status"] == "acked" and change.body["actor"]["name"] == "kim"
    assert AuditEntry.objects.filter(subject=incident.number, action="relay.requested").count() == 1


def test_relaying_twice_to_one_agency_sends_one_message(town):
    incident = open_incident(town, "CRM-02")
    first = relay_to(town, incident)
    assert relay_to(town, incident, user=town.lee) == first
    assert Delivery.objects.filter(relay=first).count() == 1 and kinds(incident).count("relay.requested") == 1


def test_two_agencies_get_a_relay_each(town):
    incident = open_incident(town, "CRM-02")
    assert relay_to(town, incident) != relay_to(town, incident, town.fire)


@pytest.mark.parametrize("status", ["received", "resolved", "closed", "merged", "false_alarm", "test", "cancelled"])
def test_what_has_ended_is_not_relayed(town, status):
    incident = open_incident(town, "CRM-02", status=status)
    with pytest.raises(NotAllowedNow):
        relay_to(town, incident)
    assert not Relay.objects.exists()


@pytest.mark.parametrize("word", ["closed", "declined", "cancelled"])
def test_an_agency_that_ended_its_case_is_not_told_in_silence(town, word):
    incident = open_incident(town, "CRM-02")
    hear(relay_to(town, incident), word)
    with pytest.raises(NotAllowedNow) as refusal:
        relay_to(town, incident)
    assert "042-112" in refusal.value.detail


def test_once_confirmed_the_incident_follows_the_agency(town):
    incident = confirmed(town)
    relay = relay_to(town, incident)
    states = []
    for word in ("accepted", "dispatched", "arrived", "closed"):
        hear(relay, word)
        incident.refresh_from_db()
        states.append(incident.status)
    assert states == ["notified", "responding", "responding", "resolved"]
    assert kinds(incident)[-8:] == [
        "relay.requested", "relay.accepted", "incident.notified", "relay.dispatched", "incident.responding",
        "relay.arrived", "relay.closed", "incident.resolved",
    ]  # fmt: skip
    assert_ledger_is_whole(town)


def test_before_confirmation_the_agencys_word_waits_and_then_counts(town):
    incident = open_incident(town, "CRM-02")
    relay = relay_to(town, incident)
    hear(relay, "accepted"), hear(relay, "dispatched")
    incident.refresh_from_db()
    assert incident.status == "acked"
    result = op.incident_confirm(number=incident.number, by=by(town.kim))
    assert result.incident["status"] == "responding"
    assert kinds(incident)[-3:] == ["incident.confirmed", "incident.notified", "incident.responding"]


def test_one_agency_closing_does_not_resolve_what_another_works_on(town):
    incident = confirmed(town)
    police, fire = relay_to(town, incident), relay_to(town, incident, town.fire)
    hear(police, "accepted"), hear(fire, "accepted"), hear(police, "closed")
    incident.refresh_from_db()
    assert incident.status == "notified"
    hear(fire, "closed")
    incident.refresh_from_db()
    assert incident.status == "resolved"


def test_an_ended_incident_no_longer_follows(town):
    incident = confirmed(town)
    relay = relay_to(town, incident)
    close(town, incident, town.park, override=True, note="done")
    hear(relay, "dispatched")
    incident.refresh_from_db()
    assert incident.status == "closed" and kinds(incident)[-1] == "relay.dispatched"


# ── The ledger's and the audit's promises ──────────────────────────────────────────────────────────


def test_a_refused_action_leaves_nothing_behind(town):
    incident = confirmed(town)
    relay_to(town, incident)
    before = (kinds(town), AuditEntry.objects.count(), Delivery.objects.count())
    for act in (
        lambda: close(town, incident),
        lambda: close(town, incident, town.park, override=True),
        lambda: shelve(town, incident),
        lambda: regrouping.incident_split(number=incident.number, by=by(town.kim), events=["nothing"]),
    ):
        with pytest.raises((NotAllowedNow, Invalid)):
            act()
    assert (kinds(town), AuditEntry.objects.count(), Delivery.objects.count()) == before
    assert_ledger_is_whole(town)


def test_the_timeline_is_not_rewritten_by_what_comes_later(town):
    incident = open_incident(town, "CRM-02")
    seen = []
    for act in (op.incident_acknowledge, op.incident_verify, op.incident_confirm, op.incident_respond):
        bodies = list(Change.objects.filter(incident=incident).order_by("seq").values_list("body", flat=True))
        assert bodies[: len(seen)] == seen
        seen = bodies
        act(number=incident.number, by=by(town.kim))
