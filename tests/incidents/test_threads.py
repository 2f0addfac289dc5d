"""Threads: later messages of a source about the same subject change or end its incident, in whatever order they come."""

import itertools
import random
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from incidents import operations as op
from incidents import threads
from incidents.intake import in_waves
from incidents.intake_queue import _store
from incidents.models import Change, Event, Incident
from incidents.relaying import compose
from incidents.reports import NotUnderstood, understand
from linkage.models import Delivery, Relay
from ocenter.accounts.models import AuditEntry
from tests.incidents.cast import ago, assert_ledger_is_whole, by, event, hear, kinds, last_change, receive

SQUARE = {"type": "Polygon", "coordinates": [[[127.3, 36.3], [127.4, 36.3], [127.4, 36.4], [127.3, 36.4], [127.3, 36.3]]]}


def message(n, subject="warning-1", code="DIS-01", **fields):
    """The nth message of a subject, a minute after the one before."""
    return event(code, id=f"{subject}.{n}", subject=subject, at=ago(minutes=60 - n), **{"lat": None, "lon": None, **fields})


def the_incident():
    return Incident.objects.get()


def test_an_update_changes_the_incident_and_says_what_changed(town):
    (first,) = receive(town, message(1, grade="G3", summary="호우주의보", area=SQUARE))
    (second,) = receive(town, message(2, grade="G2", summary="호우경보", area=SQUARE))
    incident = the_incident()
    assert first.incident == second.incident == incident.number
    assert (incident.grade, incident.summary, incident.event_count) == ("G2", "호우경보", 2)
    changed = last_change(incident).body["detail"]["changed"]
    assert changed["grade"] == {"from": "G3", "to": "G2"} and changed["summary"]["to"] == "호우경보"
    assert kinds(incident) == ["incident.opened", "incident.updated"]
    assert_ledger_is_whole(town)


def test_the_same_message_again_changes_nothing(town):
    receive(town, message(1))
    (again,) = receive(town, message(1))
    assert again.duplicate and again.incident == the_incident().number and Change.objects.count() == 1


def test_an_area_is_shown_inside_itself_and_swallows_no_event_there(town):
    receive(town, message(1, code="DIS-09", area=SQUARE))
    warning = the_incident()
    assert 36.3 < warning.lat < 36.4 and 127.3 < warning.lon < 127.4 and warning.area == SQUARE
    (flood,) = receive(town, event("DIS-09", lat=warning.lat, lon=warning.lon))
    assert flood.incident != warning.number


def test_a_raise_wants_to_be_acknowledged_again(town):
    receive(town, message(1, grade="G3"))
    op.incident_acknowledge(number=the_incident().number, by=by(town.kim))
    receive(town, message(2, grade="G1"))
    incident = the_incident()
    assert (incident.status, incident.grade, incident.acknowledged_at) == ("open", "G1", None)
    assert incident.holder == town.kim and incident.ack_due_at > timezone.now()
    assert kinds(incident)[-1] == "incident.raised"
    assert AuditEntry.objects.filter(subject=incident.number, action="incident.raised").exists()


def test_a_lesser_grade_is_believed_only_of_one_who_reports_alone(town):
    receive(town, message(1, code="FIR-01", grade="G1", lat=36.35, lon=127.38))
    receive(town, event("FIR-01", lat=36.35, lon=127.38, at=ago(minutes=59)), system=town.sensors)
    receive(town, message(2, code="FIR-01", grade="G3", lat=36.35, lon=127.38))
    assert the_incident().grade == "G1"


def test_what_nobody_took_up_leaves_the_queue_when_it_is_over(town):
    receive(town, message(1))
    receive(town, message(2, action="end"))
    incident = the_incident()
    assert (incident.status, incident.reason) == ("cancelled", "ended") and incident.closed_at
    assert kinds(incident)[-1] == "incident.cancelled"
    assert AuditEntry.objects.get(subject=incident.number).actor == "feed:bells"


def test_what_somebody_works_on_is_resolved_and_theirs_to_close(town):
    receive(town, message(1))
    number = the_incident().number
    op.incident_acknowledge(number=number, by=by(town.kim))
    receive(town, message(2, action="end"))
    assert the_incident().status == "resolved"
    op.incident_close(number=number, by=by(town.kim), result_code="RC-07")


def relayed(town, code="FIR-01"):
    receive(town, message(1, code=code, lat=36.35, lon=127.38))
    incident = the_incident()
    if not Relay.objects.exists():
        op.incident_relay(number=incident.number, by=by(town.kim), request=compose(incident, town.fire))
    hear(Relay.objects.get(), "accepted")
    return incident


def test_a_withdrawal_tells_the_agencies_at_work(town):
    relayed(town)
    receive(town, message(2, code="FIR-01", action="cancel"))
    assert the_incident().status == "cancelled"
    assert [one.message for one in Delivery.objects.order_by("position")] == ["create", "cancel"]


def test_an_update_is_sent_after_the_create_and_only_when_something_changed(town):
    relayed(town)
    receive(town, message(2, code="FIR-01", lat=36.351, lon=127.38, summary="연기 확산"))
    receive(town, message(3, code="FIR-01", lat=36.351, lon=127.38, summary="연기 확산"))
    sent = list(Delivery.objects.order_by("position"))
    assert [one.message for one in sent] == ["create", "update"]
    assert sent[1].payload["incident"]["summary"] == "연기 확산" and sent[1].payload["cameras"] == []


def test_an_incident_of_several_sources_is_over_when_all_say_so(town):
    receive(town, message(1, "a", "TRF-1", lat=36.35, lon=127.38))
    receive(town, message(1, "b", "TRF-1", lat=36.35, lon=127.38), system=town.sensors)
    receive(town, message(2, "a", "TRF-1", action="end"))
    assert the_incident().status == "open" and last_change(the_incident()).body["detail"]["over"] == "a"
    receive(town, message(2, "b", "TRF-1", action="end"), system=town.sensors)
    assert the_incident().status == "cancelled"


def test_a_plain_event_beside_it_keeps_the_incident(town):
    receive(town, message(1, "a", "FIR-01", lat=36.35, lon=127.38))
    receive(town, event("FIR-01", lat=36.35, lon=127.38, at=ago(minutes=59)), system=town.sensors)
    receive(town, message(2, "a", "FIR-01", action="cancel"))
    assert the_incident().status == "open"


def test_the_end_of_something_never_heard_of_is_kept_and_what_it_ended_stays_away(town):
    (end,) = receive(town, message(5, action="end"))
    assert end.incident is None and not end.duplicate and Event.objects.get().incident is None
    (late,) = receive(town, message(1))
    assert late.incident is None and not Incident.objects.exists()
    (anew,) = receive(town, message(9))
    assert anew.incident == the_incident().number


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_messages_in_any_order_end_alike(town, order):
    said = {1: message(1, grade="G3", summary="one"), 2: message(2, grade="G2", summary="two"), 3: message(3, action="end")}
    for n in order:
        receive(town, said[n])
    active = Incident.objects.exclude(status="cancelled")
    assert not active.exists() and Event.objects.count() == 3
    assert_ledger_is_whole(town)


def test_a_late_update_changes_nothing(town):
    receive(town, message(1, summary="one"))
    receive(town, message(3, summary="three", grade="G2"))
    receive(town, message(2, summary="two", grade="G1"))
    incident = the_incident()
    assert (incident.summary, incident.grade, incident.event_count) == ("three", "G2", 3)


def test_a_message_is_found_by_the_ids_it_refers_to(town):
    receive(town, event("DIS-01", id="KR.1", subject="KR.1", at=ago(minutes=9), lat=None, lon=None))
    receive(town, event("DIS-01", id="KR.2", refers_to=["KR.1"], at=ago(minutes=8), lat=None, lon=None, summary="second"))
    receive(town, event("DIS-01", id="KR.3", refers_to=["KR.2"], at=ago(minutes=7), lat=None, lon=None, action="cancel"))
    assert (the_incident().status, the_incident().summary) == ("cancelled", "second")


def test_a_plain_event_can_be_referred_to(town):
    receive(town, event(id="press-1", at=ago(seconds=30)))
    receive(town, event(id="press-2", refers_to=["press-1"], action="cancel"))
    assert the_incident().status == "cancelled"


def test_the_reference_may_come_before_what_it_refers_to(town):
    (update,) = receive(town, event("DIS-01", id="KR.2", refers_to=["KR.1"], at=ago(minutes=8), lat=None, lon=None))
    (first,) = receive(town, event("DIS-01", id="KR.1", subject="KR.1", at=ago(minutes=9), lat=None, lon=None))
    assert update.incident == first.incident == the_incident().number


def test_what_an_operator_has_settled_stays_settled_unless_it_gets_worse(town):
    receive(town, message(1, grade="G3"))
    number = the_incident().number
    op.incident_acknowledge(number=number, by=by(town.kim))
    op.incident_false_alarm(number=number, by=by(town.kim), reason="FA-01")
    (same,) = receive(town, message(2, grade="G3", summary="another word"))
    assert same.incident == number and the_incident().status == "false_alarm"
    (worse,) = receive(town, message(3, grade="G1"))
    assert worse.incident != number


def test_another_source_with_the_same_subject_is_another_matter(town, other):
    receive(town, message(1))
    receive(town, message(1), system=town.sensors)
    receive(other, message(1))
    receive(town, message(2, action="cancel"), system=town.sensors)
    assert sorted(Incident.objects.values_list("status", flat=True)) == ["cancelled", "open", "open"]


def test_a_batch_may_hold_a_whole_life(town):
    said = [message(1), message(2, grade="G2"), event(id="press"), message(3, action="end"), message(1, "other")]
    arrivals = receive.__globals__["intake"].Arrival
    batch = [arrivals(town.bells, understand(one, timezone.now())) for one in said]
    assert in_waves(batch) == [[0, 2, 4], [1], [3]]
    (receipts,) = _store([batch])
    assert len({one.incident for one in receipts}) == 3 and not any(one.duplicate for one in receipts)
    assert sorted(Incident.objects.values_list("status", flat=True)) == ["cancelled", "open", "open"]


def test_what_expires_ends_by_itself_once(town):
    receive(town, message(1, expires_at=(timezone.now() - timedelta(seconds=1)).isoformat()))
    receive(town, message(1, "later", expires_at=(timezone.now() + timedelta(hours=1)).isoformat()))
    assert (op.incidents_expire(), op.incidents_expire()) == (1, 0)
    assert sorted(Incident.objects.values_list("status", flat=True)) == ["cancelled", "open"]
    assert Change.objects.get(kind="incident.cancelled").body["detail"]["because"] == "expired"


@pytest.mark.parametrize("taken_up", [False, True])
def test_what_is_extended_after_it_ran_out_is_opened_again(town, taken_up):
    receive(town, message(1, expires_at=(timezone.now() - timedelta(seconds=1)).isoformat()))
    if taken_up:
        op.incident_acknowledge(number=the_incident().number, by=by(town.kim))
    op.incidents_expire()
    (extended,) = receive(town, message(2, expires_at=(timezone.now() + timedelta(hours=1)).isoformat()))
    assert Incident.objects.get(number=extended.incident).status == "open" and Incident.objects.count() == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("action", "delete"), ("refers_to", "KR.1"), ("refers_to", [1]), ("refers_to", ["x"] * 51), ("expires_at", "soon"),
        ("expires_at", "2026-11-23T20:00:00"), ("area", {"type": "Point", "coordinates": [1, 2]}),
        ("area", {"type": "Polygon", "coordinates": [[[127, 36], [128, 36], [128, 37], [127, 38]]]}),
        ("area", {"type": "Polygon", "coordinates": [[[127, 99]] * 4]}), ("area", {"type": "Polygon"}), ("subject", 7),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(field, value):
    with pytest.raises(NotUnderstood) as refusal:
        understand(event(**{field: value}), timezone.now())
    assert [one["field"] for one in refusal.value.errors] == [field]


def told(town, chance, count):
    """So many messages of three feeds under some thirty names, with and without subjects, of a few incidents and none."""
    receive(town, *(event("ORD-04", id=f"incident-{n}", lat=36.30 + 0.01 * n) for n in range(6)))
    pattern, incidents = Event.objects.first(), [None, *Incident.objects.values_list("pk", flat=True)]
    rows = {}
    for n in range(count):
        subject = "" if chance.random() < 0.3 else f"x{chance.randrange(30)}"
        source_id = f"m{n}" if subject else f"x{chance.randrange(40)}"
        system = chance.choice([town.police, town.fire, town.disaster])
        rows.setdefault((system.pk, source_id), Event(
            municipality_id=pattern.municipality_id, system=system, source_id=source_id, subject=subject,
            action=chance.choice(["report", "report", "end", "cancel"]), incident_id=chance.choice(incidents), code="ORD-04", grade="G3",
            occurred_at=ago(minutes=chance.randrange(1000)), received_at=ago(minutes=1),
        ))  # fmt: skip
    return Event.objects.bulk_create(rows.values())


def facts(key):
    """What `threads.find` says of a subject, by reading every message there is."""
    name = lambda one: (one.system_id, one.subject or one.source_id)  # noqa: E731
    every = list(Event.objects.order_by("id"))
    ours = [one for one in every if name(one) == key]
    incident = next((one.incident_id for one in reversed(ours) if one.incident_id), None)
    inside = [one for one in every if incident and one.incident_id == incident]
    newest = {name(one): one.action for one in inside if name(one) != key}
    return (
        incident,
        max((one.occurred_at for one in ours if one.action == "report"), default=None),
        max((one.occurred_at for one in ours if one.action != "report"), default=None),
        not inside or name(inside[0]) == key,
        all(name(one) == key for one in inside),
        "report" not in newest.values(),
    )


@pytest.mark.parametrize("seed", range(3))
def test_what_is_known_of_a_thread_is_what_all_its_messages_say(town, seed):
    messages = told(town, random.Random(seed), 300)
    keys = {(one.system_id, one.subject or one.source_id) for one in messages}
    found = threads.find(keys)
    assert {(system, found[system, subject].subject) for system, subject in keys} == keys
    for key in keys:
        one = found[key]
        assert (one.incident_id, one.reported_at, one.ended_at, one.opened, one.alone, one.others_over) == facts(key), key


def test_the_thousandth_message_costs_what_the_second_does(town):
    receive(town, *(event("ORD-04", id=f"lamp-{n}.0", subject=f"lamp-{n}", lat=36.30 + 0.01 * n) for n in range(8)))
    keys = [(one.system_id, one.subject) for one in Event.objects.all()]

    def pages():
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE incidents_event")
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {threads._THREADS}", threads._columns(keys))
            plan = cursor.fetchone()[0][0]["Plan"]
        return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]

    def tell(first, last):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO incidents_event (municipality_id, system_id, source_id, subject, action, incident_id, code, grade, "
                "occurred_at, received_at, summary, address, device_id, attributes) "
                "SELECT municipality_id, system_id, subject || '.' || n, subject, action, incident_id, code, grade, occurred_at, "
                "received_at, summary, address, device_id, attributes FROM incidents_event, generate_series(%s, %s) AS n "
                "WHERE source_id = subject || '.0' ORDER BY n", [first, last],
            )  # fmt: skip

    tell(1, 20)
    short = pages()
    tell(21, 1000)
    assert pages() < 3 * short
